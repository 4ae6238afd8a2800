//! Runs page by page, of those that live and of those that ended; and the heads of runs whose ids are
//! known.
//!
//! The hot table has no index by tenant or state, so a page walks the primary key and looks at no more
//! than [`LOOKED_AT`] runs.

use super::access::Access;
use super::reading::{Readable, RunView};
use crate::engine::Engine;
use crate::ids::{RunId, WorkerId};
use crate::state::RunState;
use serde_json::Value;
use sqlx::PgPool;
use std::collections::HashMap;
use uuid::Uuid;

/// Which runs; what is not given does not matter.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Only runs in one of these states; in any, if there are none.
    pub states: Vec<RunState>,
    /// Only these tenants'; everybody's, if there are none.
    pub scopes: Vec<String>,
    /// Only this lane.
    pub lane: Option<String>,
    /// Only runs of this workflow.
    pub workflow: Option<String>,
    /// Only runs that retry, wait or are dead for this reason.
    pub reason: Option<String>,
}

/// A page of runs.
#[derive(Clone, Debug)]
pub struct RunPage {
    /// The runs. Their inputs are large and stay where they are: `input` is null.
    pub runs: Vec<RunView>,
    /// Where the next page begins; none after the last one. A page may be short, even empty, and not
    /// be the last.
    pub next: Option<RunId>,
}

/// What a run was given.
struct Given {
    id: RunId,
    input: Value,
}

/// How many runs one page looks at: it bounds the time of a filter that few runs pass.
const LOOKED_AT: i64 = 20_000;
/// The most runs of a page.
const MOST_A_PAGE: u32 = 10_000;

impl RunFilter {
    fn state_names(&self) -> Vec<&'static str> {
        self.states.iter().map(|state| state.as_str()).collect()
    }
}

impl Engine {
    /// The heads of these runs, in no order; those that are not kept are left out. Their inputs are
    /// large and stay where they are: `input` is null.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn heads(&self, runs: &[RunId]) -> sqlx::Result<Vec<RunView>> {
        let ids: Vec<_> = runs.iter().map(|run| run.0).collect();
        heads(self.access(), &ids).await
    }

    /// What these runs were given; those that are not kept are left out. An input may be large: ask for
    /// few at a time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn inputs(&self, runs: &[RunId]) -> sqlx::Result<HashMap<RunId, Value>> {
        let ids: Vec<_> = runs.iter().map(|run| run.0).collect();
        let rows = sqlx::query_as!(
            Given,
            r#"
            select id as "id!: RunId", input as "input!: Readable"
            from leadrail.seen_run
            where id = any ($1)
            "#,
            &ids
        )
        .fetch_all(self.access())
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.input)).collect())
    }

    /// Runs younger than `after`, the oldest first, at most `limit` (1 to 10,000) of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn runs_after(
        &self,
        filter: &RunFilter,
        after: Option<RunId>,
        limit: u32,
    ) -> sqlx::Result<RunPage> {
        oldest(self.pool(), filter, after, limit).await
    }

    /// Runs older than `before`, the newest first, at most `limit` (1 to 10,000) of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn runs_before(
        &self,
        filter: &RunFilter,
        before: Option<RunId>,
        limit: u32,
    ) -> sqlx::Result<RunPage> {
        newest(self.pool(), filter, before, limit).await
    }
}

async fn heads(db: &Access, ids: &[Uuid]) -> sqlx::Result<Vec<RunView>> {
    sqlx::query_as!(
        RunView,
        r#"
        select id as "id!: RunId", state as "state!: RunState", due_at,
               worker_id as "worker_id: WorkerId", starts as "starts!", activity, attempt, reason,
               priority as "priority!", workflow as "workflow!", scope as "scope!", key,
               lane as "lane!", created_at as "created_at!", changed_at as "changed_at!",
               'null'::json as "input!"
        from leadrail.seen_run
        where id = any ($1)
        "#,
        ids
    )
    .fetch_all(db)
    .await
}

/// An id before all others where none is given. One condition, which every plan answers by the primary key:
/// "or none is given" in it costs each page all that came before, once a plan is for any parameters.
pub(super) fn after_all(after: Option<RunId>) -> Uuid {
    after.map_or(Uuid::nil(), |id| id.0)
}

/// An id after all others where none is given, for the same reason.
fn before_all(before: Option<RunId>) -> Uuid {
    before.map_or(Uuid::max(), |id| id.0)
}

/// A page forwards in time.
async fn oldest(
    pool: &PgPool,
    filter: &RunFilter,
    after: Option<RunId>,
    limit: u32,
) -> sqlx::Result<RunPage> {
    let limit = limit.clamp(1, MOST_A_PAGE);
    let runs = sqlx::query_as!(
        RunView,
        r#"
        select r.id as "id!: RunId", r.state as "state!: RunState", r.due_at,
               r.worker_id as "worker_id: WorkerId", r.starts as "starts!", r.activity, r.attempt,
               r.reason, r.priority as "priority!", r.workflow as "workflow!", r.scope as "scope!",
               r.key, r.lane as "lane!", r.created_at as "created_at!",
               r.changed_at as "changed_at!", 'null'::json as "input!"
        from (
            -- The primary key is in the order of time.
            select id, state, due_at, worker_id, starts, activity, attempt, reason, priority, workflow,
                   scope, key, lane, created_at, changed_at
            from leadrail.run
            where id > $1
            order by id
            limit $2
        ) r
        where (cardinality($3::text[]) = 0 or r.state::text = any ($3))
          and (cardinality($4::text[]) = 0 or r.scope = any ($4))
          and ($5::text is null or r.workflow = $5)
          and ($6::text is null or r.lane = $6)
          and ($7::text is null or r.reason = $7)
        order by r.id
        limit $8
        "#,
        after_all(after),
        LOOKED_AT,
        &filter.state_names() as &[&str],
        &filter.scopes,
        filter.workflow.as_deref(),
        filter.lane.as_deref(),
        filter.reason.as_deref(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    let next = match runs.last() {
        Some(last) if runs.len() == limit as usize => Some(last.id),
        _ => oldest_looked_at(pool, after).await?,
    };
    Ok(RunPage { runs, next })
}

/// Where that page stopped looking, if there is more beyond it.
async fn oldest_looked_at(pool: &PgPool, after: Option<RunId>) -> sqlx::Result<Option<RunId>> {
    sqlx::query_scalar!(
        r#"
        select id as "id!: RunId"
        from leadrail.run
        where id > $1
        order by id
        offset $2
        limit 1
        "#,
        after_all(after),
        LOOKED_AT - 1,
    )
    .fetch_optional(pool)
    .await
}

/// A page backwards in time.
async fn newest(
    pool: &PgPool,
    filter: &RunFilter,
    before: Option<RunId>,
    limit: u32,
) -> sqlx::Result<RunPage> {
    let limit = limit.clamp(1, MOST_A_PAGE);
    let runs = sqlx::query_as!(
        RunView,
        r#"
        select r.id as "id!: RunId", r.state as "state!: RunState", r.due_at,
               r.worker_id as "worker_id: WorkerId", r.starts as "starts!", r.activity, r.attempt,
               r.reason, r.priority as "priority!", r.workflow as "workflow!", r.scope as "scope!",
               r.key, r.lane as "lane!", r.created_at as "created_at!",
               r.changed_at as "changed_at!", 'null'::json as "input!"
        from (
            -- The primary key is in the order of time.
            select id, state, due_at, worker_id, starts, activity, attempt, reason, priority, workflow,
                   scope, key, lane, created_at, changed_at
            from leadrail.run
            where id < $1
            order by id desc
            limit $2
        ) r
        where (cardinality($3::text[]) = 0 or r.state::text = any ($3))
          and (cardinality($4::text[]) = 0 or r.scope = any ($4))
          and ($5::text is null or r.workflow = $5)
          and ($6::text is null or r.lane = $6)
          and ($7::text is null or r.reason = $7)
        order by r.id desc
        limit $8
        "#,
        before_all(before),
        LOOKED_AT,
        &filter.state_names() as &[&str],
        &filter.scopes,
        filter.workflow.as_deref(),
        filter.lane.as_deref(),
        filter.reason.as_deref(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    let next = match runs.last() {
        Some(last) if runs.len() == limit as usize => Some(last.id),
        _ => newest_looked_at(pool, before).await?,
    };
    Ok(RunPage { runs, next })
}

/// Where that page stopped looking, if there is more beyond it.
async fn newest_looked_at(pool: &PgPool, before: Option<RunId>) -> sqlx::Result<Option<RunId>> {
    sqlx::query_scalar!(
        r#"
        select id as "id!: RunId"
        from leadrail.run
        where id < $1
        order by id desc
        offset $2
        limit 1
        "#,
        before_all(before),
        LOOKED_AT - 1,
    )
    .fetch_optional(pool)
    .await
}
