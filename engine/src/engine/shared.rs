//! Single runs that are enqueued at the same time share one commit.

use super::enqueue::refuse_too_large;
use super::group_commit::GroupCommit;
use super::notifier::Notifier;
use super::{Engine, Enqueued, NewRun};
use futures::FutureExt;
use metrics::histogram;
use sqlx::PgPool;
use std::slice;
use std::sync::Arc;
use std::time::Instant;

/// The way of single runs into the database; shared by all clones of a handle.
pub(super) type SharedDoor = GroupCommit<NewRun, Enqueued>;

/// Why a run was not enqueued, as far as anybody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEnqueued {
    /// The database is away or too slow. The run may be there all the same: under its key it is
    /// safe to enqueue it again later.
    #[error("the database is away or too slow; try again later")]
    Unavailable,
    /// The database is well and says no, or the input is too large: the same again will not help.
    #[error("the run was refused; the same again will not help")]
    Refused,
    /// Too much waits already. Nothing was written.
    #[error("too much waits to be written; try again later")]
    Busy,
}

impl NotEnqueued {
    /// What a failed [`Engine::enqueue`] means for whoever wants to try again. Written to the log,
    /// because no caller is told more.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        match code {
            // Data exceptions and broken constraints. The message may quote the row, so only its
            // code is logged.
            Some(code) if matches!(code.get(..2), Some("22" | "23")) => {
                tracing::error!(sqlstate = %code, "PostgreSQL refused a write");
                Self::Refused
            }
            _ => {
                let kind = kind_of(error);
                tracing::warn!(error = kind, "The database could not be used: {kind}");
                Self::Unavailable
            }
        }
    }
}

impl Engine {
    /// Enqueues one run in a commit that it shares with others that come at the same time; committed
    /// when it returns. Nobody waits for company: a lone run is as fast as by [`Engine::enqueue`],
    /// and many at once cost one disk flush a group. One that the database refuses harms no other.
    ///
    /// It answers within two seconds, and it goes on if the caller goes away while it is being
    /// written. What waits is bounded by 64 MiB of inputs a process.
    ///
    /// # Errors
    /// The run is not known to be there: see [`NotEnqueued`].
    pub async fn enqueue_shared(&self, run: NewRun) -> Result<Enqueued, NotEnqueued> {
        if refuse_too_large(slice::from_ref(&run)).is_err() {
            return Err(NotEnqueued::Refused);
        }
        let bytes = run.input.len();
        self.shared.submit(run, bytes).await
    }
}

/// The door of one handle and its clones.
pub(super) fn door(pool: PgPool, notifier: Arc<Notifier>) -> SharedDoor {
    GroupCommit::new(Box::new(move |runs: Arc<Vec<NewRun>>| {
        let (pool, notifier) = (pool.clone(), notifier.clone());
        async move {
            let start = Instant::now();
            let answers = enqueue_all(&pool, &runs).await;
            count(runs.len(), start);
            let answers = answers.map_err(|error| NotEnqueued::of(&error))?;
            notifier.poke();
            Ok(answers)
        }
        .boxed()
    }))
}

async fn enqueue_all(pool: &PgPool, runs: &[NewRun]) -> sqlx::Result<Vec<Enqueued>> {
    let mut connection = pool.acquire().await?;
    Engine::enqueue_in(&mut connection, runs).await
}

fn count(runs: usize, since: Instant) {
    histogram!("leadrail_shared_commit_seconds").record(since.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "five hundred at most")]
    histogram!("leadrail_shared_commit_runs").record(runs as f64);
}

/// What kind of trouble the database is in, for logs: PostgreSQL's own words may quote a row.
#[must_use]
pub fn kind_of(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => {
            format!("SQLSTATE {}", error.code().unwrap_or_default())
        }
        sqlx::Error::PoolTimedOut => "no connection in time".to_owned(),
        sqlx::Error::Io(error) => error.kind().to_string(),
        _ => "another driver error".to_owned(),
    }
}
