//! Connections of the engine's own: made patiently, durable by force.

use super::doubt::KnownDoubts;
use crate::store::session;
use crate::store::writes::refuses_writes;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Between two words about a database that is away.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Makes connections that stay outside every pool, to wherever the pool connects now.
#[derive(Clone)]
pub(crate) struct Connector {
    pool: PgPool,
    lease: Duration,
    doubts: Arc<KnownDoubts>,
}

impl Connector {
    /// For a worker with this lease.
    pub(crate) fn new(pool: PgPool, lease: Duration) -> Self {
        Self {
            pool,
            lease,
            doubts: Arc::default(),
        }
    }

    /// How long one statement is waited for: a server process that is frozen, or a network that drops
    /// what we send, never answers.
    pub(crate) fn patience(&self) -> Duration {
        (self.lease / 3).max(Duration::from_secs(2))
    }

    /// What the database may not know of the outside: every connection looks.
    pub(crate) fn doubts(&self) -> Arc<KnownDoubts> {
        self.doubts.clone()
    }

    /// One try. `synchronous_commit` is forced on, and looked at, for a pooler in between may drop
    /// what a session asks for: the engine acts outside on the strength of its commits.
    pub(crate) async fn connect(&self) -> sqlx::Result<PgConnection> {
        let options = (*self.pool.connect_options()).clone();
        let options = session::hasty(session::pinned(options), self.lease)
            .application_name("leadrail-engine")
            .options([("synchronous_commit", "on")])
            .disable_statement_logging();
        let connecting = async {
            let connected = PgConnection::connect_with(&options).await;
            let mut connection = connected.map_err(session::explained)?;
            session::must_be_pinned(&mut connection).await?;
            must_be_durable(&mut connection).await?;
            self.doubts.note(&mut connection).await?;
            Ok(connection)
        };
        in_time(Duration::from_secs(5), connecting).await
    }

    /// Tries until it works or `given_up` is cancelled.
    pub(crate) async fn connect_patiently(
        &self,
        given_up: &CancellationToken,
    ) -> Option<PgConnection> {
        let mut waits = backoff();
        let mut said = None::<Instant>;
        loop {
            let error = tokio::select! {
                biased;
                () = given_up.cancelled() => return None,
                connected = self.connect() => match connected {
                    Ok(connection) => return Some(connection),
                    Err(error) => error,
                },
            };
            let wait = waits.next().unwrap_or(Duration::from_secs(1));
            if said.is_none_or(|said| said.elapsed() > SAY_EVERY) {
                said = Some(Instant::now());
                tracing::warn!(error = %error, "The worker has no session with PostgreSQL, trying again: {error}");
            }
            tokio::select! {
                () = given_up.cancelled() => return None,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

/// What the database answers within this time.
pub(crate) async fn in_time<T>(
    patience: Duration,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    let answer = tokio::time::timeout(patience, answer).await;
    answer.map_err(|_| sqlx::Error::PoolTimedOut)?
}

/// Refuses a session in which nothing can be written, and one that could forget its commits.
async fn must_be_durable(connection: &mut PgConnection) -> sqlx::Result<()> {
    if let Some(why) = refuses_writes(&mut *connection).await? {
        return Err(refused(why));
    }
    let forgetful = sqlx::query_scalar!(
        r#"select current_setting('synchronous_commit') = 'off' as "forgetful!""#
    );
    match forgetful.fetch_one(connection).await? {
        true => Err(refused(FORGETFUL)),
        false => Ok(()),
    }
}

const FORGETFUL: &str = "synchronous_commit cannot be turned on for this database's sessions, and \
    nothing is executed until it can: turn it on in postgresql.conf";

fn refused(why: &'static str) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other(why))
}

/// 50 ms, doubling up to a second, jittered, without end.
pub(crate) fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .with_jitter()
        .without_max_times()
        .build()
}

/// Whether somebody else's lock was in the way for too long.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == LOCKED)
}

/// SQLSTATE of a lock that was not got in time.
pub(crate) const LOCKED: &str = "55P03";

/// SQLSTATEs after which the same statement may work: connection trouble, shutdown, serialization,
/// deadlock, no resources, a standby.
pub(crate) fn is_transient(code: &str) -> bool {
    matches!(&code[..2.min(code.len())], "08" | "40" | "53" | "57" | "58")
        || matches!(code, "55P03" | "25006")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use leadrail_postgres::testing::TestDatabase;

    #[tokio::test]
    async fn a_session_that_could_forget_its_commits_is_refused() {
        let database = TestDatabase::fresh().await;
        let mut session = PgConnection::connect(database.url()).await.unwrap();
        for (setting, durable) in [("on", true), ("off", false)] {
            sqlx::query("select set_config('synchronous_commit', $1, false)")
                .bind(setting)
                .execute(&mut session)
                .await
                .unwrap();
            let taken = must_be_durable(&mut session).await;
            assert_eq!(taken.is_ok(), durable, "{setting}");
        }
    }

    #[tokio::test]
    async fn a_doubt_that_one_session_noticed_is_known_to_all() {
        let database = TestDatabase::fresh().await;
        let engine = Engine::connect(database.url()).await.unwrap();
        engine.migrate().await.unwrap();
        let connector = Connector::new(engine.pool().clone(), Duration::from_secs(15));
        let doubts = connector.doubts();
        connector.connect().await.unwrap();
        assert_eq!(doubts.get().latest(), None);
        engine.declare_restored().await.unwrap();
        connector.clone().connect().await.unwrap();
        assert!(doubts.get().restored.is_some());
        assert_eq!(connector.doubts().get(), doubts.get());
    }

    #[test]
    fn only_trouble_that_passes_is_tried_again() {
        for code in [
            "08006", "40001", "40P01", "53100", "57P01", "57P03", "25006",
        ] {
            assert!(is_transient(code), "{code}");
        }
        for code in ["22021", "23505", "42883", "LR002", "LR003", ""] {
            assert!(!is_transient(code), "{code}");
        }
    }
}
