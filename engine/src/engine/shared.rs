//! Single runs that are enqueued at the same time share one commit.

use super::enqueue::refuse_too_large;
use super::group_commit::GroupCommit;
use super::not_enqueued::NotEnqueued;
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
