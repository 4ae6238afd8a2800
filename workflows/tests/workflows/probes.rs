//! Each CRM is asked from time to time whether it accepts the secrets, and only refusals that are
//! repeated count.

use leadrail_connections::{Connection, ConnectionState};
use leadrail_engine::{NewRun, RunId, RunState};
use leadrail_workflows::{ProbeOneConnection, probe_schedule};
use serde_json::{Value, json};

use crate::kit::{Scene, lead};

const HOUR: u64 = 3_600;

fn probe_of(connection: &Connection) -> NewRun {
    let input = serde_json::from_value(json!({"connection_id": connection.id})).expect("an input");
    NewRun::of::<ProbeOneConnection>(&input).expect("a run")
}

/// What the probe of a connection comes to.
async fn probe(scene: &Scene, of: &Connection) -> Value {
    let run = scene
        .engine
        .enqueue(&[probe_of(of)])
        .await
        .expect("enqueued")[0]
        .run_id;
    scene.until(run, RunState::Completed).await;
    scene.output(run).await
}

/// Lets so much time pass and waits until the schedule has planned once more.
async fn plan(scene: &Scene, seconds: u64) {
    let before = plans(scene).await;
    scene.pass(seconds).await;
    let run = loop {
        match plans(scene).await.as_slice() {
            [.., new] if !before.contains(new) => break *new,
            _ => tokio::task::yield_now().await,
        }
    };
    scene.until(run, RunState::Completed).await;
}

async fn plans(scene: &Scene) -> Vec<RunId> {
    runs_of(scene, "probe_connections").await
}

async fn state(scene: &Scene, of: &Connection) -> ConnectionState {
    scene.connections.get(of.id).await.expect("there").state
}

async fn probes(scene: &Scene) -> Vec<RunId> {
    runs_of(scene, "probe_connection").await
}

async fn runs_of(scene: &Scene, workflow: &str) -> Vec<RunId> {
    let ids = sqlx::query_scalar::<_, uuid::Uuid>(
        "select id from leadrail.run where workflow = $1 order by id",
    );
    let ids = ids
        .bind(workflow)
        .fetch_all(scene.engine.pool())
        .await
        .expect("read");
    ids.into_iter().map(RunId).collect()
}

async fn until_probes(scene: &Scene, count: usize) -> Vec<RunId> {
    loop {
        let found = probes(scene).await;
        if found.len() == count {
            return found;
        }
        assert!(found.len() < count, "too many");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_notes_whose_account_it_is_and_when_it_was_accepted() {
    let scene = Scene::working().await;
    let connection = scene.connect(json!({})).await;
    assert_eq!(
        probe(&scene, &connection).await,
        json!({"outcome": "accepted"})
    );
    let now = scene.connections.get(connection.id).await.expect("there");
    assert!(now.last_verified_at.is_some() && now.verified_name.is_some());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refusal_says_nothing_and_two_stop_the_connection_before_a_lead_comes() {
    let scene = Scene::working().await;
    let connection = scene.connect(json!({})).await;
    scene.fault(&json!({"times": 1}), &json!({"kind": "unauthorized"}));
    assert_eq!(
        probe(&scene, &connection).await,
        json!({"outcome": "accepted"})
    );
    scene.fault(&json!({}), &json!({"kind": "unauthorized"}));
    let refused = probe(&scene, &connection).await;
    assert_eq!(refused["outcome"], "refused", "{refused}");
    assert_eq!(
        state(&scene, &connection).await,
        ConnectionState::NeedsReauth
    );
    let run = scene.submit(lead(1)).await.run_id;
    let waiting = scene.until(run, RunState::Waiting).await;
    assert_eq!(waiting.reason.as_deref(), Some("needs_reauth"));
    assert_eq!(
        probe(&scene, &connection).await,
        json!({"outcome": "skipped"})
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crm_that_is_down_throttles_or_forbids_the_check_condemns_nobody() {
    let scene = Scene::working().await;
    let connection = scene.connect(json!({})).await;
    for fault in [
        json!({"kind": "status_before", "status": 503}),
        json!({"kind": "status_before", "status": 429}),
        json!({"kind": "status_before", "status": 403}),
    ] {
        scene.fault(&json!({}), &fault);
        let unknown = probe(&scene, &connection).await;
        assert_eq!(unknown["outcome"], "unknown", "{unknown}");
        scene.sim.clear_faults("housecall_pro");
    }
    assert_eq!(state(&scene, &connection).await, ConnectionState::Active);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_connection_is_probed_and_one_that_nobody_uses_is_not() {
    let scene = Scene::working().await;
    let connection = scene.connect(json!({})).await;
    let connections = &scene.connections;
    connections
        .pause(connection.id, "in August")
        .await
        .expect("paused");
    assert_eq!(
        probe(&scene, &connection).await,
        json!({"outcome": "accepted"})
    );
    connections
        .disable(connection.id, "off")
        .await
        .expect("off");
    assert_eq!(
        probe(&scene, &connection).await,
        json!({"outcome": "skipped"})
    );
    connections.delete(connection.id).await.expect("deleted");
    assert_eq!(
        probe(&scene, &connection).await,
        json!({"outcome": "skipped"})
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_probes_each_connection_once_an_hour_and_not_all_at_the_same_moment() {
    let scene = Scene::working().await;
    for crm_account in ["north", "south"] {
        let mut new = scene.new_connection(json!({}));
        new.crm_account_id = Some(crm_account.into());
        scene.connections.add(new).await.expect("added");
    }
    let mut pending = scene.new_connection(json!({}));
    pending.secrets.clear();
    scene.connections.prepare(pending).await.expect("prepared");
    scene.engine.put_cron(&probe_schedule()).await.expect("put");
    scene.pass(HOUR).await;
    let first = until_probes(&scene, 2).await;
    scene.pass(300).await;
    for run in &first {
        scene.until(*run, RunState::Completed).await;
    }
    scene.pass(2 * HOUR).await;
    let second = until_probes(&scene, 4).await;
    let due = "select count(distinct probe_at) from leadrail.connection where state = 'active'";
    let due = sqlx::query_scalar::<_, i64>(due).fetch_one(scene.engine.pool());
    assert_eq!(due.await.expect("counted"), 2, "spread over time");
    scene.pass(300).await;
    for run in &second {
        scene.until(*run, RunState::Completed).await;
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_stopped_holds_its_probe_and_no_other_is_planned_behind_it() {
    let scene = Scene::working().await;
    let connection = scene.connect(json!({})).await;
    let lane = "acme/housecall_pro";
    scene.engine.put_cron(&probe_schedule()).await.expect("put");
    scene.engine.pause_lane(lane).await.expect("paused");
    plan(&scene, 3 * HOUR).await;
    assert_eq!(probes(&scene).await, []);
    scene.engine.resume_lane(lane).await.expect("resumed");
    plan(&scene, 300).await;
    let first = until_probes(&scene, 1).await[0];
    scene.until(first, RunState::Completed).await;

    // Planned before the lane was stopped, and held back by it.
    let held = NewRun {
        lane: lane.to_owned(),
        ..probe_of(&connection)
    };
    scene.engine.pause_lane(lane).await.expect("paused");
    let held = scene.engine.enqueue(&[held]).await.expect("enqueued")[0].run_id;
    plan(&scene, 3 * HOUR).await;
    assert_eq!(probes(&scene).await, [first, held]);
    assert_eq!(scene.run(held).await.state, RunState::Queued);
    scene.engine.resume_lane(lane).await.expect("resumed");
    scene.until(held, RunState::Completed).await;
    scene.end().await;
}
