//! The Rust door: once per key, whoever asks and how often.

use futures::future::join_all;
use leadrail_engine::{Outcome, RunState};
use leadrail_workflows::{LeadView, Submission, submit, submit_in};
use serde_json::json;

use crate::kit::{Scene, lead};

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
    assert_eq!(scene.submit(lead(1)).await.outcome, Outcome::Created);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_lead_is_shown_as_it_stands() {
    let scene = Scene::quiet().await;
    let submitted = scene.submit(lead(3)).await;
    let view = LeadView::of(&scene.run(submitted.run_id).await);
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
