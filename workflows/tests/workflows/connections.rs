//! Leads whose connection is missing, refused, switched off or set up wrongly wait for a person.

use futures::future::join_all;
use leadrail_engine::RunState;
use serde_json::json;

use crate::kit::{HOUSECALL, Scene, lead};

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_without_a_connection_waits_until_there_is_one() {
    let scene = Scene::working().await;
    let run = scene.submit(lead(1)).await.run_id;
    let waiting = scene.until(run, RunState::Waiting).await;
    assert_eq!(waiting.reason.as_deref(), Some("connection_missing"));
    scene.connect(json!({})).await;
    assert_eq!(scene.open_gates().await, 1);
    scene.until(run, RunState::Completed).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_under_way_when_the_credential_is_refused_all_wait_and_go_after_the_reconnect() {
    let scene = Scene::working().await;
    scene.connect(json!({"retry_schedule": []})).await;
    scene.fault(&json!({}), &json!({"kind": "unauthorized"}));
    let submitted = join_all((0..8).map(|n| scene.submit(lead(n)))).await;
    for lead in &submitted {
        let waiting = scene.until(lead.run_id, RunState::Waiting).await;
        assert_eq!(waiting.reason.as_deref(), Some("needs_reauth"));
    }
    scene.sim.clear_faults(HOUSECALL.crm);
    scene.connect(json!({})).await;
    assert_eq!(scene.open_gates().await, 8);
    for lead in &submitted {
        scene.until(lead.run_id, RunState::Completed).await;
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_of_a_disabled_connection_wait_and_say_so() {
    let scene = Scene::working().await;
    let connection = scene.connect(json!({})).await;
    scene
        .connections
        .disable(connection.id, "on holiday")
        .await
        .expect("disabled");
    let run = scene.submit(lead(1)).await.run_id;
    let waiting = scene.until(run, RunState::Waiting).await;
    assert_eq!(waiting.reason.as_deref(), Some("disabled"));
    scene
        .connections
        .enable(connection.id)
        .await
        .expect("on again");
    scene.open_gates().await;
    scene.until(run, RunState::Completed).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_on_its_way_waits_when_its_connection_is_switched_off() {
    let scene = Scene::working().await;
    let connection = scene.connect(json!({})).await;
    let once = json!({"method": "GET", "times": 1});
    scene.fault(&once, &json!({"kind": "status_before", "status": 503}));
    let run = scene.submit(lead(1)).await.run_id;
    scene.until(run, RunState::Retrying).await;
    scene
        .connections
        .disable(connection.id, "on holiday")
        .await
        .expect("disabled");
    scene.pass(41).await;
    let waiting = scene.until(run, RunState::Waiting).await;
    assert_eq!(waiting.activity.as_deref(), Some("dedup_lookup"));
    scene
        .connections
        .enable(connection.id)
        .await
        .expect("on again");
    scene.open_gates().await;
    scene.until(run, RunState::Completed).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_row_was_changed_by_hand_makes_its_leads_wait() {
    let scene = Scene::working().await;
    // Its secret is sealed to the way in, among what else decides where it goes.
    let connection = scene.connect(json!({})).await;
    let wrong = "update leadrail.connection set auth_method = 'carrier_pigeon' where id = $1";
    let wrong = sqlx::query(wrong)
        .bind(connection.id)
        .execute(scene.engine.pool());
    wrong.await.expect("changed");
    let run = scene.submit(lead(1)).await.run_id;
    let waiting = scene.until(run, RunState::Waiting).await;
    assert_eq!(waiting.reason.as_deref(), Some("connection_sealed"));
    scene.connect(json!({})).await;
    scene.open_gates().await;
    scene.until(run, RunState::Completed).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_whose_crm_has_an_inner_address_waits_until_that_is_set_right() {
    let scene = Scene::working().await;
    let mut inner = scene.new_connection(json!({}));
    inner.base_url = Some("https://10.1.2.3".into());
    scene.connections.add(inner).await.expect("kept");
    let run = scene.submit(lead(1)).await.run_id;
    let waiting = scene.until(run, RunState::Waiting).await;
    assert_eq!(waiting.reason.as_deref(), Some("forbidden_address"));
    scene.connect(json!({})).await;
    assert_eq!(scene.open_gates().await, 1);
    scene.until(run, RunState::Completed).await;
    assert_eq!(scene.count("leads"), 1);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_does_not_say_which_of_two_connections_waits_for_a_person() {
    let scene = Scene::working().await;
    for crm_account in ["north", "south"] {
        let mut new = scene.new_connection(json!({}));
        new.crm_account_id = Some(crm_account.into());
        scene.connections.add(new).await.expect("added");
    }
    let run = scene.submit(lead(1)).await.run_id;
    let waiting = scene.until(run, RunState::Waiting).await;
    assert_eq!(waiting.reason.as_deref(), Some("connection_ambiguous"));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_of_a_connection_that_nobody_has_signed_in_to_wait_for_that() {
    let scene = Scene::working().await;
    let mut new = scene.new_connection(json!({}));
    new.secrets.clear();
    let pending = scene.connections.prepare(new).await.expect("prepared");
    let run = scene.submit(lead(1)).await.run_id;
    let waiting = scene.until(run, RunState::Waiting).await;
    assert_eq!(waiting.reason.as_deref(), Some("pending"));
    assert_eq!(scene.connect(json!({})).await.id, pending.id);
    assert_eq!(scene.open_gates().await, 1);
    scene.until(run, RunState::Completed).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_on_its_way_waits_when_its_connection_is_paused() {
    let scene = Scene::working().await;
    let connection = scene.connect(json!({})).await;
    let once = json!({"method": "GET", "times": 1});
    scene.fault(&once, &json!({"kind": "status_before", "status": 503}));
    let run = scene.submit(lead(1)).await.run_id;
    scene.until(run, RunState::Retrying).await;
    let paused = scene.connections.pause(connection.id, "in August");
    assert!(paused.await.expect("paused"));
    scene.pass(41).await;
    let waiting = scene.until(run, RunState::Waiting).await;
    assert_eq!(waiting.reason.as_deref(), Some("paused"));
    assert_eq!(waiting.activity.as_deref(), Some("dedup_lookup"));
    let resumed = scene.connections.resume(connection.id);
    assert!(resumed.await.expect("resumed"));
    scene.open_gates().await;
    scene.until(run, RunState::Completed).await;
    scene.end().await;
}
