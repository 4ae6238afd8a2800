//! Counters and histograms of this process, as Prometheus reads them.
//!
//! Labels are words of ours (outcomes, routes, methods): never an id, a path or anything a caller
//! sent. What is in the database is asked when somebody looks: see `queue`.

use std::sync::OnceLock;
use std::time::Duration;

use http::{Method, StatusCode};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

const LEADS: &str = "leadrail_leads_total";
const REQUESTS: &str = "leadrail_http_requests_total";
const REFUSED: &str = "leadrail_http_connections_refused_total";
const REQUEST_SECONDS: &str = "leadrail_http_request_seconds";
const COMMIT_SECONDS: &str = "leadrail_shared_commit_seconds";
const COMMIT_RUNS: &str = "leadrail_shared_commit_runs";

const SECONDS: [f64; 12] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0,
];
const GROUP_SIZES: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 250.0, 500.0];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Makes the process's recorder, once, so that whoever else counts in this process is shown too.
pub(crate) fn install() {
    RECORDER.get_or_init(|| {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("Another metrics recorder is installed: /metrics shows the queue only");
        }
        describe();
        handle
    });
}

fn builder() -> PrometheusBuilder {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let runs = Matcher::Full(COMMIT_RUNS.to_owned());
    // Empty buckets are the only ones that are refused.
    PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(runs, &GROUP_SIZES))
        .unwrap_or_default()
}

fn describe() {
    describe_counter!(LEADS, "Leads that came in, by what became of them");
    describe_counter!(REQUESTS, "Requests by route, method and status");
    describe_counter!(REFUSED, "Connections for which there was no place");
    describe_histogram!(
        REQUEST_SECONDS,
        Unit::Seconds,
        "Time from request to answer"
    );
    describe_histogram!(
        COMMIT_SECONDS,
        Unit::Seconds,
        "Time of one commit of leads that came singly"
    );
    describe_histogram!(COMMIT_RUNS, "Leads that shared one commit");
}

/// What was counted so far, in the Prometheus text format.
pub(crate) fn render() -> String {
    RECORDER
        .get()
        .map(PrometheusHandle::render)
        .unwrap_or_default()
}

/// Keeps the histograms small while nobody reads them.
pub(crate) fn upkeep() {
    if let Some(recorder) = RECORDER.get() {
        recorder.run_upkeep();
    }
}

/// Counts one lead by what became of it.
pub(crate) fn lead(outcome: &'static str) {
    counter!(LEADS, "outcome" => outcome).increment(1);
}

/// Counts a connection for which there was no place.
pub(crate) fn refused() {
    counter!(REFUSED).increment(1);
}

/// Counts one answer.
pub(crate) fn answered(route: &str, method: &Method, status: StatusCode, took: Duration) {
    let route = route.to_owned();
    let method = match *method {
        Method::GET | Method::HEAD => "get",
        Method::POST => "post",
        _ => "other",
    };
    histogram!(REQUEST_SECONDS, "route" => route.clone(), "method" => method)
        .record(took.as_secs_f64());
    let status = status.as_str().to_owned();
    counter!(REQUESTS, "route" => route, "method" => method, "status" => status).increment(1);
}
