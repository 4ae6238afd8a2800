//! Enqueue: once per key, many in one statement.

use super::Engine;
use crate::ids::RunId;
use crate::size::too_large;
use crate::state::RunState;
use crate::workflow::Workflow;
use sqlx::PgConnection;
use std::time::Duration;

/// A run to be.
#[derive(Clone)]
pub struct NewRun {
    /// [`Workflow::NAME`].
    pub workflow: String,
    /// The tenant; keys are unique inside it.
    pub scope: String,
    /// The idempotency key; without one every enqueue makes a run.
    pub key: Option<String>,
    /// Tells a repeat from a different body under the same key.
    pub fingerprint: String,
    /// What it queues behind.
    pub lane: String,
    /// 0 is the most urgent, 9 the least.
    pub priority: i16,
    /// How long until it may start.
    pub delay: Duration,
    /// The workflow's input as JSON.
    pub input: String,
}

impl NewRun {
    /// A run of this workflow with middle priority, due at once.
    ///
    /// # Errors
    /// When the input cannot be written as JSON.
    pub fn of<W: Workflow>(input: &W::Input) -> serde_json::Result<Self> {
        Ok(Self {
            workflow: W::NAME.to_owned(),
            scope: String::new(),
            key: None,
            fingerprint: String::new(),
            lane: String::new(),
            priority: 2,
            delay: Duration::ZERO,
            input: serde_json::to_string(input)?,
        })
    }

    /// Under this tenant and key.
    #[must_use]
    pub fn keyed(mut self, scope: impl Into<String>, key: impl Into<String>) -> Self {
        self.scope = scope.into();
        self.key = Some(key.into());
        self
    }

    /// Not before this.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// What became of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new run.
    Created,
    /// The same key and fingerprint: the run that is there.
    Duplicate,
    /// The same key with another fingerprint: nothing was written.
    Conflict,
}

impl Outcome {
    /// What `leadrail.enqueue_runs` calls it, for whoever calls that by SQL of their own.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "created" => Self::Created,
            "duplicate" => Self::Duplicate,
            _ => Self::Conflict,
        }
    }
}

/// The answer to one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enqueued {
    /// The new run, or the one that is there.
    pub run_id: RunId,
    /// What became of the item.
    pub outcome: Outcome,
    /// The run's state now.
    pub state: RunState,
    /// The fingerprint of the run that is there (empty without a key).
    pub fingerprint: String,
}

impl Engine {
    /// Enqueues runs in one transaction; committed when it returns. One answer an item, in order.
    ///
    /// # Errors
    /// When the database cannot be written; then none of them is there.
    pub async fn enqueue(&self, runs: &[NewRun]) -> sqlx::Result<Vec<Enqueued>> {
        let mut connection = self.pool().acquire().await?;
        let answers = Self::enqueue_in(&mut connection, runs).await?;
        drop(connection);
        self.notifier().poke();
        Ok(answers)
    }

    /// Enqueues inside the caller's transaction: a rollback leaves nothing. Workers find the runs at
    /// their next poll; [`Engine::hint`] after the commit is quicker. While all workers are quiet that
    /// poll may be seconds away: `select leadrail.hint_if_quiet()` in the same transaction wakes them
    /// at its commit, and costs nothing while they are busy.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn enqueue_in(
        connection: &mut PgConnection,
        runs: &[NewRun],
    ) -> sqlx::Result<Vec<Enqueued>> {
        refuse_too_large(runs)?;
        let texts = |field: fn(&NewRun) -> &str| runs.iter().map(field).collect::<Vec<_>>();
        let ids: Vec<_> = runs.iter().map(|_| RunId::new().0).collect();
        let keys: Vec<_> = runs.iter().map(|run| run.key.as_deref()).collect();
        let priorities: Vec<_> = runs.iter().map(|run| run.priority).collect();
        let delays: Vec<_> = runs.iter().map(|run| millis(run.delay)).collect();
        let rows = sqlx::query!(
            r#"
            select run_id as "run_id!", outcome as "outcome!", state as "state!: RunState", fingerprint
            from leadrail.enqueue_runs($1, $2, $3, $4, $5, $6, $7, $8, $9)
            order by ord
            "#,
            &ids,
            &texts(|run| &run.workflow) as &[&str],
            &texts(|run| &run.scope) as &[&str],
            &keys as &[Option<&str>],
            &texts(|run| &run.fingerprint) as &[&str],
            &texts(|run| &run.lane) as &[&str],
            &priorities,
            &delays,
            &texts(|run| &run.input) as &[&str],
        )
        .fetch_all(connection)
        .await?;
        let answers = rows.into_iter().map(|row| Enqueued {
            run_id: RunId(row.run_id),
            outcome: Outcome::of(&row.outcome),
            state: row.state,
            fingerprint: row.fingerprint.unwrap_or_default(),
        });
        Ok(answers.collect())
    }

    /// Tells idle workers that there may be work.
    pub fn hint(&self) {
        self.notifier().poke();
    }

    /// The same, told when it returns: for a process that ends now, and would take a hint that is on its
    /// way along.
    ///
    /// # Errors
    /// When the database cannot be reached; workers find the work at their next poll then.
    pub async fn hint_now(&self) -> sqlx::Result<()> {
        self.notifier().poke_now().await
    }
}

/// All or nothing: the first input that is too large refuses them all.
pub(super) fn refuse_too_large(runs: &[NewRun]) -> sqlx::Result<()> {
    for (n, run) in runs.iter().enumerate() {
        if let Some(why) = too_large(&format!("input of item {n}"), &run.input) {
            return Err(sqlx::Error::Encode(why.into()));
        }
    }
    Ok(())
}

fn millis(delay: Duration) -> i64 {
    i64::try_from(delay.as_millis()).unwrap_or(i64::MAX)
}
