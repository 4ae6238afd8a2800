//! Making persons, and taking them away.

use crate::api::{Api, PERSON_FIELD};
use serde_json::{Value, json};

#[tokio::test]
async fn a_person_keeps_what_it_was_given() {
    let api = Api::start().await;
    let body = json!({
        "name": "Ann Lee", "owner_id": 902, "visible_to": 3, "label_ids": [],
        "phones": [{"value": "(305) 555-0182", "primary": true}],
        "emails": [{"value": "ann@example.com", "primary": true, "label": "home"}],
        "custom_fields": {PERSON_FIELD: "lr-1"},
    });
    let (status, made) = api.post("/api/v2/persons", &body).await;
    assert_eq!((status, &made["success"]), (200, &json!(true)));
    let (_, shown) = api
        .get(&format!("/api/v2/persons/{}", made["data"]["id"]))
        .await;
    assert_eq!(shown["data"], made["data"]);
    assert_eq!(shown["data"]["phones"][0]["value"], "(305) 555-0182");
    assert_eq!(shown["data"]["phones"][0]["label"], "work");
    assert_eq!(shown["data"]["custom_fields"][PERSON_FIELD], "lr-1");
    assert_eq!(shown["data"]["owner_id"], 902);
}

#[tokio::test]
async fn the_same_person_may_exist_many_times() {
    let api = Api::start().await;
    let (first, second) = (
        api.person("+13055550182").await,
        api.person("+13055550182").await,
    );
    assert_ne!(first, second);
    assert_eq!(api.books("persons").len(), 2);
}

#[tokio::test]
async fn what_no_person_can_have_is_refused_and_named() {
    let api = Api::start().await;
    let rows: [(Value, &str); 9] = [
        (json!({}), "name"),
        (json!({"name": "  "}), "name"),
        (json!({"name": "x".repeat(256)}), "name"),
        (json!({"name": "Ann", "owner_id": 7}), "owner_id"),
        (
            json!({"name": "Ann", "phones": [{"value": "none"}]}),
            "phones[0].value",
        ),
        (
            json!({"name": "Ann", "emails": [{"value": "ann at x"}]}),
            "emails[0].value",
        ),
        // As v1 had it.
        (json!({"name": "Ann", "phone": "+13055550182"}), "phone"),
        (
            json!({"name": "Ann", "custom_fields": {"a": "b"}}),
            "custom_fields.a",
        ),
        (
            json!({"name": "Ann", "postal_address": {"value": "1 A St"}}),
            "postal_address",
        ),
    ];
    for (body, field) in rows {
        let (status, refusal) = api.post("/api/v2/persons", &body).await;
        assert_eq!(
            (status, &refusal["success"]),
            (400, &json!(false)),
            "{body}"
        );
        assert_eq!(refusal["code"], "ERR_SCHEMA_VALIDATION_FAILED");
        let error = refusal["error"].as_str().expect("a sentence");
        assert!(error.contains(&format!("{field}: ")), "{error}");
    }
    assert!(api.books("persons").is_empty());
}

#[tokio::test]
async fn a_person_who_was_deleted_is_found_nowhere_and_gets_no_leads() {
    let api = Api::start().await;
    let person = api.person("+13055550182").await;
    assert_eq!(
        api.happens(json!({"delete_person": {"id": person}})).await,
        204
    );
    assert_eq!(api.get(&format!("/api/v2/persons/{person}")).await.0, 404);
    let (_, list) = api.get("/api/v2/persons").await;
    assert_eq!(list["data"], json!([]));
    let (_, found) = api
        .get("/api/v2/persons/search?term=%2B13055550182&fields=phone")
        .await;
    assert_eq!(found["data"]["items"], json!([]));
    let lead = json!({"title": "HVAC", "person_id": person});
    let (status, refusal) = api.post("/api/v1/leads", &lead).await;
    assert_eq!(status, 400);
    assert!(
        refusal["error"]
            .as_str()
            .expect("text")
            .contains("person_id")
    );
    assert_eq!(api.post("/api/v2/deals", &lead).await.0, 400);
    assert_eq!(
        api.books("persons")[0]["is_deleted"],
        true,
        "the books keep it"
    );
    assert_ne!(api.happens(json!({"delete_person": {"id": 1}})).await, 204);
    assert_ne!(
        api.happens(json!({"paint_person": {"id": person}})).await,
        204
    );
}
