//! Signing in by OAuth: consent, code, and refresh tokens that work once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::asking::{call, control};
use crate::support::{Server, read};

const BACK: &str = "https://app.example/back";

/// Sends the app's fields and those given to the token endpoint.
async fn token(server: &Server, mut body: Value) -> (u16, Value) {
    body["client_id"] = json!("sim-app");
    body["client_secret"] = json!("sim-app-secret");
    let request = server.client.post(server.url("/jobber/api/oauth/token"));
    let request = request.header("content-type", "application/json");
    let request = request.body(body.to_string());
    read(request.send().await.expect("an answer")).await
}

async fn renew(server: &Server, issued: &Value) -> (u16, Value) {
    let token_of = &issued["refresh_token"];
    let body = json!({"grant_type": "refresh_token", "refresh_token": token_of});
    token(server, body).await
}

/// The first tokens of the company `acme`, as if it had consented on the page.
async fn granted(server: &Server) -> Value {
    let grant = json!({"grant": {"company": "acme"}});
    let (status, issued) = control(server, Method::POST, "/tokens", grant).await;
    assert_eq!(status, 201, "{issued}");
    issued
}

/// Asks for the account's name with an access token.
async fn account(server: &Server, issued: &Value) -> (u16, Value) {
    let token = issued["access_token"].as_str().expect("a token");
    let request = call(server, "{ account { name } }", &json!({}));
    let answer = request.bearer_auth(token).send().await;
    let (status, body) = read(answer.expect("an answer")).await;
    (status, body["data"]["account"]["name"].clone())
}

#[tokio::test]
async fn an_account_that_consents_is_opened_by_the_apps_tokens() {
    let server = Server::start().await;
    let mut url = reqwest::Url::parse(&server.url("/jobber/api/oauth/authorize")).expect("a URL");
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", "sim-app"),
        ("redirect_uri", BACK),
        ("state", "s"),
        ("company", "acme"),
    ]);
    let answer = server.client.get(url).send().await.expect("an answer");
    assert_eq!(answer.status(), 302);
    let back = answer.headers()["location"].to_str().expect("text");
    let back = reqwest::Url::parse(back).expect("a URL");
    let pairs: Vec<_> = back.query_pairs().into_owned().collect();
    assert_eq!((pairs[0].0.as_str(), pairs[1].1.as_str()), ("code", "s"));
    let redeem = json!({"grant_type": "authorization_code", "code": pairs[0].1,
                        "redirect_uri": BACK});
    let (status, issued) = token(&server, redeem.clone()).await;
    assert_eq!((status, &issued["expires_in"]), (200, &json!(3600)));
    let opened = account(&server, &issued).await;
    assert_eq!(opened, (200, json!("Simulated company acme")));
    let again = token(&server, redeem).await;
    assert_eq!(again, (400, json!({"error": "invalid_grant"})));
}

#[tokio::test]
async fn an_expired_token_is_renewed_and_the_pair_is_new() {
    let server = Server::start().await;
    let first = granted(&server).await;
    let expire = json!({"expire": {"company": "acme"}});
    control(&server, Method::POST, "/tokens", expire).await;
    assert_eq!(account(&server, &first).await.0, 401);
    let (status, second) = renew(&server, &first).await;
    assert_eq!(status, 200, "{second}");
    assert_eq!(account(&server, &second).await.0, 200);
    for name in ["access_token", "refresh_token"] {
        assert_ne!(first[name], second[name], "{name}");
    }
    let (status, third) = renew(&server, &second).await;
    assert_eq!((status, account(&server, &third).await.0), (200, 200));
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_every_token_of_its_consent() {
    let server = Server::start().await;
    let (first, other) = (granted(&server).await, granted(&server).await);
    let (_, second) = renew(&server, &first).await;
    assert_eq!(account(&server, &second).await.0, 200);
    let refused = (400, json!({"error": "invalid_grant"}));
    assert_eq!(renew(&server, &first).await, refused);
    assert_eq!(account(&server, &second).await.0, 401);
    assert_eq!(renew(&server, &second).await, refused);
    assert_eq!(account(&server, &other).await.0, 200);
    let (_, counts) = control(&server, Method::GET, "/tokens", json!({})).await;
    assert_eq!(
        (&counts["refreshed"], &counts["refused"]),
        (&json!(1), &json!(2))
    );
}

#[tokio::test]
async fn a_renewal_whose_answer_is_lost_has_spent_the_token() {
    let server = Server::start().await;
    let first = granted(&server).await;
    let rule = json!({"match": {"path_prefix": "/api/oauth/token", "company": "acme", "times": 1},
                      "fault": {"kind": "status_after", "status": 502}});
    control(&server, Method::POST, "/faults", rule).await;
    assert_eq!(renew(&server, &first).await.0, 502);
    assert_eq!(renew(&server, &first).await.0, 400);
    assert_eq!(account(&server, &first).await.0, 401);
}

#[tokio::test]
async fn the_token_endpoint_refuses_in_its_own_words_and_issues_nothing() {
    let server = Server::start().await;
    let first = granted(&server).await;
    let rule = json!({"match": {"path_prefix": "/api/oauth/token", "times": 1},
                      "fault": {"kind": "reject"}});
    control(&server, Method::POST, "/faults", rule).await;
    let rejected = (400, json!({"error": "invalid_request"}));
    assert_eq!(renew(&server, &first).await, rejected);
    let (status, _) = renew(&server, &first).await;
    assert_eq!(status, 200, "the refresh token was not spent");
    let own = json!({"grant_type": "client_credentials"});
    let unsupported = (400, json!({"error": "unsupported_grant_type"}));
    assert_eq!(token(&server, own).await, unsupported);
}
