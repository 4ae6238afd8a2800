//! What is kept of the calls: enough to explain each one, and neither secrets nor persons.

use leadrail_engine::RunState;
use serde_json::{Value, json};

use super::refusing::personal;
use super::subject::Subject;
use crate::kit::Scene;

pub(super) async fn history_has_every_exchange_and_no_secret_and_no_body_of_successes(
    subject: &Subject,
) {
    let scene = subject.connected(json!({})).await;
    scene.fault(&subject.filing().met(1), &json!({"kind": "reject"}));
    let refused = scene.submit(subject.lead(1)).await.run_id;
    scene.until(refused, RunState::Dead).await;
    let filed = scene.submit(subject.lead(2)).await.run_id;
    scene.until(filed, RunState::Completed).await;

    let mut kept = exchanges(&scene, refused).await;
    kept.extend(exchanges(&scene, filed).await);
    assert_eq!(kept.len() as u64, requests(subject, &scene));
    let (failed, well): (Vec<_>, Vec<_>) = kept
        .iter()
        .partition(|exchange| exchange["error"].is_string());
    assert_eq!(failed.len(), 1);
    assert!(failed[0]["request_body"].is_object() && failed[0]["response_body"].is_object());
    for exchange in well {
        let bodies = (&exchange["request_body"], &exchange["response_body"]);
        assert_eq!(bodies, (&Value::Null, &Value::Null), "{exchange}");
        assert!(exchange["status"].is_u64() && exchange["duration_ms"].is_u64());
    }
    let kept = json!(kept).to_string();
    let secrets = subject.access.ways.iter().flat_map(|way| way.secrets);
    for (name, secret) in secrets {
        assert!(!kept.contains(secret), "{name} is kept");
    }
    scene.end().await;
}

/// How many requests the CRM has seen.
fn requests(subject: &Subject, scene: &Scene) -> u64 {
    let books = scene.sim.records(subject.crm());
    let by_call = books["requests"].as_object().expect("counts").values();
    let counts = by_call.flat_map(|by_status| by_status.as_object().expect("counts").values());
    counts.map(|count| count.as_u64().expect("a count")).sum()
}

async fn exchanges(scene: &Scene, run: leadrail_engine::RunId) -> Vec<Value> {
    let history = serde_json::to_value(scene.history(run).await).expect("JSON");
    let events = history.as_array().expect("events").iter();
    let kept = events.filter_map(|event| event["payload"]["evidence"].as_array());
    kept.flatten().cloned().collect()
}

pub(super) async fn no_url_in_history_names_a_person(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    for payload in [subject.lead(1), subject.second_lead_of(1)] {
        assert_urls_name_nobody(&scene, payload).await;
    }
    // What is looked for after a lost answer is looked for in other ways.
    for (n, making) in subject.makes.iter().enumerate() {
        let payload = subject.lead_that_makes(making, &scene, 10 + n as u64).await;
        scene.fault(&making.met(1), &json!({"kind": "reset_after"}));
        assert_urls_name_nobody(&scene, payload).await;
    }
    scene.end().await;
}

async fn assert_urls_name_nobody(scene: &Scene, payload: Value) {
    let run = scene.submit(payload.clone()).await.run_id;
    scene.to_the_end(run).await;
    let kept = exchanges(scene, run).await;
    let urls = kept
        .iter()
        .map(|exchange| exchange["url"].as_str().expect("a URL"));
    let urls: Vec<String> = urls.map(decoded).collect();
    assert!(!urls.is_empty());
    let mut personal = personal(&payload);
    let without_area = personal[0][3..].to_owned();
    personal.push(without_area);
    for said in personal {
        assert!(
            urls.iter().all(|url| !url.contains(&said)),
            "{said} in {urls:#?}"
        );
    }
}

/// The URL's text, whatever of it was escaped.
fn decoded(url: &str) -> String {
    let parts = url::form_urlencoded::parse(url.as_bytes());
    parts
        .map(|(name, value)| format!("{name}={value} "))
        .collect()
}
