//! Schedules as their users see them: put, list, show, pause, resume, delete.

use super::{CatchUp, CronError, FireTimes, NewCron, Overlap};
use crate::Engine;
use crate::names::{CRON, NOTIFY_CHANNEL};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// A schedule as it is stored.
#[derive(Clone, Debug)]
pub struct CronView {
    /// Its name.
    pub name: String,
    /// Its cron expression.
    pub expression: String,
    /// Its IANA time zone.
    pub zone: String,
    /// The workflow it starts.
    pub workflow: String,
    /// The tenant its runs belong to.
    pub scope: String,
    /// What its runs queue behind.
    pub lane: String,
    /// 0 is the most urgent, 9 the least.
    pub priority: i16,
    /// The input of its runs.
    pub input: Value,
    /// What happens while its last run lives.
    pub overlap: Overlap,
    /// What happens to times that were missed.
    pub catch_up: CatchUp,
    /// How late a time may still fire.
    pub window: Duration,
    /// The next time that has not been fired; `None` while paused.
    pub next_at: Option<DateTime<Utc>>,
    /// Since when it is paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// The last time that was fired or passed over.
    pub last_at: Option<DateTime<Utc>>,
    /// The key of the last run it started, for [`Engine::runs_by_key`].
    pub last_key: Option<String>,
}

/// What a put did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutCron {
    /// It is new.
    Created,
    /// Another definition took the old one's place.
    Replaced,
    /// It was there as it is: nothing was written.
    Unchanged,
}

/// A row of the table.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) revision: Uuid,
    pub(super) expression: String,
    pub(super) zone: String,
    pub(super) workflow: String,
    pub(super) scope: String,
    pub(super) lane: String,
    pub(super) priority: i16,
    /// As JSON text, so that no number is rounded on its way.
    pub(super) input: String,
    pub(super) skips_overlap: bool,
    pub(super) catch_up: String,
    pub(super) catch_up_most: i32,
    pub(super) window_seconds: i64,
    pub(super) next_at: Option<DateTime<Utc>>,
    pub(super) paused_at: Option<DateTime<Utc>>,
    pub(super) last_at: Option<DateTime<Utc>>,
    pub(super) last_key: Option<String>,
    /// The database's clock.
    pub(super) now: DateTime<Utc>,
}

impl Row {
    pub(super) fn catch_up(&self) -> CatchUp {
        CatchUp::from_parts(&self.catch_up, self.catch_up_most)
    }

    pub(super) fn window(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.window_seconds).unwrap_or(0))
    }

    fn view(self) -> CronView {
        CronView {
            overlap: if self.skips_overlap {
                Overlap::Skip
            } else {
                Overlap::Start
            },
            catch_up: self.catch_up(),
            window: self.window(),
            name: self.name,
            expression: self.expression,
            zone: self.zone,
            workflow: self.workflow,
            scope: self.scope,
            lane: self.lane,
            priority: self.priority,
            input: serde_json::from_str(&self.input).unwrap_or_default(),
            next_at: self.next_at,
            paused_at: self.paused_at,
            last_at: self.last_at,
            last_key: self.last_key,
        }
    }
}

impl Engine {
    /// Creates a schedule or replaces the one of this name. The same again changes nothing, so every
    /// deployment may put all of its schedules. With another expression or zone the times count from
    /// now; otherwise a time that is due stays due. A paused schedule stays paused.
    ///
    /// # Errors
    /// When something about it is wrong (then nothing is stored) or the database cannot be written.
    pub async fn put_cron(&self, cron: &NewCron) -> Result<PutCron, CronError> {
        let times = cron.check()?;
        let next = times.next_after(self.database_time().await?);
        let next = next.ok_or(super::InvalidCron::NeverFires)?;
        let done = self.upsert_cron(cron, next).await?;
        self.hint_crons().await;
        Ok(done)
    }

    async fn upsert_cron(&self, cron: &NewCron, next: DateTime<Utc>) -> sqlx::Result<PutCron> {
        let (catch_up, most) = cron.catch_up.parts();
        let done = sqlx::query_scalar!(
            r#"
            insert into leadrail.cron as c
                (name, expression, zone, workflow, scope, lane, priority, input, skips_overlap,
                 catch_up, catch_up_most, window_seconds, next_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8::text::json, $9, $10, $11, $12, $13)
            on conflict (name) do update set
                revision = gen_random_uuid(),
                expression = excluded.expression, zone = excluded.zone,
                workflow = excluded.workflow, scope = excluded.scope, lane = excluded.lane,
                priority = excluded.priority, input = excluded.input,
                skips_overlap = excluded.skips_overlap, catch_up = excluded.catch_up,
                catch_up_most = excluded.catch_up_most, window_seconds = excluded.window_seconds,
                changed_at = leadrail.now(),
                next_at = case
                    when c.paused_at is not null then null
                    when (c.expression, c.zone) = (excluded.expression, excluded.zone) then c.next_at
                    else excluded.next_at
                end
            where (c.expression, c.zone, c.workflow, c.scope, c.lane, c.priority, c.input::text,
                   c.skips_overlap, c.catch_up, c.catch_up_most, c.window_seconds)
               is distinct from
                  (excluded.expression, excluded.zone, excluded.workflow, excluded.scope,
                   excluded.lane, excluded.priority, excluded.input::text, excluded.skips_overlap,
                   excluded.catch_up, excluded.catch_up_most, excluded.window_seconds)
            returning xmax = 0 as "created!"
            "#,
            cron.name,
            cron.expression,
            cron.zone,
            cron.run.workflow,
            cron.run.scope,
            cron.run.lane,
            cron.run.priority,
            cron.run.input,
            cron.overlap == Overlap::Skip,
            catch_up,
            i32::try_from(most).unwrap_or(i32::MAX),
            i64::try_from(cron.window.as_secs()).unwrap_or(i64::MAX),
            next,
        )
        .fetch_optional(self.pool())
        .await?;
        Ok(match done {
            Some(true) => PutCron::Created,
            Some(false) => PutCron::Replaced,
            None => PutCron::Unchanged,
        })
    }

    /// All schedules, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn crons(&self) -> Result<Vec<CronView>, CronError> {
        let rows = self.cron_rows(None).await?;
        Ok(rows.into_iter().map(Row::view).collect())
    }

    /// One schedule, or `None`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn cron(&self, name: &str) -> Result<Option<CronView>, CronError> {
        let mut rows = self.cron_rows(Some(name)).await?;
        Ok(rows.pop().map(Row::view))
    }

    /// Pauses a schedule: its times pass and are not caught up with. False when it was paused.
    ///
    /// # Errors
    /// When there is no such schedule or the database cannot be written.
    pub async fn pause_cron(&self, name: &str) -> Result<bool, CronError> {
        self.cron_row(name).await?;
        let done = sqlx::query!(
            "update leadrail.cron set paused_at = leadrail.now(), next_at = null
             where name = $1 and paused_at is null",
            name
        )
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Lets a paused schedule go on with its next time. False when it was not paused.
    ///
    /// # Errors
    /// When there is no such schedule or the database cannot be written.
    pub async fn resume_cron(&self, name: &str) -> Result<bool, CronError> {
        loop {
            let row = self.cron_row(name).await?;
            if row.paused_at.is_none() {
                return Ok(false);
            }
            let next = FireTimes::parse(&row.expression, &row.zone)?.next_after(row.now);
            let done = sqlx::query!(
                "update leadrail.cron set paused_at = null, next_at = $3
                 where name = $1 and revision = $2 and paused_at is not null",
                name,
                row.revision,
                next,
            )
            .execute(self.pool())
            .await?;
            // Otherwise it was changed since: its next time may be another.
            if done.rows_affected() == 1 {
                self.hint_crons().await;
                return Ok(true);
            }
        }
    }

    /// Deletes a schedule; runs it started go on. False when there was none.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn delete_cron(&self, name: &str) -> Result<bool, CronError> {
        let done = sqlx::query!("delete from leadrail.cron where name = $1", name)
            .execute(self.pool())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    pub(super) async fn cron_row(&self, name: &str) -> Result<Row, CronError> {
        let row = self.cron_rows(Some(name)).await?.pop();
        row.ok_or_else(|| CronError::Unknown(name.to_owned()))
    }

    async fn cron_rows(&self, name: Option<&str>) -> sqlx::Result<Vec<Row>> {
        sqlx::query_as!(
            Row,
            r#"
            select name, revision, expression, zone, workflow, scope, lane, priority, input::text as "input!",
                   skips_overlap, catch_up, catch_up_most, window_seconds, next_at, paused_at,
                   last_at, last_key, leadrail.now() as "now!"
            from leadrail.cron
            where $1::text is null or name = $1
            order by name
            "#,
            name
        )
        .fetch_all(self.pool())
        .await
    }

    async fn database_time(&self) -> sqlx::Result<DateTime<Utc>> {
        sqlx::query_scalar!(r#"select leadrail.now() as "now!""#)
            .fetch_one(self.pool())
            .await
    }

    /// Tells workers to look at the schedules again; without it they do within a minute.
    pub(crate) async fn hint_crons(&self) {
        wake_watchers(self.pool()).await;
    }
}

/// Wakes the watchers of all workers; a notification of its own, never part of a transaction.
async fn wake_watchers(pool: &PgPool) {
    let sent = sqlx::query!("select pg_notify($1, $2)", NOTIFY_CHANNEL, CRON)
        .execute(pool)
        .await;
    if let Err(error) = sent {
        tracing::debug!(error = %error, "No notification was sent; workers look within a minute");
    }
}
