//! Shared faults in ServiceTitan's own words.

use crate::api::{Api, BOOKINGS, booking, refused};
use crate::support::rows;
use reqwest::Method;
use serde_json::{Value, json};

async fn armed(fault: Value) -> Api {
    let api = Api::start().await;
    let matching = json!({"method": "POST", "path_prefix": "/crm/v2/tenant/4001/booking-provider",
                          "company": "acme", "times": 1});
    let rule = json!({"match": matching, "fault": fault});
    let (status, body) = api.control(Method::POST, "/faults", Some(rule)).await;
    assert_eq!(status, 201, "{body}");
    api
}

#[tokio::test]
async fn a_throttled_caller_gets_a_problem_and_is_told_when_if_the_rule_says_so() {
    for (fault, after) in [
        (json!({"kind": "throttle", "retry_after": 2}), Some("2")),
        (json!({"kind": "throttle"}), None),
    ] {
        let api = armed(fault).await;
        let answer = api
            .send(Method::POST, ("crm", BOOKINGS), &booking("e-1"))
            .await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 429);
        let told = answer.headers().get("retry-after");
        assert_eq!(told.and_then(|value| value.to_str().ok()), after);
        let body = answer.bytes().await.expect("a body");
        let problem: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(problem["status"], 429);
        assert_eq!(api.books("bookings").len(), 0);
        assert_eq!(api.post("crm", BOOKINGS, &booking("e-1")).await.0, 200);
    }
}

#[tokio::test]
async fn refusals_by_a_rule_look_like_the_vendors() {
    let api = armed(json!({"kind": "unauthorized"})).await;
    let (status, problem) = api.post("crm", BOOKINGS, &booking("e-1")).await;
    assert_eq!((status, &problem["title"]), (401, &json!("Unauthorized")));
    let api = armed(json!({"kind": "reject"})).await;
    let (status, problem) = api.post("crm", BOOKINGS, &booking("e-1")).await;
    assert_eq!((status, refused(&problem)), (400, vec!["Request"]));
    assert_eq!(api.books("bookings").len(), 0);
}

#[tokio::test]
async fn a_booking_whose_answer_was_lost_is_found_by_its_external_id() {
    for fault in [
        json!({"kind": "reset_after"}),
        json!({"kind": "status_after", "status": 503}),
    ] {
        let api = armed(fault).await;
        let answer = api
            .send(Method::POST, ("crm", BOOKINGS), &booking("e-1"))
            .await;
        assert!(answer.map_or(true, |answer| answer.status() == 503));
        let path = format!("{BOOKINGS}?externalId=e-1");
        assert_eq!(rows(&api.get("crm", &path).await.1, "data").len(), 1);
    }
}

#[tokio::test]
async fn emptied_books_free_the_tenants_and_bring_the_presets_back() {
    let api = Api::start().await;
    let tag = json!({"tagName": "Calls", "description": "x"});
    api.post("crm", "/booking-provider-tags", &tag).await;
    api.post("crm", BOOKINGS, &booking("e-1")).await;
    let (status, _) = api.control(Method::DELETE, "/records", None).await;
    assert_eq!(status, 204);
    assert_eq!(api.books("bookings").len(), 0);
    assert_eq!(
        api.get("crm", "/bookings?externalId=e-1").await.1["data"],
        json!([])
    );
    let (_, tags) = api.get("crm", "/booking-provider-tags").await;
    assert_eq!(rows(&tags, "data").len(), 1);
}

#[tokio::test]
async fn a_rule_for_notes_by_template_meets_those_of_every_tenant_and_customer_only() {
    let api = Api::start().await;
    let prefix = "/crm/v2/tenant/{tenant}/customers/{id}/notes";
    let rule = json!({"match": {"method": "POST", "path_prefix": prefix},
                      "fault": {"kind": "status_before", "status": 503}});
    api.control(Method::POST, "/faults", Some(rule)).await;
    let note = json!({"text": "Called at night"});
    for phone in ["6025551234", "6025551235"] {
        let made = api.customer(phone).await;
        let of_customer = format!("/customers/{}/notes", made["id"]);
        assert_eq!(api.post("crm", &of_customer, &note).await.0, 503);
        let of_location = format!("/locations/{}/notes", made["locations"][0]["id"]);
        assert_eq!(api.post("crm", &of_location, &note).await.0, 200);
    }
    assert_eq!(api.books("notes").len(), 2);
}
