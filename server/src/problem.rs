//! Errors as answers: RFC 9457 `application/problem+json`.
//!
//! A problem tells the caller what is wrong with the request and never repeats a value of it.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};
use leadrail_desk::{Caller, Need};
use leadrail_lead::{Fault, PayloadFaults, code};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of every error.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// How long a caller is asked to wait for a database that is away.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);

/// An error as RFC 9457 writes it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The kind of problem, such as `urn:leadrail:problem:invalid-lead`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: Cow<'static, str>,
    /// The kind of problem in words, always the same for one `type`.
    #[schema(value_type = String)]
    title: &'static str,
    /// The HTTP status, again.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// What is wrong this time and what to do about it.
    detail: String,
    /// Every bad field, where fields are at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<FieldFault>)]
    errors: Vec<Fault>,
    #[serde(skip)]
    retry_after: Option<Duration>,
    /// Whether a key is asked for.
    #[serde(skip)]
    asks_for_key: bool,
}

/// One bad field of a lead.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes the lead crate's `Fault` in the API description"
)]
pub(crate) struct FieldFault {
    /// Where: a JSON pointer (RFC 6901) into the lead; empty for the lead as a whole.
    pointer: String,
    /// What kind, such as `missing`, `phone` or `too_long`.
    code: String,
    /// What is expected instead.
    detail: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind: format!("urn:leadrail:problem:{kind}").into(),
            title,
            status,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            asks_for_key: false,
        }
    }

    /// A problem that its status says everything about.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: "about:blank".into(),
            ..Self::new(status, "", title, title)
        }
    }

    /// The request cannot be read at all.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        let title = "The request cannot be read";
        Self::new(StatusCode::BAD_REQUEST, "bad-request", title, detail)
    }

    /// A query or path parameter is none that this call takes.
    pub(crate) fn bad_parameter(detail: impl Into<String>) -> Self {
        let title = "A parameter is not valid";
        Self::new(StatusCode::BAD_REQUEST, "bad-parameter", title, detail)
    }

    /// There is nothing under this address.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// The body has more bytes or leads than one request may have.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        let title = "The request is too large";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title, detail)
    }

    /// The body is no JSON by its own account.
    pub(crate) fn unsupported(detail: impl Into<String>) -> Self {
        let (status, title) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type");
        Self::new(status, "unsupported-media-type", title, detail)
    }

    /// The request did not arrive in time.
    pub(crate) fn too_slow() -> Self {
        let detail = "the request did not arrive, or was not answered, in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "Too slow", detail)
    }

    /// Somebody else's web page, or a name that only pretends to be this machine.
    pub(crate) fn foreign(detail: impl Into<String>) -> Self {
        let title = "Not meant for this API";
        Self::new(StatusCode::FORBIDDEN, "foreign-host", title, detail)
    }

    /// Somebody on the way could read what is said.
    pub(crate) fn in_plain_text() -> Self {
        let detail = "what is said here could be read on the way: call by https, or through one of the \
                      proxies that the configuration names (api.proxies), which says so by \
                      X-Forwarded-Proto";
        let title = "Only over TLS";
        Self::new(StatusCode::FORBIDDEN, "plain-text", title, detail)
    }

    /// The head of the request is larger than we take.
    pub(crate) fn head_too_large(status: StatusCode, detail: &'static str) -> Self {
        Self::new(
            status,
            "head-too-large",
            "The request's head is too large",
            detail,
        )
    }

    /// More requests than the caller may make.
    pub(crate) fn too_often(per_second: NonZeroU32, wait: Duration) -> Self {
        let detail = format!(
            "more requests than may come from here ({per_second} a second): send it again later, as \
             Retry-After says"
        );
        let (status, title) = (StatusCode::TOO_MANY_REQUESTS, "Too many requests");
        Self {
            retry_after: Some(wait),
            ..Self::new(status, "too-many-requests", title, detail)
        }
    }

    /// The `Idempotency-Key` is not the lead's own.
    pub(crate) fn another_key(detail: impl Into<String>) -> Self {
        let (status, title) = (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Another Idempotency-Key than the event_id",
        );
        Self::new(status, "idempotency-key", title, detail)
    }

    /// No key, or none that works.
    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        let (status, title) = (StatusCode::UNAUTHORIZED, "An API key is needed");
        Self {
            asks_for_key: true,
            ..Self::new(status, "unauthorized", title, detail)
        }
    }

    /// The key works, and not for this.
    pub(crate) fn not_allowed(caller: &Caller, need: Option<Need>) -> Self {
        let (status, title) = (StatusCode::FORBIDDEN, "Not with this key");
        let role = caller.role();
        let detail = match need.is_some_and(|need| role.may(need)) {
            true => "a test key changes nothing; do this with a live one (lr_live_...)".to_owned(),
            false => format!("a key with the role {role} may not do this"),
        };
        Self::new(status, "not-allowed", title, detail)
    }

    /// The same event id was accepted with another body.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        let title = "Another lead has this event_id";
        Self::new(StatusCode::CONFLICT, "event-id-conflict", title, detail)
    }

    /// What the call is about has ended already.
    pub(crate) fn ended(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "ended", "It has ended", detail)
    }

    /// What it is about is in a state in which this cannot be done.
    pub(crate) fn not_now(detail: impl Into<String>) -> Self {
        let title = "Not in this state";
        Self::new(StatusCode::CONFLICT, "not-now", title, detail)
    }

    /// It is not any more as the caller has seen it.
    pub(crate) fn changed(detail: impl Into<String>) -> Self {
        let (status, title) = (StatusCode::PRECONDITION_FAILED, "It was changed meanwhile");
        Self::new(status, "changed", title, detail)
    }

    /// The CRM refuses the secrets that were given.
    pub(crate) fn not_accepted(detail: impl Into<String>) -> Self {
        let (status, title) = (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The CRM does not accept it",
        );
        Self::new(status, "not-accepted", title, detail)
    }

    /// The secrets that were given open another account than those before.
    pub(crate) fn other_account(detail: impl Into<String>) -> Self {
        let title = "Another account";
        Self::new(StatusCode::CONFLICT, "other-account", title, detail)
    }

    /// It is there already.
    pub(crate) fn exists(detail: impl Into<String>) -> Self {
        let title = "It is there already";
        Self::new(StatusCode::CONFLICT, "exists", title, detail)
    }

    /// A run that hears none of them has too many signals.
    pub(crate) fn too_many_signals(detail: impl Into<String>) -> Self {
        let title = "Too many signals";
        Self::new(StatusCode::CONFLICT, "too-many-signals", title, detail)
    }

    /// Several accounts have a lead under this event id.
    pub(crate) fn several_accounts() -> Self {
        let detail = "several accounts have a lead with this event_id: add ?account=";
        let title = "Several leads have this event_id";
        Self::new(StatusCode::CONFLICT, "ambiguous-event-id", title, detail)
    }

    /// The database does not answer. Nothing was accepted as far as we know, and sending again is safe.
    pub(crate) fn unavailable() -> Self {
        let detail = "the database does not answer: send the request again, the same event_id is \
                      accepted only once";
        Self::overloaded_or_away("database-unavailable", "The database is away", detail)
    }

    /// The database reads and does not write. Nothing was changed.
    pub(crate) fn read_only() -> Self {
        let detail = "the database takes no writes at the moment (it is a standby, or \
                      default_transaction_read_only is on), so nothing was changed: send the request \
                      again later";
        Self::overloaded_or_away("database-read-only", "The database is read-only", detail)
    }

    /// A change is still being made, and nobody knows yet how it ends.
    pub(crate) fn unconfirmed() -> Self {
        let detail =
            "the change is still being made: look at what became of it before you send it again";
        Self::overloaded_or_away("unconfirmed", "Not known yet", detail)
    }

    /// Too much is being written or received at the moment.
    pub(crate) fn busy() -> Self {
        let detail = "too many requests are waiting: send it again in a moment";
        Self::overloaded_or_away("busy", "Too busy", detail)
    }

    /// This process should get no requests.
    pub(crate) fn not_ready(detail: impl Into<String>) -> Self {
        Self::overloaded_or_away("not-ready", "Not ready", detail)
    }

    fn overloaded_or_away(
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            retry_after: Some(DATABASE_PATIENCE),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, kind, title, detail)
        }
    }

    /// A fault of ours.
    pub(crate) fn internal() -> Self {
        let detail = "something broke on this side; the log says what";
        let (status, title) = (StatusCode::INTERNAL_SERVER_ERROR, "Internal error");
        Self::new(status, "internal", title, detail)
    }

    /// A lead that its own checks refuse. What is no JSON is 400, what is too large is 413, and
    /// what is read but not right is 422.
    pub(crate) fn invalid_lead(faults: PayloadFaults) -> Self {
        let first = faults.0.first().map_or("", |fault| fault.code);
        let problem = match first {
            code::TOO_LARGE => Self::too_large("the lead is too large"),
            code::JSON | code::UTF8 | code::DUPLICATE_KEY => {
                let why = faults.0.first().map_or("", |fault| &fault.detail);
                Self::bad_request(format!("the lead {why}"))
            }
            _ => {
                let count = faults.0.len();
                let detail = match count {
                    1 => "one field of the lead is not valid".to_owned(),
                    _ => format!("{count} fields of the lead are not valid"),
                };
                let (status, title) = (StatusCode::UNPROCESSABLE_ENTITY, "The lead is not valid");
                Self::new(status, "invalid-lead", title, detail)
            }
        };
        Self {
            errors: faults.0,
            ..problem
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Plain data always serializes.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if self.asks_for_key {
            let scheme = HeaderValue::from_static("Bearer realm=\"leadrail\"");
            headers.insert(WWW_AUTHENTICATE, scheme);
        }
        if let Some(wait) = self.retry_after {
            headers.insert::<HeaderName>(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadrail_lead::Lead;

    fn of(lead: &[u8]) -> serde_json::Value {
        let problem = Problem::invalid_lead(Lead::from_slice(lead).expect_err("a bad lead"));
        serde_json::to_value(problem).expect("plain data")
    }

    #[test]
    fn what_is_no_json_is_told_from_json_that_is_no_lead() {
        assert_eq!(of(b"{")["status"], 400);
        assert_eq!(of(b"\xff")["status"], 400);
        assert_eq!(of(b"[]")["status"], 422);
        assert_eq!(of(" ".repeat(300 << 10).as_bytes())["status"], 413);
    }

    #[test]
    fn every_bad_field_is_listed_by_pointer() {
        let problem = of(b"{}");
        let errors = problem["errors"].as_array().expect("a list");
        let pointers: Vec<_> = errors.iter().map(|error| &error["pointer"]).collect();
        for pointer in ["/event_id", "/contact", "/callsetter_account_id"] {
            assert!(pointers.iter().any(|at| *at == pointer), "{pointers:?}");
        }
        assert_eq!(problem["type"], "urn:leadrail:problem:invalid-lead");
    }
}
