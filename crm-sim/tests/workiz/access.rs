//! The token in the path, the secret in the body, and how often one may ask.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::Server;
use crate::{lead, lead_with};

#[tokio::test]
async fn an_unknown_token_and_an_unknown_path_are_told_the_same() {
    let server = Server::start().await;
    let forbidden = json!({"success": false, "error": "Forbidden",
                           "message": "Invalid API path or malformed API key."});
    for (token, path) in [
        ("acme", "/team/all/"),
        ("", "/team/all/"),
        ("sim-acme", "/team/all"),
        ("sim-acme", "/clients/all/"),
        ("sim-acme", "/"),
    ] {
        let answer = server.workiz(token, Method::GET, path, None).await;
        assert_eq!(answer, (403, forbidden.clone()), "{token} {path}");
    }
    let (status, team) = server.asks("/team/all/").await;
    assert_eq!(
        (status, &team["data"][0]["name"]),
        (200, &json!("Olivia of acme"))
    );
}

#[tokio::test]
async fn a_write_needs_the_companys_own_secret_whatever_else_is_in_it() {
    let server = Server::start().await;
    for secret in [Value::Null, json!("sec_other"), json!("sim-acme"), json!(7)] {
        for (path, body) in [
            ("/lead/create/", lead_with("auth_secret", secret.clone())),
            (
                "/lead/update/",
                json!({"auth_secret": secret, "UUID": "NOSUCH"}),
            ),
        ] {
            let (status, refused) = server.writes(path, &body).await;
            assert_eq!(
                (status, &refused["code"]),
                (401, &json!(401)),
                "{path} {secret}"
            );
        }
    }
    assert!(server.books("leads").await.is_empty());
    let unknown = json!({"auth_secret": "sec_acme", "UUID": "NOSUCH"});
    assert_eq!(server.writes("/lead/update/", &unknown).await.0, 404);
}

#[tokio::test]
async fn companies_never_see_each_others_leads() {
    let server = Server::start().await;
    let id = server.files(&lead()).await;
    let theirs = server
        .workiz("sim-other", Method::GET, "/lead/all/", None)
        .await;
    assert_eq!(theirs.1["data"], json!([]));
    let path = format!("/lead/get/{id}/");
    assert_eq!(
        server.workiz("sim-other", Method::GET, &path, None).await.0,
        404
    );
    assert_eq!(server.asks(&path).await.1["data"][0]["UUID"], json!(id));
}

#[tokio::test]
async fn who_asks_too_often_is_told_so_without_a_header_and_nothing_is_done() {
    let server = Server::start().await;
    let limits = json!({"company": "acme", "requests": 2});
    let set = server
        .control_of("workiz", Method::POST, "/limits", Some(limits))
        .await;
    assert_eq!(set.0, 204);
    for expected in [200, 200, 429, 429] {
        assert_eq!(server.asks("/team/all/").await.0, expected);
    }
    assert_eq!(server.writes("/lead/create/", &lead()).await.0, 429);
    assert!(server.books("leads").await.is_empty());
    let other = server
        .workiz("sim-other", Method::GET, "/team/all/", None)
        .await;
    assert_eq!(other.0, 200, "others are not held up");
}

#[tokio::test]
async fn the_log_has_no_token() {
    let server = Server::start().await;
    server.files(&lead()).await;
    let (_, log) = server
        .control_of("workiz", Method::GET, "/requests", None)
        .await;
    assert_eq!(log["requests"][0]["path"], "/{token}/lead/create/");
    assert!(!log.to_string().contains("sim-acme"), "{log}");
}
