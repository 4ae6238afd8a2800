//! What is particular to Workiz and needs the engine: nobody knows what its lists are like and what
//! becomes of a lead in them, so whatever it is a lead arrives once.

use leadrail_engine::RunState;
use leadrail_lead::sample::sample_lead;
use serde_json::{Value, json};

use crate::kit::{ACME, Access, Scene, Way};

/// How the account `acme` is connected.
pub(crate) static WORKIZ: Access = Access {
    crm: leadrail_crm_sim::WORKIZ,
    ways: &[Way {
        method: "api_token",
        secrets: &[("api_token", "sim-acme"), ("auth_secret", "sec_acme")],
    }],
    settings: || json!({"time_zone": "America/New_York"}),
};

/// More leads than two pages have.
const BUSY: u64 = 230;

fn lead(n: u64) -> Value {
    sample_lead(n, ACME, leadrail_crm_sim::WORKIZ)
}

/// At work, quick to give up on a call, and without a wait before a look.
async fn impatient() -> Scene {
    let scene = Scene::working_at(&WORKIZ).await;
    let settings = json!({"call_timeout_ms": 2_000, "settle_seconds": 0});
    scene.connect(settings).await;
    scene
}

fn answers_are_lost(scene: &Scene, times: u64) {
    let created = json!({"method": "POST", "path_prefix": "/{token}/lead/create/", "times": times});
    scene.fault(&created, &json!({"kind": "reset_after"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_whatever_an_offset_counts_and_a_list_looks_like() {
    let scene = impatient().await;
    let mut runs = Vec::new();
    for n in 0..BUSY {
        runs.push(scene.submit(lead(n)).await.run_id);
    }
    for run in runs {
        scene.until(run, RunState::Completed).await;
    }
    let mut filed = usize::try_from(BUSY).expect("a few");
    let behaviors = [
        json!({"offset": "rows", "lists": "wrapped"}),
        json!({"offset": "rows", "lists": "bare"}),
        json!({"offset": "pages", "lists": "wrapped"}),
        json!({"offset": "pages", "lists": "bare", "empty": "no_content"}),
        json!({"offset": "rows", "lists": "bare", "empty": "not_found"}),
    ];
    for (n, behavior) in (BUSY..).zip(behaviors) {
        scene.happen(&json!({"behave": behavior}));
        answers_are_lost(&scene, 1);
        let run = scene.submit(lead(n)).await.run_id;
        let ended = scene.to_the_end(run).await;
        let told = scene.told(run).await;
        assert_eq!(ended.state, RunState::Completed, "{behavior}: {told:#?}");
        filed += 1;
        assert_eq!(scene.count("leads"), filed, "{behavior}: {told:#?}");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_leads_may_say_so_in_any_way() {
    for empty in ["list", "no_content", "not_found"] {
        let scene = impatient().await;
        scene.happen(&json!({"behave": {"empty": empty}}));
        let before = json!({"method": "POST", "path_prefix": "/{token}/lead/create/", "times": 1});
        scene.fault(&before, &json!({"kind": "timeout_before", "hang_ms": 10}));
        let run = scene.submit(lead(1)).await.run_id;
        let ended = scene.to_the_end(run).await;
        let told = scene.told(run).await;
        assert_eq!(ended.state, RunState::Completed, "{empty}: {told:#?}");
        assert_eq!(scene.count("leads"), 1, "{empty}");
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_was_converted_before_anybody_looked_is_not_made_again() {
    let scene = impatient().await;
    answers_are_lost(&scene, 1);
    let run = scene.submit(lead(1)).await.run_id;
    scene.until(run, RunState::Retrying).await;
    let lead = scene.books("leads").remove(0);
    scene.happen(&json!({"convert_lead": {"id": lead["id"]}}));
    scene.to_the_end(run).await;
    scene.until(run, RunState::Completed).await;
    assert_eq!(scene.count("leads"), 1);
    let job = scene.books("jobs").remove(0);
    assert_eq!(scene.output(run).await["lead"]["id"], job["id"]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_of_this_month_stays_one_client_and_a_client_who_is_gone_holds_up_no_lead() {
    let scene = impatient().await;
    let of_one_caller = |n: u64| {
        let mut payload = lead(n);
        payload["contact"] = lead(1)["contact"].clone();
        payload
    };
    for (n, clients) in [(1, 1), (2, 1), (3, 2)] {
        if n == 3 {
            scene.happen(&json!({"delete_client": {"id": 1001}}));
        }
        let run = scene.submit(of_one_caller(n)).await.run_id;
        scene.until(run, RunState::Completed).await;
        assert_eq!(scene.count("clients"), clients, "lead {n}");
    }
    let of_leads = scene.books("leads").into_iter();
    let clients: Vec<Value> = of_leads.map(|lead| lead["ClientId"].clone()).collect();
    assert_eq!(clients, ["1001", "1001", "1002"]);
    scene.end().await;
}
