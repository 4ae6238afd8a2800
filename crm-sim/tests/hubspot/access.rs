//! Who gets in, and what a stranger is told.

use crate::api::Api;
use crate::support::read;
use reqwest::Method;
use serde_json::json;

const DETAILS: &str = "/account-info/2026-03/details";

#[tokio::test]
async fn a_call_without_a_token_and_one_with_a_wrong_one_are_told_apart() {
    let api = Api::start().await;
    for (header, category) in [
        (None, "INVALID_AUTHENTICATION"),
        (Some("Bearer nobody"), "EXPIRED_AUTHENTICATION"),
        (Some("sim-acme"), "INVALID_AUTHENTICATION"),
    ] {
        let mut request = api.bare(Method::GET, DETAILS);
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let (status, body) = read(request.send().await.expect("an answer")).await;
        assert_eq!(
            (status, &body["category"]),
            (401, &json!(category)),
            "{header:?}"
        );
        assert!(body["correlationId"].is_string());
    }
}

#[tokio::test]
async fn every_company_has_a_number_and_books_of_its_own() {
    let mut api = Api::start().await;
    let mut numbers = Vec::new();
    for token in ["sim-acme", "sim-bolt", "sim-acme"] {
        api.token = token.to_owned();
        let (status, body) = api.get(DETAILS).await;
        assert_eq!(status, 200);
        numbers.push(body["portalId"].as_u64().expect("a number"));
    }
    assert_eq!(numbers, [24_000_001, 24_000_002, 24_000_001]);
    let contact = api.contact(json!({"email": "a@example.com"})).await;
    api.token = "sim-bolt".to_owned();
    let (status, _) = api
        .get(&format!("/crm/objects/2026-03/contacts/{contact}"))
        .await;
    assert_eq!(status, 404);
    api.contact(json!({"email": "a@example.com"})).await;
}

#[tokio::test]
async fn other_versions_and_paths_are_not_there() {
    let api = Api::start().await;
    for path in [
        "/crm/v3/objects/contacts/1",
        "/crm/objects/2026-03/tickets/1",
        "/crm/objects/2026-03/contacts",
    ] {
        assert_eq!(api.get(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn an_account_without_leads_lacks_their_scopes() {
    let api = Api::start().await;
    let event = json!({"company": "acme", "event": {"plan_without_leads": {}}});
    assert_eq!(api.control("/office", event).await, 204);
    let (status, body) = api.get("/crm/pipelines/2026-03/leads").await;
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    let scopes = &body["errors"][0]["context"]["requiredGranularScopes"];
    assert_eq!(scopes[0], "crm.objects.leads.read");
    assert_eq!(api.get("/crm/pipelines/2026-03/deals").await.0, 200);
}
