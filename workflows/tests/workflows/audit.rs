//! Second looks find what landed late.

use std::time::Duration;

use leadrail_adapters::{Filing, LinkState, Made, Record, Settings, StepKey};
use leadrail_engine::{RunFilter, RunId, RunState, RunView};
use leadrail_lead::{Lead, Marker};
use serde_json::json;

use crate::kit::{ACME, Scene, lead};

/// A lead whose first answer was lost, delivered.
async fn delivered_after_doubt(scene: &Scene) -> RunId {
    let once = json!({"method": "POST", "path_prefix": "/leads", "times": 1});
    scene.fault(&once, &json!({"kind": "reset_after"}));
    let run = scene.submit(lead(1)).await.run_id;
    scene.until(run, RunState::Retrying).await;
    scene.pass(100).await;
    scene.until(run, RunState::Completed).await;
    run
}

async fn audits(scene: &Scene) -> Vec<RunView> {
    let filter = RunFilter {
        workflow: Some("audit_lead".into()),
        ..RunFilter::default()
    };
    scene
        .engine
        .runs_after(&filter, None, 10)
        .await
        .expect("listed")
        .runs
}

/// The lead's request lands a second time, as late effects do.
async fn lands_again(scene: &Scene) {
    let found = scene.connections.find(ACME, "housecall_pro", None).await;
    let leadrail_connections::Lookup::Found(connection) = found.expect("read") else {
        panic!("no connection");
    };
    let minute = Duration::from_secs(60);
    let door = scene
        .doors()
        .open(connection.id, minute)
        .await
        .expect("opened");
    let id = scene.books("customers")[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let lead = Lead::from_value(lead(1)).expect("valid");
    let marker = Marker::new(lead.event_id, StepKey::LEAD_CREATE.label());
    let made = Made {
        customer: Some(Record::new(id)),
        ..Made::default()
    };
    let filing = Filing {
        lead: &lead,
        settings: &Settings::default(),
        marker: &marker,
        links: LinkState::Expired,
        made: &made,
    };
    let plan = door.adapter.plan(filing.settings);
    let step = plan.step(StepKey::LEAD_CREATE).expect("a step");
    step.run(&door.session, &filing).await.expect("filed");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_lead_whose_outcome_was_unknown_is_looked_at_again() {
    let scene = Scene::connected().await;
    let run = scene.submit(lead(2)).await.run_id;
    scene.until(run, RunState::Completed).await;
    assert!(audits(&scene).await.is_empty());

    let run = delivered_after_doubt(&scene).await;
    let event_id = scene.run(run).await.key.expect("a key");
    let mut keys: Vec<_> = audits(&scene)
        .await
        .into_iter()
        .filter_map(|run| run.key)
        .collect();
    keys.sort();
    let expected = ["10m", "24h"].map(|look| format!("audit/{event_id}/{look}"));
    assert_eq!(keys, expected);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_double_is_found_by_the_next_look() {
    let scene = Scene::connected().await;
    let filed = delivered_after_doubt(&scene).await;
    let (mut ten_minutes, mut a_day) = (None, None);
    for audit in audits(&scene).await {
        let ends = |ending| {
            audit
                .key
                .as_deref()
                .is_some_and(|key| key.ends_with(ending))
        };
        if ends("/10m") {
            ten_minutes = Some(audit.id);
        } else if ends("/24h") {
            a_day = Some(audit.id);
        }
    }
    let (ten_minutes, a_day) = (ten_minutes.expect("planned"), a_day.expect("planned"));
    scene.pass(600).await;
    scene.until(ten_minutes, RunState::Completed).await;
    assert_eq!(scene.output(ten_minutes).await["outcome"], "single");

    lands_again(&scene).await;
    scene.pass(24 * 3600).await;
    scene.until(a_day, RunState::Completed).await;
    let found = scene.output(a_day).await;
    assert_eq!(found["outcome"], "duplicate");
    let step = |n: usize| &found["found"][n];
    assert_eq!(step(0)["step"], "customer_create");
    assert_eq!(step(0)["records"].as_array().map(Vec::len), Some(1));
    assert_eq!(step(1)["step"], "lead_create");
    assert_eq!(step(1)["records"].as_array().map(Vec::len), Some(2));
    let filed = scene.output(filed).await;
    assert_eq!(step(1)["records"][0], filed["lead"], "the oldest first");
    scene.end().await;
}
