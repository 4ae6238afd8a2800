//! Budgets, and how an answer tells of them.

use crate::api::Api;
use crate::support::read;
use reqwest::Method;
use serde_json::json;

const DETAILS: &str = "/account-info/2026-03/details";
const SEARCH: &str = "/crm/objects/2026-03/contacts/search";

async fn set(api: &Api, limits: serde_json::Value) {
    let mut body = limits;
    body["company"] = json!("acme");
    assert_eq!(api.control("/limits", body).await, 204);
}

#[tokio::test]
async fn each_budget_that_is_used_up_has_a_name() {
    let api = Api::start().await;
    set(&api, json!({"requests": 2})).await;
    assert_eq!(api.get(DETAILS).await.0, 200);
    assert_eq!(api.get(DETAILS).await.0, 200);
    let (status, body) = api.get(DETAILS).await;
    assert_eq!(
        (status, &body["policyName"]),
        (429, &json!("TEN_SECONDLY_ROLLING"))
    );
    set(&api, json!({"requests": 100, "restore_rate": 1})).await;
    assert_eq!(api.post(SEARCH, &json!({})).await.0, 200);
    let (status, body) = api.post(SEARCH, &json!({})).await;
    assert_eq!((status, &body["policyName"]), (429, &json!("SECONDLY")));
    assert_eq!(
        api.get(DETAILS).await.0,
        200,
        "only searches are counted by the second"
    );
    set(&api, json!({"available": 0})).await;
    let (status, body) = api.get(DETAILS).await;
    assert_eq!((status, &body["policyName"]), (429, &json!("DAILY")));
    assert_eq!(body["errorType"], "RATE_LIMIT");
}

#[tokio::test]
async fn headers_tell_what_is_left_but_for_searches_and_the_day_of_an_app() {
    let mut api = Api::start().await;
    set(
        &api,
        json!({"requests": 100, "available": 1000, "maximum": 2000}),
    )
    .await;
    let answer = api
        .request(Method::GET, DETAILS)
        .send()
        .await
        .expect("an answer");
    let told = |name: &str| {
        let value = answer.headers().get(name)?.to_str().ok()?;
        value.parse::<u64>().ok()
    };
    assert_eq!(told("x-hubspot-ratelimit-max"), Some(100));
    assert_eq!(told("x-hubspot-ratelimit-remaining"), Some(99));
    assert_eq!(
        told("x-hubspot-ratelimit-interval-milliseconds"),
        Some(10_000)
    );
    assert_eq!(told("x-hubspot-ratelimit-daily-remaining"), Some(999));
    let search = api
        .posting(SEARCH, &json!({}))
        .send()
        .await
        .expect("an answer");
    assert!(
        search
            .headers()
            .get("x-hubspot-ratelimit-remaining")
            .is_none()
    );

    let grant = json!({"grant": {"company": "acme"}});
    let url = api.server.url("/_sim/hubspot/tokens");
    let request = api
        .server
        .client
        .post(url)
        .header("content-type", "application/json");
    let sent = request.body(grant.to_string()).send().await;
    let (status, issued) = read(sent.expect("an answer")).await;
    assert_eq!(status, 201);
    api.token = issued["access_token"].as_str().expect("a token").to_owned();
    let answer = api
        .request(Method::GET, DETAILS)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(
        answer
            .headers()
            .get("x-hubspot-ratelimit-remaining")
            .is_some()
    );
    assert!(
        answer
            .headers()
            .get("x-hubspot-ratelimit-daily-remaining")
            .is_none()
    );
}
