//! Histories that were recorded before still fit the workflows of today.
//!
//! `golden/` holds a head and its history a file. A change that makes one of them unfit would strand
//! runs in flight: guard it with `ctx.version`. `LEADRAIL_RECORD_GOLDEN=1` writes what today's
//! workflows record into new files; those that are there stay.

use std::path::{Path, PathBuf};

use leadrail_activities::PROBE_CONNECTION;
use leadrail_engine::{Event, Fit, NewRun, RunFilter, RunId, RunState, RunView};
use leadrail_workflows::ProbeConnections;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kit::{Scene, lead, second_lead_of};

#[derive(Serialize, Deserialize)]
struct Golden {
    head: RunView,
    events: Vec<Event>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/workflows/golden")
}

/// Every beginning of a history must fit too: a run may have stopped anywhere.
async fn assert_fits(scene: &Scene, name: &str, golden: &Golden) {
    let registry = scene.registry();
    for stopped_at in 0..=golden.events.len() {
        let events = golden.events[..stopped_at].to_vec();
        let fit = scene
            .engine
            .rehearse_history(&registry, &golden.head, events)
            .await;
        assert_eq!(
            fit,
            Fit::Continues,
            "{name}, stopped after line {stopped_at}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_histories_fit_the_workflows_of_today() {
    let scene = Scene::quiet().await;
    let mut seen = Vec::new();
    for file in std::fs::read_dir(folder()).expect("the folder is there") {
        let path = file.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a file");
        let golden: Golden = serde_json::from_str(&text).expect("a history");
        assert_fits(&scene, &path.display().to_string(), &golden).await;
        seen.push(golden.head.workflow);
    }
    seen.sort_unstable();
    seen.dedup();
    let mut known = scene.registry().names();
    known.sort_unstable();
    assert_eq!(seen, known, "every workflow has a recorded history");
    scene.end().await;
}

async fn record(scene: &Scene, name: &str, run: RunId) {
    let golden = Golden {
        head: scene.run(run).await,
        events: scene.history(run).await,
    };
    assert_fits(scene, name, &golden).await;
    let path = folder().join(format!("{name}.json"));
    if std::env::var_os("LEADRAIL_RECORD_GOLDEN").is_some() && !path.exists() {
        let text = serde_json::to_string_pretty(&golden).expect("JSON");
        std::fs::write(path, text + "\n").expect("written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_todays_workflows_record_fits_them() {
    let scene = Scene::connected().await;
    let first = scene.submit(lead(1)).await.run_id;
    scene.until(first, RunState::Completed).await;
    record(&scene, "push_lead-unknown-caller", first).await;

    let known = scene.submit(second_lead_of(1)).await.run_id;
    scene.until(known, RunState::Completed).await;
    record(&scene, "push_lead-known-caller", known).await;

    let leads = json!({"method": "POST", "path_prefix": "/leads", "times": 1});
    scene.fault(&leads, &json!({"kind": "reject"}));
    let dead = scene.submit(lead(2)).await.run_id;
    scene.until(dead, RunState::Dead).await;
    record(&scene, "push_lead-refused", dead).await;

    scene.fault(&leads, &json!({"kind": "reset_after"}));
    let doubt = scene.submit(lead(3)).await.run_id;
    scene.to_the_end(doubt).await;
    record(&scene, "push_lead-lost-answer", doubt).await;

    let audit = only(&scene, "audit_lead").await;
    scene.pass(25 * 3_600).await;
    scene.until(audit, RunState::Completed).await;
    record(&scene, "audit_lead", audit).await;

    let planning = [NewRun::of::<ProbeConnections>(&()).expect("an input")];
    let planned = scene.engine.enqueue(&planning).await.expect("kept")[0].run_id;
    scene.until(planned, RunState::Completed).await;
    record(&scene, "probe_connections", planned).await;
    let probe = only(&scene, PROBE_CONNECTION).await;
    scene.until(probe, RunState::Completed).await;
    record(&scene, "probe_connection", probe).await;
    scene.end().await;
}

/// The one run of this workflow.
async fn only(scene: &Scene, workflow: &str) -> RunId {
    let filter = RunFilter {
        workflow: Some(workflow.to_owned()),
        ..RunFilter::default()
    };
    let found = scene.engine.runs_after(&filter, None, 10).await;
    found.expect("listed").runs.first().expect("a run").id
}
