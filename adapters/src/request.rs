//! One request to a CRM, before it has a host and secrets.

use std::collections::BTreeMap;

use http::Method;
use serde::Serialize;
use serde_json::Value;

use crate::classify::Effect;
use crate::target::{MASK, Target};

/// One request to a CRM. Built by an adapter, sent by a [`Session`](crate::Session), shown by a
/// preview.
#[derive(Clone)]
pub struct CrmRequest {
    activity: &'static str,
    effect: Effect,
    method: Method,
    segments: Vec<String>,
    query: Vec<QueryPair>,
    body: Option<Value>,
}

#[derive(Clone)]
pub(crate) struct QueryPair {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// Personal data: the evidence keeps only its length.
    pub(crate) personal: bool,
}

impl CrmRequest {
    /// A request to a path below the base URL, on behalf of an [`activity`](crate::activity).
    pub fn new(activity: &'static str, effect: Effect, method: Method, path: &str) -> Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        CrmRequest {
            activity,
            effect,
            method,
            segments: segments.map(str::to_owned).collect(),
            query: Vec::new(),
            body: None,
        }
    }

    /// Adds one path segment, such as an id. Whatever is in it stays in that segment.
    pub fn segment(mut self, segment: &str) -> Self {
        // As whole segments "." and ".." mean folders, and URL parsers drop them silently.
        let harmless = match segment {
            "." | ".." => segment.replace('.', "%2E"),
            _ => segment.to_owned(),
        };
        self.segments.push(harmless);
        self
    }

    /// Adds a query value that names nobody: a page number, a record's id.
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.query.push(QueryPair {
            name,
            value,
            personal: false,
        });
        self
    }

    /// Adds a query value that is personal data, such as a phone number.
    pub fn personal_query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.query.push(QueryPair {
            name,
            value,
            personal: true,
        });
        self
    }

    /// Sends this as JSON.
    ///
    /// # Panics
    /// If the type cannot be JSON (a map whose keys are not text), which is a fault of the adapter.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_value(body).expect("a request body is plain data"));
        self
    }

    /// The activity it belongs to.
    pub fn activity(&self) -> &'static str {
        self.activity
    }

    /// Whether it changes anything in the CRM.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The HTTP method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The JSON body.
    pub fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    pub(crate) fn segments(&self) -> &[String] {
        &self.segments
    }

    pub(crate) fn query_pairs(&self) -> &[QueryPair] {
        &self.query
    }

    /// The request as it would be sent there, with secrets masked.
    pub fn masked(&self, target: &Target) -> PlannedRequest {
        let headers = target.headers(self, |_| MASK.to_owned());
        PlannedRequest {
            activity: self.activity.to_owned(),
            method: self.method.to_string(),
            url: target.url(self).into(),
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            body: self.body.clone(),
        }
    }
}

/// A request that a preview shows: everything as it would be sent, secrets masked. It holds the
/// lead's personal data, so it is for the eyes that asked for it.
#[derive(Clone, PartialEq, Serialize)]
pub struct PlannedRequest {
    /// The step it belongs to.
    pub activity: String,
    /// The HTTP method.
    pub method: String,
    /// The full URL.
    pub url: String,
    /// The headers we set; HTTP adds `Host` and `Content-Length`.
    pub headers: BTreeMap<String, String>,
    /// The JSON body.
    pub body: Option<Value>,
}
