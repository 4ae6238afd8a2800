//! Signing in by OAuth: consent, code, tokens, renewal.

use crate::api::Api;
use crate::support::read;
use reqwest::Method;
use serde_json::{Value, json};

const BACK: &str = "https://app.example/back";

async fn token(api: &Api, fields: &[(&str, &str)]) -> (u16, Value) {
    let body: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let request = api
        .server
        .client
        .post(api.server.url("/pipedrive/oauth/token"));
    let request = request
        .basic_auth("sim-app", Some("sim-app-secret"))
        .header("content-type", "application/x-www-form-urlencoded");
    read(
        request
            .body(body.join("&"))
            .send()
            .await
            .expect("an answer"),
    )
    .await
}

async fn code(api: &Api) -> String {
    let query =
        format!("response_type=code&client_id=sim-app&redirect_uri={BACK}&state=s&company=acme");
    let url = api
        .server
        .url(&format!("/pipedrive/oauth/authorize?{query}"));
    let answer = api.server.client.get(url).send().await.expect("an answer");
    assert_eq!(answer.status(), 302);
    let back = answer.headers()["location"].to_str().expect("text");
    let back = reqwest::Url::parse(back).expect("a URL");
    let mut pairs = back.query_pairs();
    let found = pairs.find(|(name, _)| name == "code").expect("a code");
    found.1.into_owned()
}

async fn opened(api: &Api, token: &Value) -> u16 {
    let url = api.server.url("/pipedrive/api/v1/users/me");
    let token = token.as_str().expect("a token");
    let request = api.server.client.get(url).bearer_auth(token);
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn a_company_that_consents_is_opened_and_says_where_its_api_is() {
    let api = Api::start().await;
    let code = code(&api).await;
    let redeem = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", BACK),
    ];
    let (status, issued) = token(&api, &redeem).await;
    assert_eq!(status, 200, "{issued}");
    assert_eq!(issued["expires_in"], 3_600);
    assert_eq!(issued["api_domain"], "https://acme.pipedrive.com");
    assert!(
        issued["scope"]
            .as_str()
            .expect("scopes")
            .contains("leads:full")
    );
    assert_eq!(opened(&api, &issued["access_token"]).await, 200);
    assert_eq!(
        token(&api, &redeem).await,
        (400, json!({"error": "invalid_grant"}))
    );
}

#[tokio::test]
async fn a_renewal_names_the_api_again_and_ends_the_old_refresh_token() {
    let api = Api::start().await;
    let grant = json!({"grant": {"company": "acme"}});
    let given = api
        .server
        .control_of("pipedrive", Method::POST, "/tokens", Some(grant));
    let (status, first) = given.await;
    assert_eq!(status, 201);
    let refresh = first["refresh_token"].as_str().expect("a token");
    let renew = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let (status, second) = token(&api, &renew).await;
    assert_eq!(
        (status, &second["api_domain"]),
        (200, &json!("https://acme.pipedrive.com"))
    );
    assert_eq!(opened(&api, &second["access_token"]).await, 200);
    assert_eq!(token(&api, &renew).await.0, 400);
    assert_eq!(opened(&api, &second["access_token"]).await, 200);
}

#[tokio::test]
async fn a_wrong_secret_and_json_get_no_token() {
    let api = Api::start().await;
    let url = api.server.url("/pipedrive/oauth/token");
    let wrong = api
        .server
        .client
        .post(&url)
        .basic_auth("sim-app", Some("x"));
    let wrong = wrong.header("content-type", "application/x-www-form-urlencoded");
    let wrong = wrong
        .body("grant_type=refresh_token&refresh_token=x")
        .send();
    assert_eq!(wrong.await.expect("an answer").status(), 401);
    let json = api
        .server
        .client
        .post(&url)
        .header("content-type", "application/json");
    let json = json
        .body(r#"{"grant_type": "refresh_token", "refresh_token": "x"}"#)
        .send();
    assert_eq!(json.await.expect("an answer").status(), 400);
}
