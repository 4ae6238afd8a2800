//! A CRM that says stop: to everybody for a while, or to this account until a person acts.

use leadrail_adapters::Slot;
use leadrail_connections::{ConnectionState, Lookup};
use leadrail_engine::RunState;
use serde_json::{Value, json};

use super::refusing::assert_machine_readable;
use super::subject::Subject;
use crate::kit::{ACME, Scene};

pub(super) async fn a_throttled_call_waits_and_uses_up_no_try(subject: &Subject) {
    // No second try is allowed, so whatever used one up would end here.
    let scene = subject.connected(json!({"retry_schedule": []})).await;
    let requests = subject.first_makes().map(|making| making.met(1));
    for (n, request) in [json!({"times": 1})]
        .into_iter()
        .chain(requests)
        .enumerate()
    {
        scene.fault(&request, &json!({"kind": "throttle", "retry_after": 300}));
        let run = scene.submit(subject.lead(n as u64)).await.run_id;
        let paused = scene.until(run, RunState::Retrying).await;
        assert_eq!(paused.attempt, Some(1), "{request}");
        assert_machine_readable(&paused);
        let told = scene.told(run).await;
        let ended = scene.to_the_end(run).await;
        assert_eq!(ended.state, RunState::Completed, "{request}: {told:#?}");
        let line = told
            .iter()
            .find(|line| line.contains("no try used up, next at"));
        assert!(line.is_some(), "{told:#?}");
    }
    let filed = subject.first_makes().count() + 1;
    assert_eq!(scene.count(subject.filing().books), filed);
    scene.end().await;
}

pub(super) async fn a_refused_credential_stops_all_leads_until_there_is_a_new_one(
    subject: &Subject,
) {
    closes_the_connection(subject, &json!({"kind": "unauthorized"})).await;
}

pub(super) async fn a_forbidden_account_waits_like_a_refused_credential(subject: &Subject) {
    closes_the_connection(subject, &json!({"kind": "status_before", "status": 403})).await;
}

/// Whatever request meets it: the lead that finds out waits, the next one waits, and both go once
/// the account is connected again.
async fn closes_the_connection(subject: &Subject, fault: &Value) {
    let scene = subject.connected(json!({"retry_schedule": []})).await;
    let first_of_all = 0;
    let filing = requests_before_the_filing(subject);
    for (skip, n) in [first_of_all, filing].into_iter().zip([1, 3]) {
        let before = scene.count(subject.filing().books);
        scene.fault(&json!({"skip": skip}), fault);
        let first = scene.submit(subject.lead(n)).await.run_id;
        let waiting = scene.until(first, RunState::Waiting).await;
        assert_eq!(waiting.reason.as_deref(), Some("needs_reauth"), "{skip}");
        assert_eq!(state(subject, &scene).await, ConnectionState::NeedsReauth);

        let second = scene.submit(subject.lead(n + 1)).await.run_id;
        let waiting = scene.until(second, RunState::Waiting).await;
        assert_eq!(waiting.reason.as_deref(), Some("needs_reauth"));
        scene.sim.clear_faults(subject.crm());
        scene.connect(json!({"retry_schedule": []})).await;
        assert_eq!(state(subject, &scene).await, ConnectionState::Active);
        scene.open_gates().await;
        for run in [first, second] {
            scene.until(run, RunState::Completed).await;
        }
        assert_eq!(scene.count(subject.filing().books), before + 2);
    }
    scene.end().await;
}

/// How many requests an unknown caller's lead sends before it is filed.
fn requests_before_the_filing(subject: &Subject) -> usize {
    let keys = subject.plan().keys();
    let along = |slot: &Slot| subject.makes.iter().any(|made| made.besides.contains(slot));
    let before = keys.iter().take_while(|key| key.slot < Slot::Lead);
    before.filter(|key| !along(&key.slot)).count()
}

pub(super) async fn one_refused_call_is_no_revoked_sign_in(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    let requests = subject.first_makes().map(|making| making.met(1));
    let requests = [json!({"times": 1})].into_iter().chain(requests);
    for (n, request) in requests.enumerate() {
        scene.fault(&request, &json!({"kind": "unauthorized"}));
        let run = scene.submit(subject.lead(n as u64)).await.run_id;
        scene.until(run, RunState::Retrying).await;
        let ended = scene.to_the_end(run).await;
        assert_eq!(ended.state, RunState::Completed, "{request}");
        assert_eq!(state(subject, &scene).await, ConnectionState::Active);
        assert_eq!(scene.count(subject.filing().books), n + 1);
    }
    scene.end().await;
}

/// As a firewall answers that dislikes what one caller said.
pub(super) async fn one_forbidden_lead_is_a_dead_letter_and_stops_no_other(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    let page = json!({"kind": "status_before", "status": 403,
                      "body": "<!doctype html><title>Blocked</title>Request blocked."});
    scene.fault(&subject.filing().met(1), &page);
    let blocked = scene.submit(subject.lead(1)).await.run_id;
    let dead = scene.until(blocked, RunState::Dead).await;
    assert_eq!(dead.reason.as_deref(), Some("forbidden"));
    assert_eq!(state(subject, &scene).await, ConnectionState::Active);
    let next = scene.submit(subject.lead(2)).await.run_id;
    scene.until(next, RunState::Completed).await;
    assert_eq!(scene.count(subject.filing().books), 1);
    scene.end().await;
}

async fn state(subject: &Subject, scene: &Scene) -> ConnectionState {
    let found = scene.connections.find(ACME, subject.crm(), None).await;
    match found.expect("read") {
        Lookup::Found(connection) => connection.state,
        _ => panic!("no connection"),
    }
}
