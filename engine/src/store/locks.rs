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
    pub(crate) async fn release_lock(
        &self,
        name: &str,
        run: RunId,
        worker: WorkerId,
        lost: &CancellationToken,
    ) {
        let mut waits = backoff();
        while !lost.is_cancelled() {
            let released = sqlx::query!(
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
            if released.is_ok() {
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
