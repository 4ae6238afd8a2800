//! The table of payloads through HTTP: alone and as one batch.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{Api, JSON};

#[derive(Deserialize)]
struct Case {
    name: String,
    payload: Value,
    #[serde(default)]
    faults: BTreeMap<String, String>,
    #[serde(default)]
    warnings: BTreeMap<String, String>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../../lead/testdata/doors.json")).expect("cases")
}

/// A list of objects as pairs of two of their texts.
fn pairs(list: &Value, key: &str) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let entries = list.as_array().into_iter().flatten();
    entries
        .map(|one| (text(&one[key]), text(&one["code"])))
        .collect()
}

fn assert_answered(case: &Case, status: u64, body: &Value) {
    let name = &case.name;
    if case.faults.is_empty() {
        assert_eq!(status, 202, "{name}: {body}");
        assert_eq!(pairs(&body["warnings"], "field"), case.warnings, "{name}");
    } else {
        assert_eq!(status, 422, "{name}: {body}");
        assert_eq!(pairs(&body["errors"], "pointer"), case.faults, "{name}");
    }
}

#[tokio::test]
async fn every_payload_is_answered_as_the_table_says() {
    let api = Api::start().await;
    for case in cases() {
        let answer = api.post_lead(&case.payload).await;
        assert_answered(&case, answer.status.into(), &answer.json());
    }
}

#[tokio::test]
async fn a_batch_of_all_of_them_is_answered_one_by_one() {
    let api = Api::start().await;
    let cases = cases();
    let batch: Vec<_> = cases.iter().map(|case| case.payload.clone()).collect();
    let answer = api.post(JSON, Value::from(batch).to_string()).await;
    assert_eq!(answer.status, 207);
    let body = answer.json();
    for (index, case) in cases.iter().enumerate() {
        let result = &body["results"][index];
        assert_answered(case, result["status"].as_u64().expect("a status"), result);
    }
}

#[tokio::test]
async fn the_warnings_stand_in_the_leads_story() {
    let api = Api::start().await;
    let mut lead = crate::support::lead(1);
    lead["contact"]["email"] = json!("n/a");
    lead["timestamp_utc"] = json!("2999-01-01T00:00:00Z");
    let answered = api.post_lead(&lead).await.json()["warnings"].clone();
    let event = lead["event_id"].as_str().expect("an id").to_owned();
    let story = api.get(&format!("/v1/leads/{event}")).await.json();
    assert_eq!(story["warnings"], answered);
    assert_eq!(story["payload"], lead);
    let fields = pairs(&answered, "field");
    assert_eq!(fields.len(), 2, "{answered}");
    for warning in answered.as_array().expect("a list") {
        assert!(
            warning["sentence"]
                .as_str()
                .is_some_and(|said| said.contains("; "))
        );
    }
    // The same lead again is told the same.
    assert_eq!(api.post_lead(&lead).await.json()["warnings"], answered);
}
