//! The Rust door: once per key, whoever asks and how often.

use futures::future::join_all;
use leadrail_connections::ConnectionId;
use leadrail_engine::{Outcome, RetrySchedule, RunState};
use leadrail_workflows::{LeadDoor, Submission, submit, submit_in, timeline};
use serde_json::json;
use std::collections::HashSet;

use crate::kit::{ACME, Scene, lead};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_lead_twice_is_one_run() {
    let scene = Scene::quiet().await;
    let first = scene.submit(lead(1)).await;
    let second = scene.submit(lead(1)).await;
    assert_eq!(
        (first.outcome, second.outcome),
        (Outcome::Created, Outcome::Duplicate)
    );
    assert_eq!((first.run_id, first.state), (second.run_id, second.state));
    assert_eq!(second.stored_fingerprint, second.fingerprint.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn fresh_signatures_are_the_same_lead() {
    let scene = Scene::quiet().await;
    let first = scene.submit(lead(1)).await;
    let mut resent = lead(1);
    resent["call"]["recording_url"] = format!(
        "{}fresh",
        resent["call"]["recording_url"].as_str().expect("a link")
    )
    .into();
    let second = scene.submit(resent).await;
    assert_eq!(
        (second.outcome, second.run_id),
        (Outcome::Duplicate, first.run_id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_are_one_run() {
    let scene = Scene::quiet().await;
    let submitted = join_all((0..100).map(|_| scene.submit(lead(1)))).await;
    let created = submitted
        .iter()
        .filter(|lead| lead.outcome == Outcome::Created);
    assert_eq!(created.count(), 1);
    assert!(
        submitted
            .iter()
            .all(|lead| lead.run_id == submitted[0].run_id)
    );
    assert!(
        submitted
            .iter()
            .all(|lead| lead.outcome != Outcome::Conflict)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_lead_under_the_same_id_is_refused_and_the_first_one_stays() {
    let scene = Scene::quiet().await;
    let first = scene.submit(lead(1)).await;
    let mut other = lead(1);
    other["contact"]["first_name"] = "Somebody else".into();
    let second = scene.submit(other).await;
    assert_eq!(
        (second.outcome, second.run_id),
        (Outcome::Conflict, first.run_id)
    );
    assert_eq!(second.stored_fingerprint, first.fingerprint.as_str());
    assert_ne!(second.fingerprint, first.fingerprint);
    assert_eq!(scene.run(first.run_id).await.input, lead(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_of_another_account_is_another_lead() {
    let scene = Scene::quiet().await;
    let first = scene.submit(lead(1)).await;
    let mut other = lead(1);
    other["callsetter_account_id"] = "another".into();
    let second = scene.submit(other).await;
    assert_eq!(
        (second.outcome, second.event_id),
        (Outcome::Created, first.event_id)
    );
    assert_ne!(second.run_id, first.run_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_answered_item_by_item_in_order() {
    let scene = Scene::quiet().await;
    let mut changed = lead(1);
    changed["call"]["call_id"] = "another".into();
    let batch = [lead(1), lead(2), lead(1), changed];
    let batch = batch.map(|payload| Submission::read(payload).expect("valid"));
    let answers = submit(&scene.engine, &batch).await.expect("submitted");
    let outcomes: Vec<_> = answers.iter().map(|answer| answer.outcome).collect();
    assert_eq!(
        outcomes,
        [
            Outcome::Created,
            Outcome::Created,
            Outcome::Duplicate,
            Outcome::Conflict
        ]
    );
    let rows = scene.lead_rows().await;
    let rows: HashSet<_> = rows.iter().map(|row| row.run_id).collect();
    let new = [answers[0].run_id.0, answers[1].run_id.0];
    assert_eq!(rows, HashSet::from(new), "only the new ones");
    let ids: Vec<_> = answers.iter().map(|answer| answer.event_id).collect();
    assert_eq!(ids, batch.map(|lead| lead.lead().event_id));
    assert!(
        submit(&scene.engine, &[])
            .await
            .expect("nothing to do")
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_of_the_callers_transaction_leaves_nothing() {
    let scene = Scene::quiet().await;
    let submission = [Submission::read(lead(1)).expect("valid")];
    let mut transaction = scene.engine.pool().begin().await.expect("begun");
    let inside = submit_in(&mut transaction, &submission)
        .await
        .expect("submitted");
    transaction.rollback().await.expect("rolled back");
    assert!(
        scene
            .engine
            .run(inside[0].run_id)
            .await
            .expect("read")
            .is_none()
    );
    assert!(scene.lead_rows().await.is_empty());
    assert_eq!(scene.submit(lead(1)).await.outcome, Outcome::Created);
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_that_share_a_commit_have_a_row_each_and_repeats_none() {
    let scene = Scene::quiet().await;
    let door = LeadDoor::new(&scene.engine);
    let leads = (0..100).map(|n| Submission::read(lead(n % 20)).expect("valid"));
    let answers = join_all(leads.map(|lead| door.submit(lead, None))).await;
    let created = answers
        .iter()
        .filter(|answer| answer.as_ref().expect("kept").outcome == Outcome::Created);
    assert_eq!(created.count(), 20);
    assert_eq!(scene.lead_rows().await.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_names_the_connection_that_fitted_when_the_lead_came() {
    let scene = Scene::quiet().await;
    let at = |n: u64, crm_account_id: Option<&str>| {
        let mut payload = lead(n);
        payload["routing"]["crm_account_id"] = json!(crm_account_id);
        payload
    };
    scene.submit(at(1, None)).await;
    let (north, south) = (
        connected(&scene, "north").await,
        connected(&scene, "south").await,
    );
    for (n, named) in [(2, None), (3, Some("north")), (4, Some("west"))] {
        scene.submit(at(n, named)).await;
    }
    let disable = scene.connections.disable(north, "retired").await;
    disable.expect("disabled");
    scene.submit(at(5, None)).await;
    scene.submit(at(6, Some("north"))).await;
    let rows = scene.lead_rows().await;
    let found: Vec<_> = rows.iter().map(|row| row.connection_id).collect();
    let (north, south) = (Some(north.0), Some(south.0));
    assert_eq!(found, [None, None, north, None, south, north]);
}

async fn connected(scene: &Scene, crm_account_id: &str) -> ConnectionId {
    let mut new = scene.new_connection(json!({}));
    new.crm_account_id = Some(crm_account_id.to_owned());
    let added = scene.connections.add(new).await.expect("connected");
    assert_eq!(added.account, ACME);
    added.id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_lead_is_shown_as_it_stands() {
    let scene = Scene::quiet().await;
    let submitted = scene.submit(lead(3)).await;
    let run = scene.run(submitted.run_id).await;
    let view = timeline(&run, &[], &RetrySchedule::default(), None).lead;
    assert_eq!(view.event_id, Some(submitted.event_id.to_string()));
    assert_eq!(
        (view.state, view.workflow.as_str()),
        (RunState::Queued, "push_lead")
    );
    assert_eq!(
        (view.account.as_str(), view.crm.as_deref()),
        ("acme", Some("housecall_pro"))
    );
    let answer = serde_json::to_value(&submitted).expect("JSON");
    assert_eq!(
        (&answer["outcome"], &answer["state"]),
        (&json!("created"), &json!("queued"))
    );
}
