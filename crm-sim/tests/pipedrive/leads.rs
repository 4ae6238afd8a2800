//! Making leads and listing them.

use crate::api::{Api, DEAL_FIELD, each};
use serde_json::{Value, json};

#[tokio::test]
async fn a_lead_keeps_origin_label_channel_and_person() {
    let api = Api::start().await;
    let person = api.person("+13055550182").await;
    let body = json!({
        "title": "HVAC", "person_id": person, "owner_id": 902, "origin_id": "e-1", "channel": 52,
        "channel_id": "c-1", "label_ids": ["5c7e1a3e-2f0b-4b58-9b7a-31d1a5c0a102"],
        "value": {"amount": 90.5, "currency": "USD"}, "expected_close_date": "2026-12-24",
        "visible_to": "3", "was_seen": false, DEAL_FIELD: "lr-1",
    });
    let (status, made) = api.post("/api/v1/leads", &body).await;
    assert_eq!(status, 201, "{made}");
    let lead = &made["data"];
    assert_eq!(lead["id"].as_str().map(str::len), Some(36), "a UUID");
    for name in [
        "title",
        "person_id",
        "owner_id",
        "origin_id",
        "channel",
        "label_ids",
        DEAL_FIELD,
    ] {
        assert_eq!(lead[name], body[name], "{name}");
    }
    assert_eq!(lead["origin"], "API");
    let id = lead["id"].as_str().expect("an id");
    assert_eq!(
        api.get(&format!("/api/v1/leads/{id}")).await.1["data"],
        *lead
    );
}

#[tokio::test]
async fn what_no_lead_can_have_is_refused_and_named() {
    let api = Api::start().await;
    let person = api.person("+13055550182").await;
    let with = |name: &str, value: Value| {
        let mut body = json!({"title": "HVAC", "person_id": person});
        body[name] = value;
        body
    };
    for (body, named) in [
        (json!({"person_id": person}), "title"),
        (json!({"title": "HVAC"}), "person_id"),
        (with("title", json!("x".repeat(256))), "title"),
        (with("owner_id", json!(7)), "owner_id"),
        (with("label_ids", json!(["hot"])), "label_ids"),
        (with("channel", json!(7)), "channel"),
        (with("value", json!({"amount": 1})), "value.currency"),
        (with("stage_id", json!(11)), "stage_id"),
        (with("person_id", json!(7)), "Person not found"),
    ] {
        let (status, refusal) = api.post("/api/v1/leads", &body).await;
        assert_eq!(status, 400, "{body}");
        assert_eq!(refusal["data"], Value::Null);
        let error = refusal["error"].as_str().expect("a sentence");
        assert!(error.contains(named), "{error}");
    }
    assert!(api.books("leads").is_empty());
}

#[tokio::test]
async fn leads_are_listed_by_person_oldest_first_and_archived_ones_apart() {
    let api = Api::start().await;
    let (one, other) = (
        api.person("+13055550182").await,
        api.person("+13055550183").await,
    );
    let first = api.lead(&one, "first").await;
    api.lead(&other, "other's").await;
    api.lead(&one, "second").await;
    let titles = async |path: &str| {
        let (status, list) = api.get(path).await;
        assert_eq!(status, 200, "{path}");
        let titles = each(&list, "title").into_iter();
        titles
            .map(|title| title.as_str().expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    let of_one = format!("/api/v1/leads?person_id={one}");
    assert_eq!(titles(&of_one).await, ["first", "second"]);
    assert_eq!(
        titles(&format!("{of_one}&sort=add_time%20DESC")).await,
        ["second", "first"]
    );
    assert_eq!(titles("/api/v1/leads").await.len(), 3);
    assert_eq!(
        api.happens(json!({"archive_lead": {"id": first}})).await,
        204
    );
    assert_eq!(titles(&of_one).await, ["second"]);
    let archived = format!("/api/v1/leads/archived?person_id={one}");
    assert_eq!(titles(&archived).await, ["first"]);
    assert_eq!(api.get("/api/v1/leads?sort=colour%20DESC").await.0, 400);
}

#[tokio::test]
async fn an_empty_list_of_v1_is_null() {
    let api = Api::start().await;
    let (_, list) = api.get("/api/v1/leads").await;
    assert_eq!(
        (&list["success"], &list["data"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(
        list["additional_data"]["pagination"]["more_items_in_collection"],
        false
    );
}
