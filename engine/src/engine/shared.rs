//! Single writes that come at the same time share one commit.

use super::enqueue::refuse_too_large;
use super::group_commit::GroupCommit;
use super::not_enqueued::NotEnqueued;
use super::notifier::Notifier;
use super::{Engine, Enqueued, NewRun};
use futures::FutureExt;
use futures::future::BoxFuture;
use metrics::histogram;
use sqlx::{PgConnection, PgPool};
use std::slice;
use std::sync::Arc;
use std::time::Instant;

/// Writes a group in one statement, which is its transaction, and gives one answer an item, in order.
pub type WriteGroup<I, A> =
    for<'a> fn(&'a mut PgConnection, &'a [I]) -> BoxFuture<'a, sqlx::Result<Vec<A>>>;

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

    /// The same for a caller who writes more than runs, such as a row beside each: a queue of its own
    /// into commits made by `write`, which must enqueue by SQL of its own in the same statement. Workers
    /// are told after each.
    #[must_use]
    pub fn group_commit<I, A>(&self, write: WriteGroup<I, A>) -> GroupCommit<I, A>
    where
        I: Clone + Send + Sync + 'static,
        A: Send + 'static,
    {
        group_commit(self.pool().clone(), self.notifier.clone(), write)
    }
}

/// The way of single runs into the database, of one handle and its clones.
pub(super) fn door(pool: PgPool, notifier: Arc<Notifier>) -> GroupCommit<NewRun, Enqueued> {
    group_commit(pool, notifier, |db, runs| {
        Engine::enqueue_in(db, runs).boxed()
    })
}

fn group_commit<I, A>(
    pool: PgPool,
    notifier: Arc<Notifier>,
    write: WriteGroup<I, A>,
) -> GroupCommit<I, A>
where
    I: Clone + Send + Sync + 'static,
    A: Send + 'static,
{
    GroupCommit::new(Box::new(move |items: Arc<Vec<I>>| {
        let (pool, notifier) = (pool.clone(), notifier.clone());
        async move {
            let start = Instant::now();
            let answers = in_a_session(&pool, &items, write).await;
            count(items.len(), start);
            let answers = answers.map_err(|error| NotEnqueued::of(&error))?;
            notifier.poke();
            Ok(answers)
        }
        .boxed()
    }))
}

async fn in_a_session<I, A>(
    pool: &PgPool,
    items: &[I],
    write: WriteGroup<I, A>,
) -> sqlx::Result<Vec<A>> {
    let mut connection = pool.acquire().await?;
    write(&mut connection, items).await
}

fn count(items: usize, since: Instant) {
    histogram!("leadrail_shared_commit_seconds").record(since.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "five hundred at most")]
    histogram!("leadrail_shared_commit_runs").record(items as f64);
}
