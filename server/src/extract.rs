//! What a request is about, read from its path, with our own answer to what does not read.

use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::HeaderMap;
use http::request::Parts;
use leadrail_connections::ConnectionId;
use leadrail_desk::KeyId;
use leadrail_engine::RunId;
use leadrail_lead::EventId;

use crate::body::Format;
use crate::problem::Problem;

/// `{event_id}`: the lead's own id.
pub(crate) struct EventIdPath(pub(crate) EventId);

/// `{run_id}`: a run.
pub(crate) struct RunIdPath(pub(crate) RunId);

/// `{id}` of a connection.
pub(crate) struct ConnectionIdPath(pub(crate) ConnectionId);

/// `{key_id}`: an API key.
pub(crate) struct KeyIdPath(pub(crate) KeyId);

/// `{link_id}`: what stands behind `/r/`, whatever it is.
pub(crate) struct LinkIdPath(pub(crate) String);

/// `{crm}`: a CRM's name.
pub(crate) struct CrmPath(pub(crate) String);

/// `{name}` of a signal or of a published state.
pub(crate) struct NamePath(pub(crate) String);

async fn parameter<S: Send + Sync>(
    name: &str,
    parts: &mut Parts,
    state: &S,
) -> Result<String, Problem> {
    let unreadable = || Problem::bad_parameter("the path does not read");
    let all = RawPathParams::from_request_parts(parts, state).await;
    let all = all.map_err(|_| unreadable())?;
    let found = all.iter().find(|(known, _)| *known == name);
    found
        .map(|(_, text)| text.to_owned())
        .ok_or_else(unreadable)
}

async fn parsed<T: FromStr, S: Send + Sync>(
    name: &str,
    parts: &mut Parts,
    state: &S,
    wrong: impl FnOnce(T::Err) -> Problem,
) -> Result<T, Problem> {
    parameter(name, parts, state).await?.parse().map_err(wrong)
}

impl<S: Send + Sync> FromRequestParts<S> for EventIdPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = parsed("event_id", parts, state, |fault| {
            Problem::bad_parameter(format!("the event_id {fault}"))
        });
        Ok(Self(id.await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RunIdPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = parsed("run_id", parts, state, |_| {
            Problem::bad_parameter("the run_id is a UUID, as the answer to a lead tells it")
        });
        Ok(Self(id.await?))
    }
}

/// Refuses a body that is not said to be JSON: what a page of another site can send without asking
/// first never is.
pub(crate) fn json_only(headers: &HeaderMap) -> Result<(), Problem> {
    match Format::of(headers)? {
        Format::Json => Ok(()),
        Format::Ndjson => Err(Problem::unsupported("send application/json")),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ConnectionIdPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = parsed("id", parts, state, |_| {
            Problem::bad_parameter("the connection id is not a UUID")
        });
        Ok(Self(id.await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for KeyIdPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = parsed("key_id", parts, state, |_| {
            Problem::bad_parameter("the key's id is a UUID, as lists show it; never the key")
        });
        Ok(Self(id.await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LinkIdPath {
    type Rejection = Infallible;

    /// One that does not read is none of ours, like any other.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let id = parameter("link_id", parts, state).await;
        Ok(Self(id.unwrap_or_default()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CrmPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(parameter("crm", parts, state).await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NamePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(parameter("name", parts, state).await?))
    }
}
