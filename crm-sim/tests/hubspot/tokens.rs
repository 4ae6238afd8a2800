//! Signing in, and tokens: their life and their end.

use crate::api::Api;
use crate::support::read;
use reqwest::Method;
use serde_json::{Value, json};

const CALLBACK: &str = "https://leads.example.com/oauth/hubspot/callback";

async fn ask(api: &Api, media: &'static str, body: String) -> (u16, Value) {
    let request = api.bare(Method::POST, "/oauth/2026-03/token");
    let request = request.header("content-type", media).body(body);
    read(request.send().await.expect("an answer")).await
}

async fn form(api: &Api, fields: &str) -> (u16, Value) {
    let client = "client_id=sim-app&client_secret=sim-app-secret";
    let body = format!("{client}&{fields}");
    ask(api, "application/x-www-form-urlencoded", body).await
}

/// The code that the page of consent sends back for acme.
async fn code(api: &Api) -> String {
    let path = format!(
        "/oauth/authorize?client_id=sim-app&response_type=code&redirect_uri={CALLBACK}&state=s1&company=acme"
    );
    let answer = api
        .bare(Method::GET, &path)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 302);
    let back = answer.headers()["location"].to_str().expect("an address");
    let back = back.strip_prefix(CALLBACK).expect("the callback");
    assert!(back.ends_with("&state=s1"), "{back}");
    let code = back.trim_start_matches("?code=");
    code.split('&').next().expect("a code").to_owned()
}

async fn first_tokens(api: &Api) -> Value {
    let code = code(api).await;
    let fields = format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}");
    let (status, body) = form(api, &fields).await;
    assert_eq!(status, 200, "{body}");
    body
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body[field].as_str().expect("a text")
}

#[tokio::test]
async fn a_consent_gives_tokens_for_half_an_hour_and_says_whose_they_are() {
    let mut api = Api::start().await;
    let body = first_tokens(&api).await;
    assert_eq!(
        (&body["expires_in"], &body["hub_id"]),
        (&json!(1_800), &json!(24_000_001))
    );
    api.token = text(&body, "access_token").to_owned();
    let (status, account) = api.get("/account-info/2026-03/details").await;
    assert_eq!((status, &account["portalId"]), (200, &body["hub_id"]));
}

#[tokio::test]
async fn a_refresh_token_lasts_and_access_ends() {
    let mut api = Api::start().await;
    let body = first_tokens(&api).await;
    api.token = text(&body, "access_token").to_owned();
    assert_eq!(api.control("/tokens", json!({"expire": {}})).await, 204);
    assert_eq!(api.get("/account-info/2026-03/details").await.0, 401);
    let fields = format!(
        "grant_type=refresh_token&refresh_token={}",
        text(&body, "refresh_token")
    );
    for _ in 0..2 {
        let (status, renewed) = form(&api, &fields).await;
        assert_eq!(status, 200);
        assert_eq!(renewed["refresh_token"], body["refresh_token"]);
        api.token = text(&renewed, "access_token").to_owned();
        assert_eq!(api.get("/account-info/2026-03/details").await.0, 200);
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_both_vocabularies() {
    let api = Api::start().await;
    let (status, body) = form(&api, "grant_type=refresh_token&refresh_token=nobodys").await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    assert_eq!(body["status"], "BAD_REFRESH_TOKEN");
    let (status, body) = form(&api, "grant_type=client_credentials").await;
    assert_eq!(
        (status, &body["error"]),
        (400, &json!("unsupported_grant_type"))
    );
    let json = json!({"grant_type": "refresh_token"}).to_string();
    let (status, _) = ask(&api, "application/json", json).await;
    assert_eq!(status, 400, "forms only");
}
