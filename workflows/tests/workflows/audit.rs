//! Second looks find what landed late.

use leadrail_adapters::housecall_pro::HousecallPro;
use leadrail_adapters::{
    Credentials, CrmAdapter, CrmHttp, CustomerRef, LinkState, Session, Target, activity,
};
use leadrail_engine::{RunFilter, RunId, RunState, RunView};
use leadrail_lead::{Lead, Marker};
use secrecy::SecretString;
use serde_json::json;

use crate::kit::{ACME_KEY, Scene, lead};

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
        .runs_before(&filter, None, 10)
        .await
        .expect("listed")
        .runs
}

/// The lead's request lands a second time, as late effects do.
async fn lands_again(scene: &Scene) {
    let target = Target::new(HousecallPro.crm()).expect("a target");
    let target = target.with_base_url(&scene.crm_url).expect("a URL");
    let key = SecretString::from(ACME_KEY);
    let credentials = Credentials::new("api_key").with("api_key", key);
    let http = CrmHttp::new().expect("a client");
    let session = Session::new(&http, target, credentials).expect("a session");
    let lead = Lead::from_value(lead(1)).expect("valid");
    let marker = Marker::new(lead.event_id, activity::LEAD_CREATE);
    let id = scene.books("customers")[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let customer = CustomerRef { id };
    let again = HousecallPro.create_lead(&session, &lead, &customer, &marker, LinkState::Expired);
    again.await.expect("filed");
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
    assert_eq!(
        found["leads"][0],
        scene.output(filed).await["lead"],
        "the oldest first"
    );
    assert_eq!(found["leads"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["customers"].as_array().map(Vec::len), Some(1));
    scene.end().await;
}
