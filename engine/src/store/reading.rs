//! Reading heads and histories, of runs that live and of runs that ended.

use super::Store;
use super::access::Access;
use super::pages::after_all;
use crate::history::{Event, HistoryKind};
use crate::ids::{RunId, WorkerId};
use crate::state::RunState;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::types::Json;
use sqlx::{Decode, PgPool, Postgres, Type};
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A run's head.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunView {
    /// Its id.
    pub id: RunId,
    /// Where it stands.
    pub state: RunState,
    /// When it may be claimed next, if it waits for a time.
    pub due_at: Option<DateTime<Utc>>,
    /// The incarnation that holds it, or the last one that did.
    pub worker_id: Option<WorkerId>,
    /// How often it was claimed.
    pub starts: i32,
    /// The activity where it last stopped.
    pub activity: Option<String>,
    /// The attempt that comes next there.
    pub attempt: Option<i16>,
    /// Why it retries, waits or is dead.
    pub reason: Option<String>,
    /// 0 is the most urgent.
    pub priority: i16,
    /// The workflow's name.
    pub workflow: String,
    /// The tenant.
    pub scope: String,
    /// The idempotency key.
    pub key: Option<String>,
    /// What it queues behind.
    pub lane: String,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When its state last changed.
    pub changed_at: DateTime<Utc>,
    /// The workflow's input.
    pub input: Value,
}

/// A JSON column, whatever stands in it. PostgreSQL keeps numbers that nothing else reads: then the text
/// is shown, for one row that does not read must never hide the others.
pub(super) struct Readable(Value);

impl Type<Postgres> for Readable {
    fn type_info() -> PgTypeInfo {
        <Value as Type<Postgres>>::type_info()
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        <Value as Type<Postgres>>::compatible(ty)
    }
}

impl<'r> Decode<'r, Postgres> for Readable {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let raw = <Json<&RawValue> as Decode<Postgres>>::decode(value)?
            .0
            .get();
        let read = serde_json::from_str(raw);
        Ok(Self(read.unwrap_or_else(|_| Value::String(raw.to_owned()))))
    }
}

impl From<Readable> for Value {
    fn from(readable: Readable) -> Self {
        readable.0
    }
}

/// One run's head.
pub(crate) async fn run(db: &Access, id: RunId) -> sqlx::Result<Option<RunView>> {
    sqlx::query_as!(
        RunView,
        r#"
        select id as "id!: RunId", state as "state!: RunState", due_at, worker_id as "worker_id: WorkerId",
               starts as "starts!", activity, attempt, reason, priority as "priority!",
               workflow as "workflow!", scope as "scope!", key, lane as "lane!",
               created_at as "created_at!", changed_at as "changed_at!", input as "input!: Readable"
        from leadrail.seen_run
        where id = $1
        "#,
        id.0
    )
    .fetch_optional(db)
    .await
}

/// The runs under a key, one a scope.
///
/// In two steps, so that the plan of the second names only the partitions that the runs are in.
pub(crate) async fn runs_by_key(db: &Access, key: &str) -> sqlx::Result<Vec<RunView>> {
    let ids = sqlx::query_scalar!(
        "select run_id as \"run_id!\" from leadrail.seen_run_key where key = $1",
        key
    )
    .fetch_all(db)
    .await?;
    sqlx::query_as!(
        RunView,
        r#"
        select id as "id!: RunId", state as "state!: RunState", due_at, worker_id as "worker_id: WorkerId",
               starts as "starts!", activity, attempt, reason, priority as "priority!",
               workflow as "workflow!", scope as "scope!", key, lane as "lane!",
               created_at as "created_at!", changed_at as "changed_at!", input as "input!: Readable"
        from leadrail.seen_run
        where id = any ($1)
        order by id
        "#,
        &ids
    )
    .fetch_all(db)
    .await
}

/// Runs that began and have not ended, in the order of their ids, after one of them.
pub(crate) async fn in_flight(
    pool: &PgPool,
    after: Option<RunId>,
    limit: u32,
) -> sqlx::Result<Vec<RunView>> {
    sqlx::query_as!(
        RunView,
        r#"
        select id as "id: RunId", state as "state: RunState", due_at, worker_id as "worker_id: WorkerId",
               starts, activity, attempt, reason, priority, workflow, scope, key, lane, created_at,
               changed_at, input as "input: Readable"
        from leadrail.workflow_run
        where starts > 0 and state not in ('completed', 'cancelled')
          and id > $1
        order by id
        limit $2
        "#,
        after_all(after),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
}

/// How many runs are in each state, counted.
///
/// # Errors
/// When the database cannot be read.
pub async fn count_by_state(pool: &PgPool) -> sqlx::Result<Vec<(RunState, i64)>> {
    let rows = sqlx::query!(
        r#"
        select state as "state!: RunState", count(*) as "runs!"
        from leadrail.run
        group by state
        "#
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.runs)).collect())
}

/// How many of these runs are in each state.
pub(crate) async fn standing(db: &Access, runs: &[Uuid]) -> sqlx::Result<Vec<(RunState, i64)>> {
    let rows = sqlx::query!(
        r#"
        select state as "state!: RunState", count(*) as "runs!"
        from leadrail.seen_run
        where id = any ($1)
        group by state
        "#,
        runs
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.state, row.runs)).collect())
}

/// A run's history, oldest first, as far as it may be seen.
pub(crate) async fn seen_history(db: &Access, id: RunId) -> sqlx::Result<Vec<Event>> {
    sqlx::query_as!(
        Event,
        r#"
        select run_id as "run_id!: RunId", seq as "seq!", at as "at!", kind as "kind!: HistoryKind",
               activity, attempt, payload
        from leadrail.seen_history
        where run_id = $1
        order by seq
        "#,
        id.0
    )
    .fetch_all(db)
    .await
}

/// A run's history, oldest first.
async fn history(pool: &PgPool, id: RunId) -> sqlx::Result<Vec<Event>> {
    sqlx::query_as!(
        Event,
        r#"
        select run_id as "run_id: RunId", seq, at, kind as "kind: HistoryKind", activity, attempt, payload
        from leadrail.history
        where run_id = $1
        order by seq
        "#,
        id.0
    )
    .fetch_all(pool)
    .await
}

/// The histories of these runs, each oldest first; a run without any is not there.
pub(crate) async fn histories(
    pool: &PgPool,
    ids: &[Uuid],
) -> sqlx::Result<HashMap<RunId, Vec<Event>>> {
    let events = sqlx::query_as!(
        Event,
        r#"
        select run_id as "run_id: RunId", seq, at, kind as "kind: HistoryKind", activity, attempt, payload
        from leadrail.history
        where run_id = any ($1)
        order by run_id, seq
        "#,
        ids
    )
    .fetch_all(pool)
    .await?;
    let mut histories = HashMap::<RunId, Vec<Event>>::new();
    for event in events {
        histories.entry(event.run_id).or_default().push(event);
    }
    Ok(histories)
}

impl Store {
    /// A run's history; waits for a database that is away, `None` when the worker was taken over.
    pub(crate) async fn history_patiently(
        &self,
        id: RunId,
        lost: &CancellationToken,
    ) -> Option<Vec<Event>> {
        let read = || history(&self.pool, id);
        self.patiently("A history could not be read yet", lost, read)
            .await
    }
}
