//! The queue's figures as Prometheus reads them.

use leadrail_engine::QueueDepth;
use metrics::{Label, describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;

/// The figures in the Prometheus text format; without a queue only that the database is away.
pub(crate) fn render(queue: Option<&QueueDepth>) -> String {
    // A recorder of this moment: figures of a database that is away must not linger.
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || set(queue));
    handle.render()
}

#[expect(clippy::cast_precision_loss, reason = "counts end at 10,000")]
fn set(queue: Option<&QueueDepth>) {
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
