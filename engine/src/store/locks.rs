//! Named locks, fenced like every other write of a worker.

use super::Store;
use super::connect::backoff;
use crate::ids::{RunId, WorkerId};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

impl Store {
    /// `Some(None)`: taken. `Some(Some(wait))`: another run has it, ask again then. `None`: the
    /// worker was taken over. Waits for a database that is away.
    pub(crate) async fn take_lock(
        &self,
        name: &str,
        run: RunId,
        worker: WorkerId,
        lost: &CancellationToken,
    ) -> Option<Option<Duration>> {
        let mut waits = backoff();
        loop {
            let answer = sqlx::query_scalar!(
                r#"
                select (extract(epoch from leadrail.take_lock($1, $2, $3) - leadrail.now()) * 1000)::bigint
                    as wait_ms
                "#,
                name,
                run.0,
                worker.0,
            )
            .fetch_one(&self.pool)
            .await;
            match answer {
                Ok(wait) => {
                    let millis = wait.map(|ms| u64::try_from(ms).unwrap_or(0));
                    return Some(millis.map(Duration::from_millis));
                }
                Err(error) if is_fence(&error) => {
                    lost.cancel();
                    return None;
                }
                Err(error) => tracing::warn!(error = %error, "A lock could not be taken yet"),
            }
            let wait = waits.next().unwrap_or(Duration::from_secs(1));
            tokio::select! {
                () = lost.cancelled() => return None,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Gives a lock back; what a worker that was taken over gives back stays with the run, which may
    /// have taken it again elsewhere. Waits for a database that is away.
    pub(crate) async fn give_lock_back(
        &self,
        name: &str,
        run: RunId,
        worker: WorkerId,
        lost: &CancellationToken,
    ) {
        let mut waits = backoff();
        while !lost.is_cancelled() {
            let given = sqlx::query!(
                "
                with alive as (select from leadrail.worker w where w.id = $3 for key share)
                delete from leadrail.run_lock l
                where l.name = $1 and l.run_id = $2 and exists (select from alive)
                ",
                name,
                run.0,
                worker.0,
            )
            .execute(&self.pool)
            .await;
            if given.is_ok() {
                return;
            }
            tokio::time::sleep(waits.next().unwrap_or(Duration::from_secs(1))).await;
        }
    }
}

fn is_fence(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "LR002")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, NewRun};
    use crate::store::workers;
    use leadrail_postgres::testing::TestDatabase;

    struct Bench {
        engine: Engine,
        store: Store,
        run: RunId,
        lost: CancellationToken,
        _database: TestDatabase,
    }

    impl Bench {
        async fn new() -> Self {
            let database = TestDatabase::fresh().await;
            let engine = Engine::connect(database.url()).await.unwrap();
            engine.migrate().await.unwrap();
            let run = NewRun {
                workflow: "story".to_owned(),
                scope: String::new(),
                key: None,
                fingerprint: String::new(),
                lane: String::new(),
                priority: 2,
                delay: Duration::ZERO,
                input: "null".to_owned(),
            };
            Self {
                run: engine.enqueue(&[run]).await.unwrap()[0].run_id,
                store: Store {
                    pool: engine.pool().clone(),
                },
                engine,
                lost: CancellationToken::new(),
                _database: database,
            }
        }

        async fn worker(&self) -> WorkerId {
            let mut session = self.engine.pool().acquire().await.unwrap();
            let lease = Duration::from_secs(3_600);
            workers::register(&mut session, "tests", lease)
                .await
                .unwrap()
        }

        async fn take(&self, worker: WorkerId) -> Option<Option<Duration>> {
            let store = &self.store;
            store.take_lock("phone", self.run, worker, &self.lost).await
        }

        async fn locks(&self) -> i64 {
            sqlx::query_scalar("select count(*) from leadrail.run_lock")
                .fetch_one(self.engine.pool())
                .await
                .unwrap()
        }
    }

    #[tokio::test]
    async fn a_worker_that_was_taken_over_neither_takes_a_lock_nor_gives_one_back() {
        let bench = Bench::new().await;
        let (first, second) = (bench.worker().await, bench.worker().await);
        assert_eq!(bench.take(first).await, Some(None));
        sqlx::query("delete from leadrail.worker where id = $1")
            .bind(first.0)
            .execute(bench.engine.pool())
            .await
            .unwrap();
        // The run has it still, wherever it is carried on.
        assert_eq!(bench.take(second).await, Some(None));
        let give_back = async |worker| {
            let store = &bench.store;
            store
                .give_lock_back("phone", bench.run, worker, &bench.lost)
                .await;
        };
        give_back(first).await;
        assert_eq!(bench.locks().await, 1);
        give_back(second).await;
        assert_eq!(bench.locks().await, 0);
        assert_eq!(bench.take(first).await, None);
        assert!(bench.lost.is_cancelled());
    }
}
