//! The simulated Workiz behaves as the real one is described.

mod access;
mod creating;
mod listing;
mod office;
#[path = "../support/mod.rs"]
mod support;

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use support::{LONG, Server, read};

impl Server {
    /// A request to Workiz, its path below the token.
    async fn workiz(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let url = self.url(&format!("/workiz/{token}{path}"));
        let mut request = self.client.request(method, url).timeout(LONG);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        read(request.send().await.expect("an answer")).await
    }

    async fn asks(&self, path: &str) -> (u16, Value) {
        self.workiz("sim-acme", Method::GET, path, None).await
    }

    async fn writes(&self, path: &str, body: &Value) -> (u16, Value) {
        self.workiz("sim-acme", Method::POST, path, Some(body))
            .await
    }

    /// A lead of acme's; gives back its id.
    async fn files(&self, body: &Value) -> String {
        let (status, made) = self.writes("/lead/create/", body).await;
        assert_eq!((status, &made["flag"]), (200, &json!(true)), "{made}");
        made["data"][0]["UUID"].as_str().expect("an id").to_owned()
    }

    async fn happens(&self, event: Value) -> u16 {
        let event = json!({"company": "acme", "event": event});
        let call = self.control_of("workiz", Method::POST, "/office", Some(event));
        call.await.0
    }

    async fn books(&self, collection: &str) -> Vec<Value> {
        let (_, books) = self
            .control_of("workiz", Method::GET, "/records", None)
            .await;
        books[collection].as_array().expect("a list").clone()
    }
}

/// A time so many hours from now, on the account's clock.
fn hours(ahead: i64) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator has a clock of its own"
    )]
    let time = Utc::now() + TimeDelta::hours(ahead);
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A lead with all that is required.
fn lead() -> Value {
    json!({
        "auth_secret": "sec_acme", "LeadDateTime": hours(0), "Phone": "6025551234",
        "Email": "john@example.com", "FirstName": "John", "LastName": "Martinez",
        "Address": "4521 Oak Ridge Dr", "City": "Phoenix", "State": "AZ", "PostalCode": "85016",
        "LeadNotes": "AC not cooling. Ref: 7f3c0b8e",
    })
}

/// The same with one field changed; null takes it away.
fn lead_with(field: &str, value: Value) -> Value {
    let mut lead = lead();
    match value {
        Value::Null => drop(lead.as_object_mut().expect("an object").remove(field)),
        value => lead[field] = value,
    }
    lead
}
