//! A caller of the simulated Pipedrive.

use crate::support::{Server, read};
use reqwest::Method;
use serde_json::{Value, json};

/// A text field of persons, and one of deals.
pub(crate) const PERSON_FIELD: &str = "7f3c0e6a9b1d4258e6f0a1b2c3d4e5f607182930";
pub(crate) const DEAL_FIELD: &str = "0a1b2c3d4e5f607182930f3c0e6a9b1d4258e6f7";

pub(crate) struct Api {
    pub(crate) server: Server,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self {
            server: Server::start().await,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call("sim-acme", Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call("sim-acme", Method::POST, path, Some(body)).await
    }

    pub(crate) async fn call(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let url = self.server.url(&format!("/pipedrive{path}"));
        let request = self.server.client.request(method, url);
        let request = request.header("x-api-token", key);
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        };
        read(request.send().await.expect("an answer")).await
    }

    /// A person with this number; the id.
    pub(crate) async fn person(&self, phone: &str) -> Value {
        let body = json!({"name": "Ann", "phones": [{"value": phone, "primary": true}]});
        let (status, made) = self.post("/api/v2/persons", &body).await;
        assert_eq!(status, 200, "{made}");
        made["data"]["id"].clone()
    }

    /// A lead of the person; the id.
    pub(crate) async fn lead(&self, person: &Value, title: &str) -> String {
        let body = json!({"title": title, "person_id": person, "origin_id": "e-1"});
        let (status, made) = self.post("/api/v1/leads", &body).await;
        assert_eq!(status, 201, "{made}");
        made["data"]["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn happens(&self, event: Value) -> u16 {
        let body = json!({"company": "acme", "event": event});
        let happened = self
            .server
            .control_of("pipedrive", Method::POST, "/office", Some(body));
        happened.await.0
    }

    pub(crate) async fn control(&self, path: &str, body: Value) {
        let call = self
            .server
            .control_of("pipedrive", Method::POST, path, Some(body));
        let (status, answer) = call.await;
        assert!((200..300).contains(&status), "{status} {answer}");
    }

    pub(crate) fn books(&self, collection: &str) -> Vec<Value> {
        let books = self.server.sim.records("pipedrive");
        books[collection].as_array().expect("records").clone()
    }
}

/// The values of a field over a list.
pub(crate) fn each<'a>(list: &'a Value, field: &str) -> Vec<&'a Value> {
    let items = list["data"].as_array().into_iter().flatten();
    items.map(|item| &item[field]).collect()
}
