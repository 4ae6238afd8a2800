//! A caller of Jobber's GraphQL endpoint, and the calls most tests begin with.

use leadrail_crm_sim::JOBBER;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::{ACME, LONG, Server, read};

pub(crate) const VERSION: &str = "2026-05-12";

/// A call with every header it needs but the token.
pub(crate) fn call(server: &Server, query: &str, variables: &Value) -> RequestBuilder {
    let url = server.url("/jobber/api/graphql");
    let body = json!({"query": query, "variables": variables});
    let request = server.client.post(url).timeout(LONG);
    request
        .header("x-jobber-graphql-version", VERSION)
        .header("content-type", "application/json")
        .body(body.to_string())
}

pub(crate) async fn send(
    server: &Server,
    key: &str,
    query: &str,
    variables: &Value,
) -> reqwest::Result<Response> {
    let request = call(server, query, variables);
    request.bearer_auth(key).send().await
}

/// The whole answer, which has status 200.
pub(crate) async fn ask_as(server: &Server, key: &str, query: &str, variables: Value) -> Value {
    let answer = send(server, key, query, &variables).await;
    let (status, body) = read(answer.expect("an answer")).await;
    assert_eq!(status, 200, "{body}");
    body
}

pub(crate) async fn ask(server: &Server, query: &str, variables: Value) -> Value {
    ask_as(server, ACME, query, variables).await
}

/// The data of an answer without errors.
pub(crate) async fn data(server: &Server, query: &str, variables: Value) -> Value {
    let answer = ask(server, query, variables).await;
    assert_eq!(answer["errors"], Value::Null, "{query}");
    answer["data"].clone()
}

/// The control API of Jobber's stand-in.
pub(crate) async fn control(
    server: &Server,
    method: Method,
    path: &str,
    body: Value,
) -> (u16, Value) {
    server.control_of(JOBBER, method, path, Some(body)).await
}

pub(crate) fn books(server: &Server) -> Value {
    server.sim.records(JOBBER)
}

/// How many records of a kind there are.
pub(crate) fn count(server: &Server, collection: &str) -> usize {
    let books = books(server);
    books[collection]
        .as_array()
        .expect("a list of records")
        .len()
}

pub(crate) const CLIENT_CREATE: &str = "mutation($input: ClientCreateInput!) {
    clientCreate(input: $input) { client { id } userErrors { message path } } }";

pub(crate) const REQUEST_CREATE: &str = "mutation($input: RequestCreateInput!) {
    requestCreate(input: $input) {
        request { id title requestStatus jobberWebUri createdAt } userErrors { message path } } }";

/// Creates a client and returns its id.
pub(crate) async fn client(server: &Server, input: Value) -> String {
    let made = data(server, CLIENT_CREATE, json!({"input": input})).await;
    let payload = &made["clientCreate"];
    assert_eq!(payload["userErrors"], json!([]), "{input}");
    id(&payload["client"])
}

/// Creates a client with one number and returns its id.
pub(crate) async fn caller(server: &Server, first_name: &str, number: &str) -> String {
    let phones = json!([{"number": number, "description": "MAIN", "primary": true}]);
    client(server, json!({"firstName": first_name, "phones": phones})).await
}

/// Files a request and returns its id.
pub(crate) async fn request(server: &Server, client_id: &str, title: &str) -> String {
    let input = json!({"clientId": client_id, "title": title});
    let made = data(server, REQUEST_CREATE, json!({"input": input})).await;
    id(&made["requestCreate"]["request"])
}

pub(crate) fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

/// What userErrors say, each as `path: message`.
pub(crate) fn complaints(payload: &Value) -> Vec<String> {
    let errors = payload["userErrors"].as_array().expect("a list");
    let line = |error: &Value| {
        let path: Vec<&str> = error["path"]
            .as_array()
            .expect("a path")
            .iter()
            .map(|step| step.as_str().expect("a text"))
            .collect();
        let message = error["message"].as_str().expect("a message");
        format!("{}: {message}", path.join("."))
    };
    errors.iter().map(line).collect()
}
