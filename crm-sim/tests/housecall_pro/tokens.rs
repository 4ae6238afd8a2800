//! Signing in by OAuth: consent, code, tokens, renewal.

use crate::support::{Server, read};
use reqwest::Method;
use serde_json::{Value, json};

const BACK: &str = "https://app.example/back?tenant=1";

async fn authorize(server: &Server, query: &[(&str, &str)]) -> (u16, String) {
    let mut url =
        reqwest::Url::parse(&server.url("/housecall_pro/oauth/authorize")).expect("a URL");
    url.query_pairs_mut().extend_pairs(query);
    let answer = server.client.get(url).send().await.expect("an answer");
    let status = answer.status().as_u16();
    match answer.headers().get("location") {
        Some(location) => (status, location.to_str().expect("text").to_owned()),
        None => (status, answer.text().await.expect("a body")),
    }
}

async fn token(server: &Server, body: Value) -> (u16, Value) {
    let request = server.client.post(server.url("/housecall_pro/oauth/token"));
    let request = request.header("content-type", "application/json");
    read(
        request
            .body(body.to_string())
            .send()
            .await
            .expect("an answer"),
    )
    .await
}

fn with_app(rest: &Value) -> Value {
    let mut body = json!({"client_id": "sim-app", "client_secret": "sim-app-secret"});
    for (name, value) in rest.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

async fn company(server: &Server, token: &Value) -> (u16, Value) {
    let token = token.as_str().expect("a token");
    let request = server.client.get(server.url("/housecall_pro/company"));
    let request = request.header("authorization", format!("Bearer {token}"));
    let (status, company) = read(request.send().await.expect("an answer")).await;
    (status, company["id"].clone())
}

fn ask<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut query = vec![
        ("response_type", "code"),
        ("client_id", "sim-app"),
        ("redirect_uri", BACK),
        ("state", "s 1"),
    ];
    query.extend(more);
    query
}

async fn signed_in(server: &Server) -> Value {
    let (status, back) = authorize(server, &ask(&[("company", "acme")])).await;
    assert_eq!(status, 302);
    let back = reqwest::Url::parse(&back).expect("a URL");
    let pairs: Vec<_> = back.query_pairs().into_owned().collect();
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["tenant", "code", "state"]);
    assert_eq!(pairs[2].1, "s 1");
    let body = json!({"grant_type": "authorization_code", "code": pairs[1].1,
                      "redirect_uri": BACK});
    let (status, issued) = token(server, with_app(&body)).await;
    assert_eq!(status, 200, "{issued}");
    issued
}

#[tokio::test]
async fn a_company_that_consents_is_opened_by_the_apps_tokens() {
    let server = Server::start().await;
    let issued = signed_in(&server).await;
    assert_eq!(issued["expires_in"], 2_592_000);
    let opened = company(&server, &issued["access_token"]).await;
    assert_eq!(opened, (200, json!("acme")));
}

#[tokio::test]
async fn a_renewal_ends_the_old_refresh_token_and_nothing_else() {
    let server = Server::start().await;
    let first = signed_in(&server).await;
    let renew = |issued: &Value| {
        with_app(&json!({"grant_type": "refresh_token", "refresh_token": issued["refresh_token"]}))
    };
    let (status, second) = token(&server, renew(&first)).await;
    assert_eq!(status, 200, "{second}");
    let again = token(&server, renew(&first)).await;
    assert_eq!(again, (400, json!({"error": "invalid_grant"})));
    assert_eq!(company(&server, &second["access_token"]).await.0, 200);
    assert_eq!(token(&server, renew(&second)).await.0, 200);
}

#[tokio::test]
async fn the_page_asks_which_company_and_takes_a_no() {
    let server = Server::start().await;
    let (status, page) = authorize(&server, &ask(&[])).await;
    assert_eq!(status, 200);
    assert!(page.contains("name=\"company\"") && page.contains("value=\"s 1\""));
    let (status, back) = authorize(&server, &ask(&[("deny", "1"), ("company", "acme")])).await;
    assert_eq!(status, 302);
    assert!(back.contains("error=access_denied") && back.contains("state=s+1"));
}

#[tokio::test]
async fn a_strangers_app_or_address_is_never_sent_to() {
    let server = Server::start().await;
    for query in [
        vec![
            ("response_type", "code"),
            ("client_id", "other"),
            ("redirect_uri", BACK),
        ],
        vec![
            ("response_type", "code"),
            ("client_id", "sim-app"),
            ("redirect_uri", "back"),
        ],
        vec![("response_type", "code"), ("client_id", "sim-app")],
    ] {
        assert_eq!(authorize(&server, &query).await.0, 400, "{query:?}");
    }
    let markup = [("state", "\"><script>")];
    let (_, page) = authorize(&server, &ask(&markup)).await;
    assert!(!page.contains("<script>"));
}

#[tokio::test]
async fn a_company_can_consent_and_leave_from_the_control_side() {
    let server = Server::start().await;
    let consent = json!({"code": {"company": "acme"}});
    let (status, given) = server.control(Method::POST, "/tokens", Some(consent)).await;
    assert_eq!(status, 201);
    let body = json!({"grant_type": "authorization_code", "code": given["code"]});
    let (_, issued) = token(&server, with_app(&body)).await;
    assert_eq!(company(&server, &issued["access_token"]).await.0, 200);
    let leave = json!({"revoke": {"company": "acme"}});
    server.control(Method::POST, "/tokens", Some(leave)).await;
    assert_eq!(company(&server, &issued["access_token"]).await.0, 401);
}
