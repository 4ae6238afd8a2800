//! Calls as an app makes them.

use crate::support::{LONG, Server, read};
use leadrail_crm_sim::GOHIGHLEVEL;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// Acme's own location.
pub(crate) const LOCATION: &str = "loc-acme";

pub(crate) fn request(server: &Server, method: Method, path: &str) -> RequestBuilder {
    let url = server.url(&format!("/{GOHIGHLEVEL}{path}"));
    server.client.request(method, url).timeout(LONG)
}

pub(crate) async fn sent(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

fn signed(request: RequestBuilder) -> RequestBuilder {
    request
        .header("authorization", "Bearer sim-acme")
        .header("version", "2021-07-28")
}

pub(crate) async fn get(server: &Server, path: &str) -> (u16, Value) {
    read(sent(signed(request(server, Method::GET, path))).await).await
}

pub(crate) async fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let request = signed(request(server, Method::POST, path));
    let request = request.header("content-type", "application/json");
    read(sent(request.body(body.to_string())).await).await
}

/// A contact that is made, by its id.
pub(crate) async fn contact(server: &Server, mut body: Value) -> String {
    body["locationId"] = json!(LOCATION);
    let (status, made) = post(server, "/contacts/", &body).await;
    assert_eq!(status, 201, "{made}");
    made["contact"]["id"].as_str().expect("an id").to_owned()
}

/// What an opportunity needs.
pub(crate) fn opportunity(contact: &str) -> Value {
    json!({
        "locationId": LOCATION, "pipelineId": "pipSales000000000001", "name": "Roof",
        "status": "open", "contactId": contact,
    })
}

pub(crate) fn happen(server: &Server, event: &Value) {
    let happened = server.sim.happen(GOHIGHLEVEL, "acme", event);
    happened.expect("it can happen");
}

pub(crate) fn books(server: &Server) -> Value {
    server.sim.records(GOHIGHLEVEL)
}
