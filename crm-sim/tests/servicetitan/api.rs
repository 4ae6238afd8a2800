//! A caller that knows the simulated ServiceTitan by its documented URLs and headers.

use crate::support::{LONG, Server, read, rows};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

pub(crate) const APP_KEY: &str = "sim-app-key";

/// The company `acme` at work in its tenant.
pub(crate) struct Api {
    pub(crate) server: Server,
    token: &'static str,
    tenant: u64,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self {
            server: Server::start().await,
            token: "sim-acme",
            tenant: 4001,
        }
    }

    /// A request to `/{module}/v2/tenant/{tenant}{path}`, signed in.
    pub(crate) fn request(&self, method: Method, (module, path): (&str, &str)) -> RequestBuilder {
        let path = format!("/{module}/v2/tenant/{}{path}", self.tenant);
        self.bare(method, &path)
            .header("st-app-key", APP_KEY)
            .header("authorization", format!("Bearer {}", self.token))
    }

    /// A request below the CRM's own prefix, without any credential.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.server.url(&format!("/servicetitan{path}"));
        self.server.client.request(method, url).timeout(LONG)
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        at: (&str, &str),
        body: &Value,
    ) -> reqwest::Result<Response> {
        let request = self.request(method, at);
        let request = request.header("content-type", "application/json");
        request.body(body.to_string()).send().await
    }

    pub(crate) async fn get(&self, module: &str, path: &str) -> (u16, Value) {
        let request = self.request(Method::GET, (module, path));
        read(request.send().await.expect("an answer")).await
    }

    pub(crate) async fn post(&self, module: &str, path: &str, body: &Value) -> (u16, Value) {
        let sent = self.send(Method::POST, (module, path), body).await;
        read(sent.expect("an answer")).await
    }

    pub(crate) async fn patch(&self, module: &str, path: &str, body: &Value) -> (u16, Value) {
        let sent = self.send(Method::PATCH, (module, path), body).await;
        read(sent.expect("an answer")).await
    }

    pub(crate) async fn control(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (u16, Value) {
        let server = &self.server;
        server.control_of("servicetitan", method, path, body).await
    }

    /// The rows of a kind in the books.
    pub(crate) fn books(&self, kind: &str) -> Vec<Value> {
        rows(&self.server.sim.records("servicetitan"), kind).clone()
    }

    /// A customer with one location, as the API answered.
    pub(crate) async fn customer(&self, phone: &str) -> Value {
        let (status, customer) = self.post("crm", "/customers", &customer(phone)).await;
        assert_eq!(status, 200, "{customer}");
        customer
    }
}

pub(crate) fn address() -> Value {
    json!({"street": "4521 Oak Ridge Dr", "city": "Phoenix", "state": "AZ", "zip": "85016",
           "country": "USA"})
}

pub(crate) fn customer(phone: &str) -> Value {
    json!({"name": "John Martinez", "type": "Residential", "address": address(),
           "locations": [{"name": "Home", "address": address()}],
           "contacts": [{"type": "MobilePhone", "value": phone, "memo": "lead"},
                        {"type": "Email", "value": "j@example.com"}]})
}

pub(crate) fn booking(external_id: &str) -> Value {
    json!({"source": "Calls", "name": "John Martinez", "summary": "AC not cooling",
           "isFirstTimeClient": true, "externalId": external_id, "address": address(),
           "contacts": [{"type": "Phone", "value": "6025551234"}],
           "customerType": "Residential", "start": "2026-11-22T16:00:00Z", "campaignId": 11,
           "businessUnitId": 22, "jobTypeId": 33, "priority": "High",
           "isSendConfirmationEmail": false})
}

/// The same body with one field changed; null takes it away.
pub(crate) fn with(mut body: Value, field: &str, value: Value) -> Value {
    let fields = body.as_object_mut().expect("an object");
    match value {
        Value::Null => fields.remove(field),
        value => fields.insert(field.to_owned(), value),
    };
    body
}

pub(crate) const BOOKINGS: &str = "/booking-provider/99/bookings";

/// The fields that a refusal names.
pub(crate) fn refused(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_object().expect("errors by field");
    errors.keys().map(String::as_str).collect()
}
