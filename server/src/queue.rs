//! The queue in figures, cheap enough to be asked every few seconds at any depth.
//!
//! Nothing is counted to its end: the oldest due run is one probe of an index a priority, and
//! counts stop at [`COUNTED`].

use chrono::{DateTime, Utc};
use metrics::{Label, describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;
use sqlx::PgPool;

/// Counts go no further: "10,000" means "10,000 or more".
const COUNTED: i64 = 10_000;

/// The queue at one moment.
pub(crate) struct Queue {
    priorities: Vec<Priority>,
    dead_letters: i64,
    at_gates: i64,
    workers: i64,
}

struct Priority {
    priority: i16,
    due: i64,
    later: i64,
    oldest_due_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Queue {
    pub(crate) async fn read(pool: &PgPool) -> sqlx::Result<Self> {
        let priorities = sqlx::query_as!(
            Priority,
            r#"
            with clock as materialized (select leadrail.now() as now)
            select p.priority as "priority!", clock.now as "now!",
                   (
                       select count(*) from (
                           select from leadrail.workflow_run r
                           where r.priority = p.priority and r.due_at <= clock.now
                           limit $1
                       ) due
                   ) as "due!",
                   (
                       select count(*) from (
                           select from leadrail.workflow_run r
                           where r.priority = p.priority and r.due_at > clock.now
                           limit $1
                       ) later
                   ) as "later!",
                   (
                       select r.due_at from leadrail.workflow_run r
                       where r.priority = p.priority and r.due_at is not null
                       order by r.due_at
                       limit 1
                   ) as oldest_due_at
            from clock,
                 unnest(array[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]::smallint[]) as p (priority)
            "#,
            COUNTED
        )
        .fetch_all(pool)
        .await?;
        let others = sqlx::query!(
            r#"
            select (
                       select count(*) from (select from leadrail.dead_letter limit $1) d
                   ) as "dead_letters!",
                   (
                       select count(*) from (select from leadrail.run_gate limit $1) g
                   ) as "at_gates!",
                   (
                       select count(*) from (select from leadrail.worker limit $1) w
                   ) as "workers!"
            "#,
            COUNTED
        )
        .fetch_one(pool)
        .await?;
        Ok(Self {
            priorities,
            dead_letters: others.dead_letters,
            at_gates: others.at_gates,
            workers: others.workers,
        })
    }

    /// How long the oldest due run has waited, in seconds; zero when none is due.
    fn oldest_due_age(&self) -> f64 {
        let ages = self.priorities.iter().map(Priority::oldest_due_age);
        ages.fold(0.0, f64::max)
    }
}

impl Priority {
    fn oldest_due_age(&self) -> f64 {
        let age = self.oldest_due_at.map(|due| self.now - due);
        age.map_or(0.0, |age| age.as_seconds_f64().max(0.0))
    }
}

/// The figures in the Prometheus text format; without a queue only that the database is away.
pub(crate) fn render(queue: Option<&Queue>) -> String {
    // A recorder of this moment: figures of a database that is away must not linger.
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || set(queue));
    handle.render()
}

#[expect(clippy::cast_precision_loss, reason = "counts end at 10,000")]
fn set(queue: Option<&Queue>) {
    describe_gauge!("leadrail_database_up", "1 if the database answered");
    gauge!("leadrail_database_up").set(if queue.is_some() { 1.0 } else { 0.0 });
    let Some(queue) = queue else { return };
    describe();
    gauge!("leadrail_oldest_due_run_age_seconds").set(queue.oldest_due_age());
    gauge!("leadrail_dead_letters").set(queue.dead_letters as f64);
    gauge!("leadrail_runs_at_gates").set(queue.at_gates as f64);
    gauge!("leadrail_workers").set(queue.workers as f64);
    for each in &queue.priorities {
        let label = || vec![Label::new("priority", each.priority.to_string())];
        gauge!("leadrail_runs_due", label()).set(each.due as f64);
        gauge!("leadrail_runs_scheduled", label()).set(each.later as f64);
    }
}

fn describe() {
    describe_gauge!(
        "leadrail_oldest_due_run_age_seconds",
        "How long the oldest run that could be claimed has waited"
    );
    describe_gauge!(
        "leadrail_dead_letters",
        "Dead letters; counted up to 10,000"
    );
    describe_gauge!(
        "leadrail_runs_at_gates",
        "Runs that wait for a connection; counted up to 10,000"
    );
    describe_gauge!("leadrail_workers", "Workers that are registered");
    describe_gauge!(
        "leadrail_runs_due",
        "Runs that could be claimed now; counted up to 10,000 a priority"
    );
    describe_gauge!(
        "leadrail_runs_scheduled",
        "Runs with a later time, retries among them; counted up to 10,000 a priority"
    );
}
