//! Tokens, versions, companies and what is not there.

use serde_json::{Value, json};

use crate::asking::{
    CLIENT_CREATE, REQUEST_CREATE, VERSION, ask_as, call, caller, complaints, control, data,
    request,
};
use crate::support::{ACME, Server, read};

const ACCOUNT: &str = "query { account { id name } }";

#[tokio::test]
async fn only_a_valid_token_as_bearer_opens_an_account() {
    let server = Server::start().await;
    let ask = async |header: Option<&str>| {
        let request = call(&server, ACCOUNT, &json!({}));
        let request = match header {
            Some(value) => request.header("authorization", value),
            None => request,
        };
        read(request.send().await.expect("an answer")).await
    };
    for valid in ["Bearer sim-acme", "bearer sim-acme"] {
        let (status, body) = ask(Some(valid)).await;
        assert_eq!(status, 200, "{valid}");
        assert_eq!(body["data"]["account"]["name"], "Simulated company acme");
        assert!(body["data"]["account"]["id"].is_string());
    }
    for unknown in ["Bearer acme", "Bearer sim-"] {
        let refusal = (401, json!({"message": "Token not recognized"}));
        assert_eq!(ask(Some(unknown)).await, refusal, "{unknown}");
    }
    for missing in [
        None,
        Some("sim-acme"),
        Some("Token sim-acme"),
        Some("Bearer "),
    ] {
        let (status, body) = ask(missing).await;
        assert_eq!((status, &body["error"]), (401, &json!("invalid_request")));
    }
}

#[tokio::test]
async fn a_token_can_be_revoked_and_another_allowed() {
    let server = Server::start().await;
    let revoke = json!({"revoke": {"key": ACME}});
    control(&server, reqwest::Method::POST, "/tokens", revoke).await;
    let request = call(&server, ACCOUNT, &json!({})).bearer_auth(ACME);
    assert_eq!(request.send().await.expect("an answer").status(), 401);
    let allow = json!({"allow": {"key": "t2", "company": "acme"}});
    control(&server, reqwest::Method::POST, "/tokens", allow).await;
    let body = ask_as(&server, "t2", ACCOUNT, json!({})).await;
    assert_eq!(body["data"]["account"]["name"], "Simulated company acme");
}

#[tokio::test]
async fn a_version_is_needed_and_an_old_one_is_warned_about() {
    let server = Server::start().await;
    let ask = async |version: Option<&str>| {
        let url = server.url("/jobber/api/graphql");
        let request = server.client.post(url).bearer_auth(ACME);
        let request = request.header("content-type", "application/json");
        let request = request.body(json!({"query": ACCOUNT}).to_string());
        let request = match version {
            Some(version) => request.header("x-jobber-graphql-version", version),
            None => request,
        };
        read(request.send().await.expect("an answer")).await
    };
    let versioning = async |version: &str| {
        let (status, body) = ask(Some(version)).await;
        assert_eq!(status, 200, "{version}");
        body["extensions"]["versioning"].clone()
    };
    assert_eq!(versioning(VERSION).await, json!({"version": VERSION}));
    let old = versioning("2025-04-16").await;
    assert_eq!(old["version"], "2025-04-16");
    assert!(
        old["warning"]
            .as_str()
            .expect("a warning")
            .contains(VERSION)
    );
    assert_eq!(versioning("2023-11-15").await["version"], "2025-01-20");
    for unknown in ["2031-01-01", "latest", ""] {
        let (status, body) = ask(Some(unknown)).await;
        assert_eq!(status, 404, "{unknown}");
        assert!(
            body["message"]
                .as_str()
                .expect("a message")
                .contains(unknown)
        );
    }
    assert_eq!(ask(None).await.0, 404);
}

#[tokio::test]
async fn what_is_neither_graphql_nor_oauth_is_not_there() {
    let server = Server::start().await;
    for path in [
        "/jobber",
        "/jobber/graphql",
        "/jobber/api/graphql/",
        "/jobber/api/oauth",
        "/jobber/api/oauth/authorize",
    ] {
        let request = server.client.post(server.url(path)).bearer_auth(ACME);
        assert_eq!(
            request.send().await.expect("an answer").status(),
            404,
            "{path}"
        );
    }
    for path in ["/jobber/api/graphql", "/jobber/api/oauth/token"] {
        let request = server.client.get(server.url(path)).bearer_auth(ACME);
        let status = request.send().await.expect("an answer").status();
        assert_eq!(status, 404, "{path}");
    }
}

#[tokio::test]
async fn companies_never_see_each_others_records() {
    let server = Server::start().await;
    let client = caller(&server, "Ann", "+16025551234").await;
    let lead = request(&server, &client, "AC out").await;
    let query = "query($client: EncodedId!, $request: EncodedId!) {
        client(id: $client) { id }
        request(id: $request) { id }
        clientPhones(searchTerm: \"6025551234\", first: 5) { totalCount }
        requests(filter: {clientId: $client}, first: 5) { totalCount } }";
    let variables = json!({"client": client, "request": lead});
    let own = data(&server, query, variables.clone()).await;
    assert_eq!(own["clientPhones"]["totalCount"], 1);
    assert_eq!(own["client"]["id"], json!(client));
    let other = ask_as(&server, "sim-other", query, variables).await;
    assert_eq!(
        other["data"],
        json!({"client": null, "request": null,
               "clientPhones": {"totalCount": 0}, "requests": {"totalCount": 0}})
    );
    let input = json!({"input": {"clientId": client, "title": "stolen"}});
    let stolen = ask_as(&server, "sim-other", REQUEST_CREATE, input).await;
    let payload = &stolen["data"]["requestCreate"];
    assert_eq!(payload["request"], Value::Null);
    assert_eq!(complaints(payload), ["input.clientId: Client not found"]);
}

#[tokio::test]
async fn what_is_lacking_is_told_in_the_order_token_then_version_then_document() {
    let server = Server::start().await;
    let url = server.url("/jobber/api/graphql");
    let bare = || server.client.post(&url).body("{");
    assert_eq!(bare().send().await.expect("an answer").status(), 401);
    let known = || bare().bearer_auth(ACME);
    assert_eq!(known().send().await.expect("an answer").status(), 404);
    for media in ["application/json", "text/plain"] {
        let request = known().header("x-jobber-graphql-version", VERSION);
        let request = request.header("content-type", media);
        let (status, body) = read(request.send().await.expect("an answer")).await;
        assert_eq!(status, 200);
        assert_eq!(body["errors"][0]["message"], "No query string was present");
    }
    let undeclared = call(&server, CLIENT_CREATE, &json!({}));
    let undeclared = undeclared.bearer_auth(ACME).body("null");
    let (_, body) = read(undeclared.send().await.expect("an answer")).await;
    assert_eq!(body["errors"][0]["message"], "No query string was present");
}
