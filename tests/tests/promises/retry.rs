//! A CRM that fails: the exact waits, the end of patience, and what uses up no attempt.

use crate::PROGRAM;
use leadrail_tests::{Stage, sample_lead, stories, wait_for};
use serde_json::json;
use std::time::Duration;

/// Delay and jitter of the published schedule, in seconds.
const SCHEDULE: [(f64, f64); 5] = [
    (30.0, 10.0),
    (120.0, 20.0),
    (600.0, 60.0),
    (3_600.0, 600.0),
    (21_600.0, 1_800.0),
];

/// The stored wait of a run that is parked after so many starts.
async fn wait_after_start(stage: &Stage, starts: i32) -> f64 {
    wait_for("the run is parked", Duration::from_secs(30), || async {
        sqlx::query_scalar::<_, f64>(
            "select extract(epoch from due_at - changed_at)::float8 from leadrail.workflow_run
             where workflow = 'push_lead' and state in ('retrying', 'waiting') and starts = $1",
        )
        .bind(starts)
        .fetch_optional(&stage.pool)
        .await
        .expect("a wait")
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_that_stays_down_gets_six_attempts_at_the_published_waits_and_then_the_lead_is_dead()
{
    let stage = Stage::new(PROGRAM).await;
    stage.fault(json!({ "match": { "path_prefix": "/leads", "method": "POST" }, "fault": { "kind": "status_before", "status": 503 } })).await;
    let lead = sample_lead(1);
    stage.push(std::slice::from_ref(&lead));
    let _worker = stage.worker("w", &[]);
    for (failures, (delay, jitter)) in (1..).zip(SCHEDULE) {
        let wait = wait_after_start(&stage, failures).await;
        assert!(
            wait >= delay - jitter - 0.01 && wait <= delay + jitter + 0.01,
            "after failure {failures}: {wait} s"
        );
        stage.shift_clock(delay + jitter + 1.0).await;
    }
    wait_for("the dead letter", Duration::from_secs(30), || async {
        (stage.count(&["dead"]).await == 1).then_some(())
    })
    .await;

    let stories = stories(&stage.pool).await;
    let story = stories.values().next().expect("one run");
    let failures: Vec<_> = story.of_kind("activity_failed").collect();
    assert_eq!(failures.len(), 6);
    for failure in failures {
        let exchange = failure.payload["evidence"]
            .as_array()
            .and_then(|all| all.last())
            .expect("evidence");
        assert_eq!(exchange["status"], 503, "{exchange}");
        assert!(
            exchange["request_headers"].to_string().contains("redacted"),
            "{exchange}"
        );
    }
    let lookups = story
        .of_kind("activity_completed")
        .filter(|line| line.activity.as_deref() == Some("dedup_lookup"));
    assert_eq!(lookups.count(), 1, "it resumed at the failed activity");
    let books = stage.books().await;
    assert_eq!((books.customers(), books.leads()), (1, 0));
    let shown = stage.run(
        &["lead", "show", lead["event_id"].as_str().expect("an id")],
        "",
    );
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("503") && shown.contains("dead"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_lead_is_dead_at_once() {
    let stage = Stage::new(PROGRAM).await;
    stage.fault(json!({ "match": { "path_prefix": "/leads", "method": "POST" }, "fault": { "kind": "reject" } })).await;
    stage.push(&[sample_lead(1)]);
    let _worker = stage.worker("w", &[]);
    wait_for("the dead letter", Duration::from_secs(30), || async {
        (stage.count(&["dead"]).await == 1).then_some(())
    })
    .await;
    let stories = stories(&stage.pool).await;
    assert_eq!(
        stories
            .values()
            .next()
            .expect("one run")
            .of_kind("activity_failed")
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_that_asks_for_a_pause_gets_it_and_no_attempt_is_used_up() {
    let stage = Stage::new(PROGRAM).await;
    stage.fault(json!({ "match": { "path_prefix": "/leads", "method": "POST", "times": 2 }, "fault": { "kind": "throttle", "retry_after": 120 } })).await;
    stage.push(&[sample_lead(1)]);
    let _worker = stage.worker("w", &[]);
    for starts in 1..=2 {
        let wait = wait_after_start(&stage, starts).await;
        assert!((120.0..=133.1).contains(&wait), "{wait}");
        stage.shift_clock(134.0).await;
    }
    stage.until_completed(1, Duration::from_secs(30)).await;
    let stories = stories(&stage.pool).await;
    let story = stories.values().next().expect("one run");
    assert_eq!(
        (
            story.of_kind("activity_throttled").count(),
            story.of_kind("activity_failed").count()
        ),
        (2, 0)
    );
    assert_eq!(stage.books().await.leads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_is_lost_is_adopted_and_not_made_again() {
    let stage = Stage::new(PROGRAM).await;
    for (n, fault) in (0u32..).zip([
        json!({ "kind": "timeout_after", "hang_ms": 5_000 }),
        json!({ "kind": "reset_after" }),
        json!({ "kind": "status_after", "status": 502 }),
        json!({ "kind": "invalid_json" }),
    ]) {
        let lead = sample_lead(n);
        let digits = lead["contact"]["last_name"].as_str().expect("a name");
        stage.fault(json!({ "match": { "path_prefix": "/customers", "method": "POST", "contains": digits, "times": 1 }, "fault": fault })).await;
        stage.push(&[lead]);
    }
    stage.fault(json!({ "match": { "path_prefix": "/leads", "method": "POST", "times": 2 }, "fault": { "kind": "reset_after" } })).await;
    let _worker = stage.worker("w", &[]);
    wait_for("all four have arrived", Duration::from_secs(60), || async {
        if stage.count(&["queued", "running"]).await == 0 {
            stage.shift_clock(700.0).await;
        }
        (stage.count(&["completed"]).await == 4).then_some(())
    })
    .await;
    let books = stage.books().await;
    assert_eq!(
        (books.customers(), books.leads(), books.surplus()),
        (4, 4, 0)
    );
}
