//! Signing in by OAuth: consent, code, tokens, renewal.

use crate::asking::{request, sent};
use crate::support::{Server, read};
use reqwest::Method;
use serde_json::{Value, json};

const BACK: &str = "https://app.example/back";

async fn token(server: &Server, fields: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![
        ("client_id", "sim-app"),
        ("client_secret", "sim-app-secret"),
    ];
    form.extend(fields);
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let request = request(server, Method::POST, "/oauth/token");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    read(sent(request.body(body)).await).await
}

async fn signed_in(server: &Server) -> Value {
    let query = format!(
        "/v2/oauth/chooselocation?response_type=code&client_id=sim-app&redirect_uri={BACK}&state=s&company=acme"
    );
    let answer = sent(request(server, Method::GET, &query)).await;
    assert_eq!(answer.status(), 302);
    let back = answer.headers()["location"].to_str().expect("text");
    let back = reqwest::Url::parse(back).expect("a URL");
    let code = back.query_pairs().find(|(name, _)| name == "code");
    let code = code.expect("a code").1.into_owned();
    let (status, issued) = token(
        server,
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", BACK),
            ("user_type", "Location"),
        ],
    )
    .await;
    assert_eq!(status, 200, "{issued}");
    issued
}

async fn renewed(server: &Server, token_: &Value) -> (u16, Value) {
    let refresh = token_.as_str().expect("a token");
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("user_type", "Location"),
    ];
    token(server, &fields).await
}

async fn opens(server: &Server, token: &Value) -> u16 {
    let token = token.as_str().expect("a token");
    let asked = request(server, Method::GET, "/locations/loc-acme")
        .header("authorization", format!("Bearer {token}"))
        .header("version", "2021-07-28");
    sent(asked).await.status().as_u16()
}

#[tokio::test]
async fn a_location_that_lets_the_app_in_is_told_with_its_tokens() {
    let server = Server::start().await;
    let issued = signed_in(&server).await;
    assert_eq!(issued["expires_in"], 86_399);
    assert_eq!(
        (&issued["userType"], &issued["locationId"]),
        (&json!("Location"), &json!("loc-acme"))
    );
    assert_eq!(opens(&server, &issued["access_token"]).await, 200);
}

#[tokio::test]
async fn a_refresh_token_gives_the_same_pair_for_a_while_and_then_nothing() {
    let server = Server::start().await;
    let first = signed_in(&server).await;
    let (status, second) = renewed(&server, &first["refresh_token"]).await;
    assert_eq!(status, 200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let (status, again) = renewed(&server, &first["refresh_token"]).await;
    assert_eq!(
        (status, &again["access_token"]),
        (200, &second["access_token"])
    );
    let over = json!({"refresh": {"grace": {"ms": 0}}});
    server
        .control_of("gohighlevel", Method::POST, "/tokens", Some(over))
        .await;
    let (status, refused) = renewed(&server, &first["refresh_token"]).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(opens(&server, &second["access_token"]).await, 200);
}

#[tokio::test]
async fn a_token_is_for_a_location_and_asked_for_by_form() {
    let server = Server::start().await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    assert_eq!(token(&server, &fields).await.0, 400);
    let agency = [fields[0], fields[1], ("user_type", "Company")];
    assert_eq!(token(&server, &agency).await.0, 400);
}
