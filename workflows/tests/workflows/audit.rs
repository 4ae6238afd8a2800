//! Second looks are planned where an outcome was unknown, and only there.

use leadrail_engine::{RunFilter, RunId, RunState, RunView};
use serde_json::json;

use crate::kit::{Scene, lead};

/// A lead whose first answer was lost, delivered.
async fn delivered_after_doubt(scene: &Scene) -> RunId {
    let once = json!({"method": "POST", "path_prefix": "/leads", "times": 1});
    scene.fault(&once, &json!({"kind": "reset_after"}));
    let run = scene.submit(lead(1)).await.run_id;
    scene.to_the_end(run).await;
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
