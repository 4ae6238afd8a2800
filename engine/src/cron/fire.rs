//! Firing: the schedule moves on and its runs are enqueued in one transaction, or neither.

use super::store::Row;
use super::{CatchUp, CronError, FireTimes, definition};
use crate::{Engine, NewRun, RunId};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// So many are looked at in one go.
const BATCH: i64 = 100;

/// The schedules that are due and not of these revisions, the longest first.
pub(super) async fn due(pool: &PgPool, unreadable: &[Uuid]) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as!(
        Row,
        r#"
        select name, revision, expression, zone, workflow, scope, lane, priority, input::text as "input!",
               skips_overlap, catch_up, catch_up_most, window_seconds, next_at, paused_at,
               last_at, last_key, leadrail.now() as "now!"
        from leadrail.cron
        where next_at <= leadrail.now() and revision <> all ($2)
        order by next_at
        limit $1
        "#,
        BATCH,
        unreadable,
    )
    .fetch_all(pool)
    .await
}

/// Fires what is due of one schedule; how many runs it started: none when another worker did it or
/// the schedule was changed since it was read.
pub(super) async fn fire(pool: &PgPool, row: &Row) -> Result<usize, CronError> {
    let Some(was) = row.next_at else {
        return Ok(0);
    };
    let times = FireTimes::parse(&row.expression, &row.zone)?;
    let mut due = row.catch_up().due(&times, was, row.now, row.window());
    let mut transaction = pool.begin().await?;
    if !advance(&mut transaction, row, was, &times).await? {
        return Ok(0);
    }
    if row.skips_overlap {
        let alive = is_alive(&mut transaction, row).await?;
        let kept = if alive { 0 } else { 1 };
        due = due.split_off(due.len().saturating_sub(kept));
    }
    start(&mut transaction, row, &due).await?;
    transaction.commit().await?;
    Ok(due.len())
}

/// Moves the schedule on if it is still where it was: the row lock lets one worker through.
async fn advance(
    db: &mut PgConnection,
    row: &Row,
    was: DateTime<Utc>,
    times: &FireTimes,
) -> sqlx::Result<bool> {
    let passed = CatchUp::Latest.due(times, was, row.now, Duration::MAX);
    let moved = sqlx::query!(
        "update leadrail.cron set next_at = $4, last_at = $5
         where name = $1 and revision = $2 and next_at = $3",
        row.name,
        row.revision,
        was,
        times.next_after(row.now),
        passed.last().copied().unwrap_or(was),
    )
    .execute(db)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Whether the last run still lives; its key goes over to a run that continues it.
async fn is_alive(db: &mut PgConnection, row: &Row) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from leadrail.cron c
            join leadrail.run_key k on k.key = c.last_key and k.scope = c.scope
            join leadrail.workflow_run r on r.id = k.run_id
            where c.name = $1 and r.state not in ('completed', 'dead', 'cancelled')
        ) as "alive!"
        "#,
        row.name
    )
    .fetch_one(db)
    .await
}

/// Enqueues a run a time and remembers the last one.
async fn start(
    db: &mut PgConnection,
    row: &Row,
    times: &[DateTime<Utc>],
) -> sqlx::Result<Vec<RunId>> {
    let Some(last) = times.last() else {
        return Ok(Vec::new());
    };
    let runs: Vec<_> = times.iter().map(|time| run(row, *time)).collect();
    let answers = Engine::enqueue_in(db, &runs).await?;
    sqlx::query!(
        "update leadrail.cron set last_key = $2, last_at = $3 where name = $1",
        row.name,
        definition::key(&row.name, *last),
        last,
    )
    .execute(db)
    .await?;
    Ok(answers.into_iter().map(|answer| answer.run_id).collect())
}

fn run(row: &Row, time: DateTime<Utc>) -> NewRun {
    NewRun {
        workflow: row.workflow.clone(),
        scope: row.scope.clone(),
        key: Some(definition::key(&row.name, time)),
        fingerprint: String::new(),
        lane: row.lane.clone(),
        priority: row.priority,
        delay: Duration::ZERO,
        input: row.input.clone(),
    }
}

impl Engine {
    /// Starts a run of a schedule now, also of a paused one and whatever its overlap says; its next
    /// time stays. The run's key says when.
    ///
    /// # Errors
    /// When there is no such schedule or the database cannot be written.
    pub async fn trigger_cron(&self, name: &str) -> Result<RunId, CronError> {
        loop {
            let row = self.cron_row(name).await?;
            let mut transaction = self.pool().begin().await?;
            if !is_as_read(&mut transaction, &row).await? {
                // Changed or deleted since: read again what it is now.
                continue;
            }
            let started = start(&mut transaction, &row, &[row.now]).await?;
            transaction.commit().await?;
            self.hint();
            let run = started.first().copied();
            return run.ok_or_else(|| CronError::Unknown(name.to_owned()));
        }
    }
}

/// Whether the schedule is still the one that was read; it stays so until the transaction ends.
async fn is_as_read(db: &mut PgConnection, row: &Row) -> sqlx::Result<bool> {
    let there = sqlx::query!(
        "select name from leadrail.cron where name = $1 and revision = $2 for no key update",
        row.name,
        row.revision,
    )
    .fetch_optional(db)
    .await?;
    Ok(there.is_some())
}
