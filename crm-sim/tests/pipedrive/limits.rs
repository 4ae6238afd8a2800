//! Tokens of a day, calls of a window, and what headers say of both.

use crate::api::Api;
use crate::support::read;
use serde_json::{Value, json};

async fn asked(api: &Api, path: &str) -> (u16, Option<u64>, Option<u64>, Value) {
    let url = api.server.url(&format!("/pipedrive{path}"));
    let request = api.server.client.get(url).header("x-api-token", "sim-acme");
    let answer = request.send().await.expect("an answer");
    let header = |name: &str| answer.headers().get(name)?.to_str().ok()?.parse().ok();
    let left = header("x-daily-ratelimit-token-remaining");
    let window = header("x-ratelimit-remaining");
    assert!(header("x-ratelimit-reset").is_some_and(|reset: u64| (1..=3).contains(&reset)));
    let (status, body) = read(answer).await;
    (status, left, window, body)
}

#[tokio::test]
async fn each_call_costs_its_tokens_until_the_day_has_none() {
    let api = Api::start().await;
    api.control("/limits", json!({"company": "acme", "available": 45}))
        .await;
    let search = "/api/v2/persons/search?term=ann";
    for (path, left) in [("/api/v1/users/me", 43), (search, 23), (search, 3)] {
        let (status, told, ..) = asked(&api, path).await;
        assert_eq!((status, told), (200, Some(left)), "{path}");
    }
    let (status, left, _, body) = asked(&api, search).await;
    assert_eq!(
        (status, left, &body["success"]),
        (429, Some(0), &json!(false))
    );
    let person = json!({"name": "Ann"});
    assert_eq!(api.post("/api/v2/persons", &person).await.0, 429);
    assert!(api.books("persons").is_empty());
    api.control("/limits", json!({"company": "acme", "available": 5}))
        .await;
    assert_eq!(api.post("/api/v2/persons", &person).await.0, 200);
}

#[tokio::test]
async fn a_window_takes_so_many_calls_and_fewer_searches() {
    let api = Api::start().await;
    api.control("/limits", json!({"company": "acme", "requests": 1}))
        .await;
    let mut refused = 0;
    // Windows follow each other while this is asked; more than one in a row fits none of them.
    for _ in 0..8 {
        let (status, _, window, _) = asked(&api, "/api/v1/users/me").await;
        assert_eq!(window, Some(0));
        refused += u32::from(status == 429);
    }
    assert!(refused > 0);
    let other = api.call("sim-other", reqwest::Method::GET, "/api/v1/users/me", None);
    assert_eq!(other.await.0, 200, "each company has its own");
}
