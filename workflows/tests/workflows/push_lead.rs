//! What becomes of a lead whatever its CRM is; `conformance` has what every CRM keeps.

use leadrail_engine::{NewRun, RunState};
use leadrail_workflows::PushLead;
use serde_json::json;

use crate::kit::{Scene, lead};

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
    for payload in [json!(null), json!([]), json!({"event_id": "canary"})] {
        let run = NewRun::of::<PushLead>(&payload).expect("JSON");
        let run = scene.engine.enqueue(&[run]).await.expect("enqueued")[0].run_id;
        let dead = scene.until(run, RunState::Dead).await;
        assert_eq!(dead.reason.as_deref(), Some("invalid"), "{payload}");
        let told = scene.told(run).await.join("\n");
        assert!(!told.contains("canary"), "{told}");
        assert_eq!(told.contains("/event_id: "), payload.is_object(), "{told}");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_without_an_adapter_is_a_dead_letter() {
    let scene = Scene::working().await;
    let mut payload = lead(1);
    payload["routing"]["destination_crm"] = "no_such_crm".into();
    // No door takes it; a build with fewer adapters may still find one.
    let run = NewRun::of::<PushLead>(&payload).expect("JSON");
    let run = scene.engine.enqueue(&[run]).await.expect("enqueued")[0].run_id;
    let dead = scene.until(run, RunState::Dead).await;
    assert_eq!(dead.reason.as_deref(), Some("unsupported_crm"));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_test_mode_a_lead_is_filed_and_says_that_it_is_a_test() {
    let scene = Scene::connected_with(json!({"test_mode": true})).await;
    let run = scene.submit(lead(1)).await.run_id;
    scene.until(run, RunState::Completed).await;
    let customer = scene.books("customers")[0].to_string();
    assert!(customer.contains("(TEST)"), "{customer}");
    let filed = scene.books("leads")[0].to_string();
    assert!(filed.contains("TEST LEAD, please ignore"), "{filed}");
    scene.end().await;
}
