//! A caller that knows the simulated HubSpot by its documented URLs and headers.

use crate::support::{LONG, Server, read, rows};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// The company `acme` at work.
pub(crate) struct Api {
    pub(crate) server: Server,
    pub(crate) token: String,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self {
            server: Server::start().await,
            token: "sim-acme".to_owned(),
        }
    }

    /// A request below the CRM's own prefix, without any credential.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.server.url(&format!("/hubspot{path}"));
        self.server.client.request(method, url).timeout(LONG)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.bare(method, path);
        request.header("authorization", format!("Bearer {}", self.token))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.request(Method::GET, path);
        read(request.send().await.expect("an answer")).await
    }

    pub(crate) fn posting(&self, path: &str, body: &Value) -> RequestBuilder {
        let request = self.request(Method::POST, path);
        let request = request.header("content-type", "application/json");
        request.body(body.to_string())
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.posting(path, body).send().await.expect("an answer")).await
    }

    /// A record of these properties, as the API answers it.
    pub(crate) async fn create(&self, object: &str, body: &Value) -> (u16, Value) {
        self.post(&format!("/crm/objects/2026-03/{object}"), body)
            .await
    }

    /// The id of a new contact.
    pub(crate) async fn contact(&self, properties: Value) -> String {
        let (status, made) = self
            .create("contacts", &json!({"properties": properties}))
            .await;
        assert_eq!(status, 201, "{made}");
        id(&made)
    }

    /// The id of a new deal on a contact.
    pub(crate) async fn deal(&self, contact: &str) -> String {
        let (status, made) = self.create("deals", &deal(contact)).await;
        assert_eq!(status, 201, "{made}");
        id(&made)
    }

    pub(crate) async fn control(&self, path: &str, body: Value) -> u16 {
        let control = self
            .server
            .control_of("hubspot", Method::POST, path, Some(body));
        control.await.0
    }

    /// The rows of a kind in the books.
    pub(crate) fn books(&self, kind: &str) -> Vec<Value> {
        rows(&self.server.sim.records("hubspot"), kind).clone()
    }
}

pub(crate) fn id(record: &Value) -> String {
    record["id"].as_str().expect("an id").to_owned()
}

/// An association of HubSpot's own kind.
pub(crate) fn to(id: &str, kind: u64) -> Value {
    json!({"to": {"id": id},
           "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}]})
}

pub(crate) fn deal(contact: &str) -> Value {
    json!({"properties": {"dealname": "No heat", "pipeline": "771", "dealstage": "7711"},
           "associations": [to(contact, 3)]})
}

/// The faults that a refusal's message lists, as `name code`.
pub(crate) fn faults(refusal: &Value) -> Vec<String> {
    let message = refusal["message"].as_str().expect("a message");
    let list = message.strip_prefix("Property values were not valid: ");
    let list: Value = serde_json::from_str(list.expect("a list")).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = list.as_array().expect("a list").iter();
    list.map(|fault| format!("{} {}", text(&fault["name"]), text(&fault["error"])))
        .collect()
}
