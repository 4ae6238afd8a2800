//! What only GoHighLevel has: locations that forbid doubles, cards that staff renames, scopes that lack.

use leadrail_crm_sim::GOHIGHLEVEL;
use leadrail_engine::{RunFilter, RunId, RunState};
use leadrail_lead::sample::sample_lead;
use serde_json::{Value, json};

use crate::kit::{ACME, Access, Scene, Way};

static ACCESS: Access = Access {
    crm: GOHIGHLEVEL,
    ways: &[Way {
        method: "private_integration",
        secrets: &[("access_token", "sim-acme")],
    }],
    settings: || json!({"location_id": "loc-acme", "pipeline": "pipSales000000000001"}),
};

async fn scene(settings: Value) -> Scene {
    let scene = Scene::working_at(&ACCESS).await;
    scene.connect(settings).await;
    scene
}

/// The `n`th lead of one caller.
fn lead(n: u64) -> Value {
    let mut lead = sample_lead(n, ACME, GOHIGHLEVEL);
    lead["contact"] = sample_lead(0, ACME, GOHIGHLEVEL)["contact"].clone();
    lead
}

async fn filed(scene: &Scene, n: u64) -> Value {
    let run = scene.submit(lead(n)).await.run_id;
    scene.until(run, RunState::Completed).await;
    scene.output(run).await
}

/// How many contacts, cards and notes there are.
fn counts(scene: &Scene) -> [usize; 3] {
    ["contacts", "opportunities", "notes"].map(|kind| scene.count(kind))
}

/// What the looks of a while later find.
async fn audited(scene: &Scene) -> Vec<Value> {
    let filter = RunFilter {
        workflow: Some("audit_lead".into()),
        ..RunFilter::default()
    };
    let planned = scene.engine.runs_after(&filter, None, 10).await;
    let planned = planned.expect("listed").runs.into_iter();
    let soon = planned.filter(|run| run.key.as_ref().is_some_and(|key| key.ends_with("/10m")));
    let soon: Vec<RunId> = soon.map(|run| run.id).collect();
    scene.pass(700).await;
    let mut outcomes = Vec::new();
    for run in soon {
        scene.until(run, RunState::Completed).await;
        outcomes.push(scene.output(run).await["outcome"].clone());
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_second_card_is_forbidden_the_call_is_noted_beside_the_one_that_is_there() {
    for names_duplicates in [true, false] {
        let scene = scene(json!({"settle_seconds": 0})).await;
        scene.happen(&json!({"settings": {
            "allow_duplicate_contact": false, "allow_duplicate_opportunity": false,
            "names_duplicates": names_duplicates,
        }}));
        let first = filed(&scene, 1).await;
        // The refusal is lost, so it is looked once more a while later.
        let request = json!({"method": "POST", "path_prefix": "/opportunities/", "times": 1});
        scene.fault(&request, &json!({"kind": "reset_after"}));
        let run = scene.submit(lead(2)).await.run_id;
        scene.to_the_end(run).await;
        let second = scene.output(run).await;
        assert_eq!(first["lead"], second["lead"]);
        assert_eq!(first["customer"], second["customer"]);
        assert_eq!(counts(&scene), [1, 1, 2]);
        assert_eq!(audited(&scene).await, ["single"]);
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_the_look_up_misses_is_the_one_that_the_refusal_means() {
    for names_duplicates in [true, false] {
        let scene = scene(json!({})).await;
        scene.happen(&json!({"settings": {
            "allow_duplicate_contact": false, "names_duplicates": names_duplicates,
        }}));
        let first = filed(&scene, 1).await;
        let looks = json!({"method": "GET", "path_prefix": "/contacts/search", "times": 2});
        let nobody = json!({"kind": "status_before", "status": 200, "body": {"contact": null}});
        scene.fault(&looks, &nobody);
        let second = filed(&scene, 2).await;
        assert_eq!(first["customer"], second["customer"]);
        assert_ne!(first["lead"], second["lead"]);
        assert_eq!(counts(&scene), [1, 2, 2]);
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_staff_renames_is_found_by_its_field() {
    let fields = json!({"opportunity_field": "cfDealRef00000000003"});
    let scene = scene(fields).await;
    let request = json!({"method": "POST", "path_prefix": "/opportunities/", "times": 1});
    scene.fault(&request, &json!({"kind": "reset_after"}));
    let run = scene.submit(lead(1)).await.run_id;
    scene.until(run, RunState::Retrying).await;
    let card = scene.books("opportunities").remove(0);
    scene.happen(&json!({"rename_opportunity": {"id": card["id"], "name": "New roof"}}));
    let ended = scene.to_the_end(run).await;
    let told = scene.told(run).await;
    assert_eq!(ended.state, RunState::Completed, "{told:#?}");
    assert_eq!(scene.output(run).await["lead"]["id"], card["id"]);
    assert_eq!(counts(&scene), [1, 1, 1]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_lags_hides_no_contact() {
    let scene = scene(json!({"settle_seconds": 0})).await;
    let request = json!({"method": "POST", "path_prefix": "/contacts/#create", "times": 1});
    scene.fault(&request, &json!({"kind": "reset_after"}));
    let search = json!({"method": "POST", "path_prefix": "/contacts/search"});
    let nothing = json!({"contacts": [], "total": 0});
    let lagging = json!({"kind": "status_before", "status": 200, "body": nothing});
    scene.fault(&search, &lagging);
    let run = scene.submit(lead(1)).await.run_id;
    let ended = scene.to_the_end(run).await;
    let told = scene.told(run).await;
    assert_eq!(ended.state, RunState::Completed, "{told:#?}");
    assert_eq!(counts(&scene), [1, 1, 1]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_lacks_and_a_stage_of_another_pipeline_are_no_leads_fault() {
    let foreign = json!({"stage": "stgMeasure0000000003"});
    for (settings, scopes, reason) in [
        (json!({}), json!(["contacts.readonly"]), "scope_missing"),
        (foreign, Value::Null, "setting_invalid"),
    ] {
        let scene = scene(settings).await;
        if !scopes.is_null() {
            scene.happen(&json!({"settings": {"scopes": scopes}}));
        }
        let run = scene.submit(lead(1)).await.run_id;
        let waiting = scene.until(run, RunState::Waiting).await;
        assert_eq!(waiting.reason.as_deref(), Some(reason));
        let all = ["contacts.readonly", "contacts.write", "opportunities.write"];
        scene.happen(&json!({"settings": {"scopes": all}}));
        scene.connect(json!({})).await;
        scene.open_gates().await;
        scene.until(run, RunState::Completed).await;
        assert_eq!(counts(&scene), [1, 1, 1]);
        scene.end().await;
    }
}
