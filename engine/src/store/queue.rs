//! The queue in figures, cheap enough to be asked every few seconds at any depth.
//!
//! Nothing is counted to its end: the oldest due run is one probe of an index a priority, and
//! counts stop at [`QueueDepth::COUNTED`].

use crate::engine::Engine;
use chrono::{DateTime, Utc};

/// The queue at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// One a priority, 0 to 9, the most urgent first.
    pub priorities: Vec<PriorityDepth>,
    /// Dead letters, counted up to [`QueueDepth::COUNTED`].
    pub dead_letters: i64,
    /// Runs that wait at a gate, counted up to [`QueueDepth::COUNTED`].
    pub at_gates: i64,
    /// Workers that live.
    pub workers: i64,
}

/// The runs of one priority at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityDepth {
    /// 0 is the most urgent, 9 the least.
    pub priority: i16,
    /// Runs that could be claimed now, counted up to [`QueueDepth::COUNTED`].
    pub due: i64,
    /// Runs with a later time, retries among them, counted up to [`QueueDepth::COUNTED`].
    pub later: i64,
    /// When the run with the earliest time is or was due.
    pub oldest_due_at: Option<DateTime<Utc>>,
    /// The moment, on the engine's clock.
    pub now: DateTime<Utc>,
}

impl QueueDepth {
    /// Counts go no further: 10,000 means 10,000 or more.
    pub const COUNTED: i64 = 10_000;

    /// How long the oldest due run has waited, in seconds; zero when none is due.
    #[must_use]
    pub fn oldest_due_age(&self) -> f64 {
        let ages = self.priorities.iter().map(PriorityDepth::oldest_due_age);
        ages.fold(0.0, f64::max)
    }
}

impl PriorityDepth {
    fn oldest_due_age(&self) -> f64 {
        let age = self.oldest_due_at.map(|due| self.now - due);
        age.map_or(0.0, |age| age.as_seconds_f64().max(0.0))
    }
}

impl Engine {
    /// The queue in figures.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn queue_depth(&self) -> sqlx::Result<QueueDepth> {
        let priorities = self.priority_depths().await?;
        let others = sqlx::query!(
            r#"
            select (
                       select count(*) from (select from leadrail.seen_dead_letter where discarded_at is null limit $1) d
                   ) as "dead_letters!",
                   (
                       select count(*) from (select from leadrail.seen_run_gate limit $1) g
                   ) as "at_gates!",
                   leadrail.live_workers() as "workers!"
            "#,
            QueueDepth::COUNTED
        )
        .fetch_one(self.access())
        .await?;
        Ok(QueueDepth {
            priorities,
            dead_letters: others.dead_letters,
            at_gates: others.at_gates,
            workers: others.workers,
        })
    }

    async fn priority_depths(&self) -> sqlx::Result<Vec<PriorityDepth>> {
        sqlx::query_as!(
            PriorityDepth,
            r#"
            with clock as materialized (select leadrail.now() as now)
            select p.priority as "priority!", clock.now as "now!",
                   (
                       select least(count(*), $1) from (
                           (
                               select from leadrail.queue_line r
                               where r.priority = p.priority and r.due_at <= clock.now and not r.asleep
                               limit $1
                           )
                           union all
                           (
                               select from leadrail.queue_line r
                               where r.priority = p.priority and r.due_at <= clock.now and r.asleep
                               limit $1
                           )
                       ) due
                   ) as "due!",
                   (
                       select least(count(*), $1) from (
                           (
                               select from leadrail.queue_line r
                               where r.priority = p.priority and r.due_at > clock.now and not r.asleep
                               limit $1
                           )
                           union all
                           (
                               select from leadrail.queue_line r
                               where r.priority = p.priority and r.due_at > clock.now and r.asleep
                               limit $1
                           )
                       ) later
                   ) as "later!",
                   least(
                       (
                           select min(r.due_at) from leadrail.queue_line r
                           where r.priority = p.priority and r.due_at is not null and not r.asleep
                       ),
                       (
                           select min(r.due_at) from leadrail.queue_line r
                           where r.priority = p.priority and r.due_at is not null and r.asleep
                       )
                   ) as oldest_due_at
            from clock,
                 unnest(array[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]::smallint[]) as p (priority)
            "#,
            QueueDepth::COUNTED
        )
        .fetch_all(self.access())
        .await
    }
}
