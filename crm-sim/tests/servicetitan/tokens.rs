//! The token endpoint: client credentials, their life, their end.

use crate::api::{APP_KEY, Api};
use crate::support::read;
use reqwest::Method;
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";

async fn ask(api: &Api, media: &'static str, body: String) -> (u16, Value) {
    let request = api.bare(Method::POST, "/connect/token");
    let request = request.header("content-type", media).body(body);
    read(request.send().await.expect("an answer")).await
}

fn acme(secret: &str) -> String {
    format!("grant_type=client_credentials&client_id=sim-acme&client_secret={secret}")
}

async fn token(api: &Api) -> String {
    let (status, body) = ask(api, FORM, acme("sim-acme-secret")).await;
    assert_eq!(status, 200, "{body}");
    body["access_token"].as_str().expect("a token").to_owned()
}

async fn look(api: &Api, token: &str) -> u16 {
    let request = api.bare(Method::GET, "/settings/v2/tenant/4001/business-units");
    let request = request.header("st-app-key", APP_KEY);
    let request = request.header("authorization", format!("Bearer {token}"));
    request.send().await.expect("an answer").status().as_u16()
}

async fn turn(api: &Api, change: Value) {
    let (status, _) = api.control(Method::POST, "/tokens", Some(change)).await;
    assert_eq!(status, 204);
}

#[tokio::test]
async fn a_client_gets_a_token_for_a_quarter_of_an_hour() {
    let api = Api::start().await;
    let (status, body) = ask(&api, FORM, acme("sim-acme-secret")).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&body["expires_in"], &body["token_type"]),
        (&json!(900), &json!("Bearer"))
    );
    assert_eq!(body.get("refresh_token"), None);
    assert_eq!(
        look(&api, body["access_token"].as_str().expect("a token")).await,
        200
    );
}

#[tokio::test]
async fn wrong_secrets_grants_and_bodies_get_no_token() {
    let api = Api::start().await;
    for (media, body, error) in [
        (FORM, acme("wrong"), "invalid_client"),
        (FORM, acme(""), "invalid_client"),
        (FORM, acme("sim-other-secret"), "invalid_client"),
        (
            FORM,
            acme("sim-acme-secret").replace("sim-acme&", "acme&"),
            "invalid_client",
        ),
        (FORM, "client_id=sim-acme".to_owned(), "invalid_request"),
        (
            FORM,
            "grant_type=refresh_token".to_owned(),
            "invalid_request",
        ),
        (
            FORM,
            acme("sim-acme-secret").replace("client_credentials", "password"),
            "unsupported_grant_type",
        ),
        (
            "application/json",
            json!({"grant_type": "client_credentials", "client_id": "sim-acme",
                   "client_secret": "sim-acme-secret"})
            .to_string(),
            "invalid_request",
        ),
    ] {
        assert_eq!(ask(&api, media, body).await, (400, json!({"error": error})));
    }
    let (_, counts) = api.control(Method::GET, "/tokens", None).await;
    assert_eq!(
        (&counts["issued"], &counts["refused"]),
        (&json!(0), &json!(8))
    );
}

#[tokio::test]
async fn a_token_ends_by_its_age_and_a_new_one_works() {
    let api = Api::start().await;
    let old = token(&api).await;
    turn(&api, json!({"expire": {"company": "acme"}})).await;
    assert_eq!(look(&api, &old).await, 401);
    assert_eq!(look(&api, &token(&api).await).await, 200);
    turn(&api, json!({"life_ms": 0})).await;
    assert_eq!(look(&api, &token(&api).await).await, 401);
}

#[tokio::test]
async fn a_revoked_client_loses_its_tokens_and_gets_no_more() {
    let api = Api::start().await;
    let issued = token(&api).await;
    turn(&api, json!({"revoke": {"key": "sim-acme"}})).await;
    assert_eq!(look(&api, &issued).await, 401);
    let refused = ask(&api, FORM, acme("sim-acme-secret")).await;
    assert_eq!(refused, (400, json!({"error": "invalid_client"})));
}

#[tokio::test]
async fn two_secrets_can_be_valid_at_once() {
    let api = Api::start().await;
    let secrets = json!({"secrets": {"client": "sim-acme", "secrets": ["old", "new"]}});
    turn(&api, secrets).await;
    for (secret, status) in [("old", 200), ("new", 200), ("sim-acme-secret", 400)] {
        assert_eq!(ask(&api, FORM, acme(secret)).await.0, status, "{secret}");
    }
}

#[tokio::test]
async fn token_requests_are_counted_and_meet_faults_as_their_companys() {
    let api = Api::start().await;
    let rule = json!({"match": {"company": "acme", "path_prefix": "/connect", "times": 1},
                      "fault": {"kind": "throttle"}});
    api.control(Method::POST, "/faults", Some(rule)).await;
    assert_eq!(ask(&api, FORM, acme("sim-acme-secret")).await.0, 429);
    token(&api).await;
    let (_, counts) = api.control(Method::GET, "/tokens", None).await;
    assert_eq!(counts["companies"]["acme"]["issued"], 1);
    let requests = &api.server.sim.records("servicetitan")["requests"];
    assert_eq!(requests["POST /connect/token"], json!({"200": 1, "429": 1}));
}

#[tokio::test]
async fn a_token_can_be_had_from_the_control_side() {
    let api = Api::start().await;
    let grant = json!({"grant": {"company": "acme"}});
    let (status, issued) = api.control(Method::POST, "/tokens", Some(grant)).await;
    assert_eq!((status, issued.get("refresh_token")), (201, None));
    let token = issued["access_token"].as_str().expect("a token");
    assert_eq!(look(&api, token).await, 200);
    turn(&api, json!({"revoke": {"company": "acme"}})).await;
    assert_eq!(look(&api, token).await, 401);
    assert_eq!(
        look(&api, "sim-acme").await,
        200,
        "a key given by hand stays"
    );
    for nonsense in [
        json!({"revoke": {}}),
        json!({"life": 5}),
        json!({"expire": {"key": "k"}}),
    ] {
        let (status, _) = api.control(Method::POST, "/tokens", Some(nonsense)).await;
        assert_eq!(status, 422);
    }
}
