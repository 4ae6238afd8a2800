//! One request as a simulated CRM sees it: fully read, so that its effect is all or nothing.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Query, Request};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::clock;
use crate::reply::Reply;

/// Larger bodies are refused with 413 before anything takes effect.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A request that was read to its end, with the settings in force when it came.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Below the CRM's own prefix, with its leading slash: `/leads`.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The company its credential opens, if it opens one.
    pub(crate) company: Option<String>,
    /// Records younger than this are missing from lists and searches.
    pub(crate) index_lag: Duration,
    query: Vec<(String, String)>,
    body: Bytes,
}

impl Call {
    /// Reads a request that came in under `/{crm}`; the error is the answer to send.
    pub(crate) async fn read(crm: &str, request: Request) -> Result<Self, Reply> {
        let (head, body) = request.into_parts();
        let body = to_bytes(body, MAX_BODY_BYTES)
            .await
            .map_err(|_| Reply::text(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large"))?;
        Ok(Self {
            method: head.method,
            path: path_below(crm, &head.uri),
            headers: head.headers,
            company: None,
            index_lag: Duration::ZERO,
            query: query_pairs(&head.uri),
            body,
        })
    }

    /// The last value given for a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of an array parameter, written `name=a&name=b` or `name[]=a&name[]=b`.
    pub(crate) fn parameters(&self, name: &str) -> Vec<&str> {
        self.query
            .iter()
            .filter(|(key, _)| key.strip_suffix("[]").unwrap_or(key) == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The names of all query parameters.
    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.query.iter().map(|(name, _)| name.as_str())
    }

    /// Whether the text stands in a query value (decoded) or in the body (as sent).
    pub(crate) fn contains(&self, text: &str) -> bool {
        let in_body = || String::from_utf8_lossy(&self.body).contains(text);
        self.query.iter().any(|(_, value)| value.contains(text)) || in_body()
    }

    /// The body as a JSON object; `None` if it is anything else.
    ///
    /// A body that is not declared as JSON is not read, so it counts as an empty object.
    pub(crate) fn object(&self) -> Option<Map<String, Value>> {
        if !self.declares_json() || self.body.is_empty() {
            return Some(Map::new());
        }
        serde_json::from_slice(&self.body).ok()
    }

    /// The fields of a form-encoded body; `None` if it is declared as anything else.
    pub(crate) fn form(&self) -> Option<HashMap<String, String>> {
        self.declares("application/x-www-form-urlencoded")
            .then(|| form_urlencoded::parse(&self.body).into_owned().collect())
    }

    /// The value of a header that is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether lists and searches show a record of that age yet.
    pub(crate) fn is_indexed(&self, created_at: DateTime<Utc>) -> bool {
        clock::is_indexed(created_at, self.index_lag)
    }

    pub(crate) fn declares_json(&self) -> bool {
        self.declares("application/json")
    }

    fn declares(&self, wanted: &str) -> bool {
        self.header(header::CONTENT_TYPE.as_str())
            .and_then(|value| value.split(';').next())
            .is_some_and(|media| media.trim().eq_ignore_ascii_case(wanted))
    }
}

fn path_below(crm: &str, uri: &Uri) -> String {
    let path = uri.path().trim_start_matches('/');
    path.strip_prefix(crm).unwrap_or(path).to_owned()
}

fn query_pairs(uri: &Uri) -> Vec<(String, String)> {
    Query::try_from_uri(uri).map_or_else(|_| Vec::new(), |Query(pairs)| pairs)
}
