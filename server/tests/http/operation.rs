//! What whoever runs it asks, and how it stops.

use std::time::Duration;

use leadrail_connections::NewConnection;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Api, JSON, event_id, lead};

#[tokio::test]
async fn it_is_healthy_at_once_and_ready_once_every_migration_is_applied() {
    let api = Api::unmigrated().await;
    assert_eq!(api.get("/healthz").await.status, 200);
    let problem = api.get("/readyz").await.assert_problem(503);
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains("leadrail migrate"), "{detail}");
    leadrail_connections::migrate(api.pool())
        .await
        .expect("migrated");
    assert_eq!(api.get("/readyz").await.status, 200);

    let other_text = "update leadrail.function_file set checksum = '' where file = 'journal.sql'";
    let changed = sqlx::query(other_text).execute(api.pool()).await;
    changed.expect("changed");
    let problem = api.get("/readyz").await.assert_problem(503);
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains("engine journal.sql"), "{detail}");
}

/// The value of a line of metrics, by the beginning of the line.
fn value(metrics: &str, line: &str) -> Option<f64> {
    let rest = metrics.lines().find_map(|each| each.strip_prefix(line))?;
    rest.trim().parse().ok()
}

#[tokio::test]
async fn metrics_show_outcomes_times_and_the_queue_and_no_personal_data() {
    let api = Api::start().await;
    let mut lead = lead(1);
    lead["contact"]["first_name"] = "Canary".into();
    lead["callsetter_account_id"] = "canary-account".into();
    api.post_lead(&lead).await;
    api.post_lead(&lead).await;
    api.get(&format!("/v1/leads/{}", event_id(&lead))).await;
    api.get("/canary").await;
    let answer = api.get("/metrics").await;
    assert_eq!(answer.status, 200);
    let text = answer.text;
    for line in [
        "leadrail_leads_total{outcome=\"created\"}",
        "leadrail_leads_total{outcome=\"duplicate\"}",
        "leadrail_shared_commit_seconds_count",
        "leadrail_shared_commit_runs_bucket{le=\"1\"}",
        "leadrail_http_request_seconds_bucket{route=\"/v1/leads/{event_id}\",method=\"get\",le=\"5\"}",
    ] {
        assert!(
            value(&text, line).is_some_and(|count| count >= 1.0),
            "{line} in {text}"
        );
    }
    assert_eq!(value(&text, "leadrail_database_up"), Some(1.0));
    assert_eq!(value(&text, "leadrail_dead_letters"), Some(0.0));
    assert!(!text.contains("leadrail_connections{"), "{text}");
    assert!(value(&text, "leadrail_database_xid_age").is_some_and(|age| age > 0.0));
    let open = value(&text, "leadrail_database_oldest_transaction_seconds");
    assert!(open.is_some_and(|open| open < 3_600.0), "{open:?}");
    let due: f64 = (0..10)
        .filter_map(|n| value(&text, &format!("leadrail_runs_due{{priority=\"{n}\"}}")))
        .sum();
    assert!((due - 1.0).abs() < f64::EPSILON, "{text}");
    assert!(value(&text, "leadrail_oldest_due_run_age_seconds").is_some_and(|age| age > 0.0));
    let phone = lead["contact"]["phone"].as_str().expect("a phone");
    for personal in ["anary", phone, event_id(&lead)] {
        assert!(!text.contains(personal), "{personal} in {text}");
    }
}

#[tokio::test]
async fn the_age_of_the_oldest_due_run_grows_with_the_time_it_waits() {
    let api = Api::start().await;
    api.post_lead(&lead(1)).await;
    let hour = std::time::Duration::from_secs(3_600);
    api.desk.engine().shift_clock(hour).await.expect("shifted");
    let text = api.get("/metrics").await.text;
    let age = value(&text, "leadrail_oldest_due_run_age_seconds");
    assert!(
        age.is_some_and(|age| (3_600.0..3_700.0).contains(&age)),
        "{age:?}"
    );
}

#[tokio::test]
async fn metrics_show_connections_by_crm_and_state() {
    let api = Api::start().await;
    let new = NewConnection {
        account: "acme".into(),
        crm: "housecall_pro".into(),
        crm_account_id: None,
        base_url: None,
        auth_method: "api_key".into(),
        secrets: [("api_key".to_owned(), "canary".to_owned().into())].into(),
        settings: json!({}),
    };
    let added = api.connections().add(new).await.expect("added");
    let count = async |state: &str| {
        let text = api.get("/metrics").await.text;
        let line = format!("leadrail_connections{{crm=\"housecall_pro\",state=\"{state}\"}}");
        value(&text, &line)
    };
    assert_eq!(count("active").await, Some(1.0));
    let connections = api.connections();
    let refused = connections.mark_needs_reauth(added.id, 1, "HTTP 401").await;
    assert!(refused.expect("noted"));
    assert_eq!(count("active").await, None);
    assert_eq!(count("needs_reauth").await, Some(1.0));
}

#[tokio::test]
async fn a_method_that_a_route_does_not_have_is_told_which_ones_it_has() {
    let api = Api::start().await;
    let answer = api.call(Method::DELETE, "/v1/leads").await;
    answer.assert_problem(405);
    let allow = answer.header("allow").unwrap_or("");
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[tokio::test]
async fn a_request_under_way_is_answered_when_the_server_stops_and_no_new_one_is_taken() {
    let api = Api::start().await;
    let body = lead(1).to_string();
    let (first, rest) = body.split_at(body.len() / 2);
    let mut socket = TcpStream::connect(api.address).await.expect("connected");
    let head = format!(
        "POST /v1/leads HTTP/1.1\r\nhost: localhost\r\ncontent-type: {JSON}\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.expect("sent");
    // Once the server wants the body, the request is under way.
    let mut answer = [0; 25];
    socket.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(first.as_bytes()).await.expect("sent");

    api.shutdown.cancel();
    // New connections are refused once the listener is gone.
    while TcpStream::connect(api.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    socket.write_all(rest.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert_eq!(api.kept().await, 1);
    api.served.await.expect("ended in good order");
}

#[tokio::test]
async fn a_server_with_nothing_under_way_ends_without_waiting_for_anybody() {
    let api = Api::start().await;
    // A connection that is kept open, and on which nothing is asked.
    assert_eq!(api.post_lead(&lead(1)).await.status, 202);
    api.shutdown.cancel();
    // Long before what is under way would be cut.
    let ended = tokio::time::timeout(Duration::from_secs(15), api.served).await;
    ended.expect("it ends").expect("in good order");
}
