//! Lanes: what runs queue behind together, and what holds it back.
//!
//! Lanes of one priority get equal shares of every claim. A lane has a setting only where a person
//! or the other side gave it one.

use super::Engine;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::postgres::types::PgInterval;
use std::time::Duration;

/// How many runs of a lane may start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneLimits {
    /// At most so many at a time, over all workers.
    pub max_running: Option<u32>,
    /// At most one start a so long, over all workers.
    pub gap: Option<Duration>,
    /// So many starts may follow each other at once after a quiet time; at least one.
    pub burst: u32,
}

/// A lane with runs or a setting.
#[derive(Clone, Debug, Serialize)]
pub struct LaneView {
    /// Its name.
    pub lane: String,
    /// Runs that could be claimed but for what holds the lane back.
    pub queued: i64,
    /// Runs that are to begin later.
    pub scheduled: i64,
    /// Runs that failed and try again, or are replayed.
    pub retrying: i64,
    /// Runs that a worker holds.
    pub running: i64,
    /// Runs that wait for a time, a gate or a lock.
    pub waiting: i64,
    /// Dead letters.
    pub dead: i64,
    /// When the oldest run that is due became so.
    pub oldest_due: Option<DateTime<Utc>>,
    /// Since when a person has stopped it.
    pub paused_at: Option<DateTime<Utc>>,
    /// Until when the other side wants to be left alone; `None` once that is over.
    pub held_until: Option<DateTime<Utc>>,
    /// How many calls the other side still takes until `budget_until`, less the starts since.
    pub budget_left: Option<i32>,
    /// Until when `budget_left` counts; both are `None` once that is over.
    pub budget_until: Option<DateTime<Utc>>,
    /// At most so many run at a time.
    pub max_running: Option<i32>,
    /// Seconds between two starts at the limited rate.
    pub gap_seconds: Option<f64>,
    /// So many starts may follow each other at once.
    pub burst: Option<i32>,
}

impl Engine {
    /// All lanes with live runs, dead letters or a setting, by name. Reads all live runs.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn lanes(&self) -> sqlx::Result<Vec<LaneView>> {
        sqlx::query_as!(
            LaneView,
            r#"
            with live as (
                select lane,
                       count(*) filter (where state = 'queued' and due_at <= leadrail.now()) as queued,
                       count(*) filter (where state = 'queued' and due_at > leadrail.now()) as scheduled,
                       count(*) filter (where state in ('retrying', 'replaying')) as retrying,
                       count(*) filter (where state = 'running') as running,
                       count(*) filter (where state = 'waiting') as waiting,
                       count(*) filter (where state = 'dead') as dead,
                       min(due_at) filter (where due_at <= leadrail.now()) as oldest_due
                from leadrail.workflow_run
                where state not in ('completed', 'cancelled')
                group by lane
            )
            select coalesce(r.lane, l.name) as "lane!", coalesce(r.queued, 0) as "queued!",
                   coalesce(r.scheduled, 0) as "scheduled!", coalesce(r.retrying, 0) as "retrying!",
                   coalesce(r.running, 0) as "running!", coalesce(r.waiting, 0) as "waiting!",
                   coalesce(r.dead, 0) as "dead!", r.oldest_due, l.paused_at as "paused_at?",
                   case when l.held_until > leadrail.now() then l.held_until end as "held_until?",
                   case when l.budget_until > leadrail.now() then l.budget_left end as "budget_left?",
                   case when l.budget_until > leadrail.now() then l.budget_until end as "budget_until?",
                   l.max_running as "max_running?",
                   extract(epoch from l.gap)::float8 as gap_seconds, l.burst as "burst?"
            from live r
            full join leadrail.lane l on l.name = r.lane
            order by 1
            "#
        )
        .fetch_all(self.pool())
        .await
    }

    /// Sets what a lane may do; what is not given is unlimited.
    ///
    /// # Errors
    /// When the name is empty or over 500 characters, a limit is zero or over a million, or the
    /// database cannot be written.
    pub async fn limit_lane(&self, lane: &str, limits: &LaneLimits) -> sqlx::Result<()> {
        let whole = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let gap = limits.gap.map(micros).transpose()?;
        sqlx::query!(
            "select leadrail.limit_lane($1, $2, $3, $4) as done",
            lane,
            limits.max_running.map(whole),
            gap as Option<PgInterval>,
            whole(limits.burst.max(1)),
        )
        .execute(self.pool())
        .await?;
        self.notifier().poke();
        Ok(())
    }

    /// Stops a lane: its runs stay queued, those that run go on. False when it was stopped already.
    ///
    /// # Errors
    /// When the name is empty or over 500 characters, or the database cannot be written.
    pub async fn pause_lane(&self, lane: &str) -> sqlx::Result<bool> {
        sqlx::query_scalar!(r#"select leadrail.pause_lane($1) as "paused!""#, lane)
            .fetch_one(self.pool())
            .await
    }

    /// Lets a lane go on, also one that the other side wanted to be left alone. False when it did.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn resume_lane(&self, lane: &str) -> sqlx::Result<bool> {
        let resumed = sqlx::query_scalar!(r#"select leadrail.resume_lane($1) as "resumed!""#, lane)
            .fetch_one(self.pool())
            .await?;
        self.notifier().poke();
        Ok(resumed)
    }

    /// No run of the lane starts for so long, at most a day: the other side said so, by its budget
    /// headers or its answer. The longer wish holds.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn hold_lane(&self, lane: &str, wait: Duration) -> sqlx::Result<()> {
        crate::store::lanes::hold(self.pool(), lane, wait).await
    }
}

/// To the microsecond, as PostgreSQL's intervals.
fn micros(gap: Duration) -> sqlx::Result<PgInterval> {
    let micros = u64::try_from(gap.as_micros()).unwrap_or(u64::MAX);
    PgInterval::try_from(Duration::from_micros(micros)).map_err(sqlx::Error::Encode)
}
