//! Making deals, and where they begin.

use crate::api::{Api, DEAL_FIELD, each};
use serde_json::{Value, json};

#[tokio::test]
async fn a_deal_begins_in_its_stage_or_in_the_first() {
    let api = Api::start().await;
    let person = api.person("+13055550182").await;
    for (place, expected) in [
        (json!({}), (1, 11)),
        (json!({"pipeline_id": 2}), (2, 21)),
        (json!({"stage_id": 22}), (2, 22)),
        (json!({"pipeline_id": 1, "stage_id": 12}), (1, 12)),
    ] {
        let mut body = json!({"title": "HVAC", "person_id": person});
        for (name, value) in place.as_object().expect("fields") {
            body[name] = value.clone();
        }
        let (status, made) = api.post("/api/v2/deals", &body).await;
        assert_eq!(status, 200, "{made}");
        let found = (&made["data"]["pipeline_id"], &made["data"]["stage_id"]);
        assert_eq!(found, (&json!(expected.0), &json!(expected.1)), "{place}");
    }
}

#[tokio::test]
async fn what_no_deal_can_have_is_refused_and_named() {
    let api = Api::start().await;
    let person = api.person("+13055550182").await;
    let with = |name: &str, value: Value| {
        let mut body = json!({"title": "HVAC", "person_id": person, "pipeline_id": 1});
        body[name] = value;
        body
    };
    for (body, named) in [
        (json!({"person_id": person}), "title"),
        (with("stage_id", json!(21)), "stage_id"),
        (with("stage_id", json!(99)), "stage_id"),
        (with("pipeline_id", json!(99)), "pipeline_id"),
        (with("person_id", json!(7)), "person_id"),
        (with("origin_id", json!("e-1")), "origin_id"),
        (with("channel", json!(52)), "channel"),
    ] {
        let (status, refusal) = api.post("/api/v2/deals", &body).await;
        assert_eq!(status, 400, "{body}");
        let error = refusal["error"].as_str().expect("a sentence");
        assert!(error.contains(named), "{error}");
    }
    assert!(api.books("deals").is_empty());
}

#[tokio::test]
async fn deals_are_listed_by_person_and_archived_ones_apart() {
    let api = Api::start().await;
    let person = api.person("+13055550182").await;
    let mut ids = Vec::new();
    for title in ["first", "second"] {
        let body = json!({"title": title, "person_id": person, "custom_fields": {DEAL_FIELD: "m"}});
        let (_, made) = api.post("/api/v2/deals", &body).await;
        ids.push(made["data"]["id"].clone());
    }
    let newest = format!("person_id={person}&sort_by=add_time&sort_direction=desc");
    let (_, list) = api.get(&format!("/api/v2/deals?{newest}")).await;
    assert_eq!(each(&list, "title"), [&json!("second"), &json!("first")]);
    assert_eq!(list["data"][0]["custom_fields"][DEAL_FIELD], "m");
    assert_eq!(
        api.happens(json!({"archive_deal": {"id": ids[1]}})).await,
        204
    );
    let (_, list) = api.get(&format!("/api/v2/deals?{newest}")).await;
    assert_eq!(each(&list, "title"), [&json!("first")]);
    let (_, list) = api.get(&format!("/api/v2/deals/archived?{newest}")).await;
    assert_eq!(each(&list, "title"), [&json!("second")]);
    assert_eq!(api.get("/api/v2/deals?sort_by=title").await.0, 400);
    assert_eq!(api.get(&format!("/api/v2/deals/{}", ids[0])).await.0, 200);
}
