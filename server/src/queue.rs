//! The database's figures as Prometheus reads them.

use leadrail_connections::ConnectionCount;
use leadrail_desk::TransactionAge;
use leadrail_engine::QueueDepth;
use metrics::{Label, describe_gauge, gauge};
use metrics_exporter_prometheus::PrometheusBuilder;

/// What the database says at one moment.
pub(crate) struct Figures {
    pub(crate) queue: QueueDepth,
    pub(crate) connections: Vec<ConnectionCount>,
    pub(crate) age: TransactionAge,
}

/// The figures in the Prometheus text format; without any only that the database is away.
pub(crate) fn render(figures: Option<&Figures>) -> String {
    // A recorder of this moment: figures of a database that is away must not linger.
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || set(figures));
    handle.render()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts end far below what a float holds exactly"
)]
fn set(figures: Option<&Figures>) {
    describe_gauge!("leadrail_database_up", "1 if the database answered");
    gauge!("leadrail_database_up").set(if figures.is_some() { 1.0 } else { 0.0 });
    let Some(Figures {
        queue,
        connections,
        age,
    }) = figures
    else {
        return;
    };
    describe();
    gauge!("leadrail_oldest_due_run_age_seconds").set(queue.oldest_due_age());
    gauge!("leadrail_dead_letters").set(queue.dead_letters as f64);
    gauge!("leadrail_runs_at_gates").set(queue.at_gates as f64);
    gauge!("leadrail_workers").set(queue.workers as f64);
    gauge!("leadrail_database_xid_age").set(age.xids as f64);
    gauge!("leadrail_database_oldest_transaction_seconds").set(age.oldest_seconds);
    for each in connections {
        let (crm, state) = (each.crm.clone(), each.state.as_str());
        gauge!("leadrail_connections", "crm" => crm, "state" => state).set(each.count as f64);
    }
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
    describe_gauge!(
        "leadrail_database_xid_age",
        "Transactions since the oldest unfrozen row; PostgreSQL stops at two billion"
    );
    describe_gauge!(
        "leadrail_database_oldest_transaction_seconds",
        "How long the oldest transaction is open that our role can see"
    );
    describe_gauge!("leadrail_connections", "Connections by CRM and state");
    describe_gauge!("leadrail_workers", "Workers that live");
    describe_gauge!(
        "leadrail_runs_due",
        "Runs that could be claimed now; counted up to 10,000 a priority"
    );
    describe_gauge!(
        "leadrail_runs_scheduled",
        "Runs with a later time, retries among them; counted up to 10,000 a priority"
    );
}
