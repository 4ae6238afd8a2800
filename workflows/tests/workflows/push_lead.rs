//! A lead's way into the CRM, and what stops it.

use std::collections::BTreeSet;

use futures::future::join_all;
use leadrail_engine::{HistoryKind, NewRun, RunState};
use leadrail_workflows::PushLead;
use serde_json::json;

use crate::kit::{ACME, ACME_KEY, Scene, lead, second_lead_of};

/// Quick to give up on a call, and no wait before a look.
fn impatient() -> serde_json::Value {
    json!({"call_timeout_ms": 400, "settle_seconds": 0})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_caller_becomes_a_customer_with_a_lead() {
    let scene = Scene::connected().await;
    let run = scene.submit(lead(1)).await.run_id;
    scene.until(run, RunState::Completed).await;
    let (customers, leads) = (scene.books("customers"), scene.books("leads"));
    let expected = json!({
        "outcome": "delivered", "crm": "housecall_pro",
        "customer": {"id": customers[0]["id"]}, "lead": {"id": leads[0]["id"]},
    });
    assert_eq!(scene.output(run).await, expected);
    assert_eq!((customers.len(), leads.len()), (1, 1));
    let steps: Vec<_> = scene
        .history(run)
        .await
        .into_iter()
        .filter(|event| event.kind == HistoryKind::ActivityCompleted)
        .filter_map(|event| event.activity)
        .collect();
    assert_eq!(
        steps,
        [
            "find_connection",
            "dedup_lookup",
            "customer_create",
            "lead_create"
        ]
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_keeps_every_exchange_and_no_secret() {
    let scene = Scene::connected().await;
    scene.fault(
        &json!({"method": "POST", "path_prefix": "/leads"}),
        &json!({"kind": "reject"}),
    );
    let run = scene.submit(lead(1)).await.run_id;
    scene.until(run, RunState::Dead).await;
    let history = serde_json::to_value(scene.history(run).await).expect("JSON");
    let exchanges: Vec<_> = history
        .as_array()
        .expect("events")
        .iter()
        .filter_map(|event| event["payload"]["evidence"].as_array())
        .flatten()
        .map(|exchange| (exchange["method"].clone(), exchange["status"].clone()))
        .collect();
    let expected = [("GET", 200), ("POST", 201), ("POST", 422)];
    assert_eq!(
        exchanges,
        expected.map(|(method, status)| (json!(method), json!(status)))
    );
    assert!(!history.to_string().contains(ACME_KEY));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_caller_gets_a_second_lead_and_stays_one_customer() {
    let scene = Scene::connected().await;
    for payload in [lead(1), second_lead_of(1)] {
        let run = scene.submit(payload).await.run_id;
        scene.until(run, RunState::Completed).await;
    }
    assert_eq!((scene.count("customers"), scene.count("leads")), (1, 2));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_leads_of_one_caller_at_once_make_one_customer() {
    let scene = Scene::connected().await;
    let pairs = (0..10).flat_map(|n| [lead(n), second_lead_of(n)]);
    let submitted = join_all(pairs.map(|payload| scene.submit(payload))).await;
    for lead in submitted {
        scene.until(lead.run_id, RunState::Completed).await;
    }
    assert_eq!((scene.count("customers"), scene.count("leads")), (10, 20));
    let owners: BTreeSet<_> = scene
        .books("leads")
        .iter()
        .map(|lead| lead["customer_id"].to_string())
        .collect();
    assert_eq!(owners.len(), 10, "each customer has two");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_the_crm_refuses_is_a_dead_letter_at_once() {
    let scene = Scene::connected().await;
    scene.fault(
        &json!({"method": "POST", "path_prefix": "/leads"}),
        &json!({"kind": "reject"}),
    );
    let run = scene.submit(lead(1)).await.run_id;
    let dead = scene.until(run, RunState::Dead).await;
    assert_eq!(dead.reason.as_deref(), Some("http_422"));
    let told = scene.told(run).await;
    assert!(
        told.iter()
            .any(|line| line.starts_with("try 1 failed for good: Housecall Pro")),
        "{told:#?}"
    );
    assert_eq!(scene.count("leads"), 0);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_whose_answer_was_lost_is_found_and_not_filed_again() {
    let scene = Scene::connected_with(impatient()).await;
    scene.fault(
        &json!({"method": "POST", "path_prefix": "/leads", "times": 1}),
        &json!({"kind": "timeout_after"}),
    );
    let run = scene.submit(lead(1)).await.run_id;
    let retrying = scene.until(run, RunState::Retrying).await;
    assert_eq!(retrying.reason.as_deref(), Some("timeout"));
    scene.pass(41).await;
    scene.until(run, RunState::Completed).await;
    let leads = scene.books("leads");
    assert_eq!(leads.len(), 1);
    assert_eq!(scene.output(run).await["lead"]["id"], leads[0]["id"]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_whose_answer_was_lost_is_found_and_not_made_again() {
    let scene = Scene::connected_with(impatient()).await;
    let customers = json!({"method": "POST", "path_prefix": "/customers", "times": 1});
    scene.fault(&customers, &json!({"kind": "status_after", "status": 502}));
    let run = scene.submit(lead(1)).await.run_id;
    scene.until(run, RunState::Retrying).await;
    scene.pass(41).await;
    scene.until(run, RunState::Completed).await;
    let told = scene.told(run).await;
    assert!(
        told.iter()
            .any(|line| line.starts_with("found what an earlier try had made: customer ")),
        "{told:#?}"
    );
    assert_eq!((scene.count("customers"), scene.count("leads")), (1, 1));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_without_effect_is_made_after_the_look() {
    let scene = Scene::connected_with(impatient()).await;
    scene.fault(
        &json!({"method": "POST", "path_prefix": "/leads", "times": 1}),
        &json!({"kind": "timeout_before"}),
    );
    let run = scene.submit(lead(1)).await.run_id;
    scene.until(run, RunState::Retrying).await;
    scene.pass(41).await;
    scene.until(run, RunState::Completed).await;
    assert_eq!(scene.count("leads"), 1);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_call_uses_up_no_try() {
    let scene = Scene::connected().await;
    let once = json!({"method": "GET", "path_prefix": "/customers", "times": 1});
    scene.fault(&once, &json!({"kind": "throttle", "retry_after": 300}));
    let run = scene.submit(lead(1)).await.run_id;
    let paused = scene.until(run, RunState::Retrying).await;
    assert_eq!(
        (paused.reason.as_deref(), paused.attempt),
        (Some("http_429"), Some(1))
    );
    let wait = (paused.due_at.expect("a time") - paused.changed_at).num_seconds();
    assert!((299..332).contains(&wait), "{wait}");
    scene.pass(332).await;
    scene.until(run, RunState::Completed).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connections_own_schedule_says_when_to_give_up() {
    let scene = Scene::connected_with(json!({"retry_schedule": []})).await;
    scene.fault(
        &json!({"method": "GET"}),
        &json!({"kind": "status_before", "status": 503}),
    );
    let run = scene.submit(lead(1)).await.run_id;
    let dead = scene.until(run, RunState::Dead).await;
    assert_eq!(dead.reason.as_deref(), Some("http_503"));
    let told = scene.told(run).await;
    assert!(
        told.iter()
            .any(|line| line.starts_with("try 1 of 1 failed: ")),
        "{told:#?}"
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_written_late_says_that_the_links_are_dead() {
    let scene = Scene::connected().await;
    let mut fresh = lead(1);
    // The database's clock is the only one that counts, and the test may not ask another.
    fresh["timestamp_utc"] = "9999-01-01T00:00:00Z".into();
    for payload in [fresh, lead(2)] {
        let run = scene.submit(payload).await.run_id;
        scene.until(run, RunState::Completed).await;
    }
    let linked: Vec<_> = scene
        .books("leads")
        .iter()
        .map(|lead| {
            lead["note"]
                .as_str()
                .expect("a note")
                .contains("https://storage.example.com/")
        })
        .collect();
    assert_eq!(
        linked,
        [true, false],
        "only the note of the fresh lead has links"
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unqualified_lead_is_recorded_and_never_shown_to_a_crm() {
    let scene = Scene::connected().await;
    let mut payload = lead(1);
    payload["event"] = "lead.unqualified".into();
    let run = scene.submit(payload).await.run_id;
    let done = scene.until(run, RunState::Completed).await;
    assert_eq!(scene.output(run).await, json!({"outcome": "recorded"}));
    assert_eq!(done.priority, 5);
    let requests = &scene.sim.records("housecall_pro")["requests"];
    assert_eq!(requests, &json!({}), "no request was made");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_cannot_be_read_is_a_dead_letter_that_names_its_faults() {
    let scene = Scene::working().await;
    for payload in [
        json!(null),
        json!([]),
        json!({"contact": {"phone": "canary"}}),
    ] {
        let run = NewRun::of::<PushLead>(&payload).expect("JSON");
        let run = scene.engine.enqueue(&[run]).await.expect("enqueued")[0].run_id;
        let dead = scene.until(run, RunState::Dead).await;
        assert_eq!(dead.reason.as_deref(), Some("invalid"), "{payload}");
        let told = scene.told(run).await.join("\n");
        assert!(!told.contains("canary"), "{told}");
        assert_eq!(
            told.contains("/contact/phone: "),
            payload.is_object(),
            "{told}"
        );
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_without_an_adapter_is_a_dead_letter() {
    let scene = Scene::working().await;
    let mut payload = lead(1);
    payload["routing"]["destination_crm"] = "no_such_crm".into();
    let run = scene.submit(payload).await.run_id;
    let dead = scene.until(run, RunState::Dead).await;
    assert_eq!(dead.reason.as_deref(), Some("unsupported_crm"));
    assert_eq!(dead.lane, format!("{ACME}/no_such_crm"));
    scene.end().await;
}
