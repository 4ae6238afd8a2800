//! What ServiceTitan's own refusals mean: the shared layer has judged everything else.

use serde_json::Value;

use super::SERVICETITAN;
use crate::http::answer::Answer;
use crate::http::error::{AdapterError, Failure};
use crate::plan::Slot;

/// The names an answer to a bad request may point to, in order. Anything else in it could be
/// personal.
const FIELDS: [&str; 31] = [
    "active",
    "address",
    "applicationGuid",
    "appointments",
    "businessUnitId",
    "callReasonId",
    "campaignId",
    "city",
    "contacts",
    "country",
    "customerId",
    "end",
    "externalData",
    "externalId",
    "isFirstTimeClient",
    "jobTypeId",
    "locationId",
    "locations",
    "memo",
    "name",
    "phone",
    "priority",
    "source",
    "start",
    "state",
    "street",
    "summary",
    "text",
    "type",
    "value",
    "zip",
];

/// The meaning of a refusal whose body is ServiceTitan's problem document. A new location whose customer
/// is gone is a conflict.
pub(super) fn refusal(error: AdapterError, answer: &Answer<'_>) -> AdapterError {
    let body = answer.body;
    match error.status() {
        Some(409) if answer.names == Some(Slot::Customer) => {
            AdapterError::record_gone(&SERVICETITAN, Some(409))
        }
        Some(401) if names_application(body) => AdapterError::Auth(because(
            401,
            "does not accept the application key, or got none",
        )),
        // The token is right, but another tenant's, or without the scope for this: that is for the
        // account to change, so the connection waits instead of burning leads.
        Some(403) => AdapterError::Forbidden(because(
            403,
            "refused access: the tenant is not the one that the token belongs to, or the \
             application lacks a scope",
        )),
        Some(status @ (400 | 422)) if names_what_is_gone(body) => {
            AdapterError::record_gone(&SERVICETITAN, Some(status))
        }
        Some(400 | 422) => AdapterError::Rejected(naming_fields(error.into_failure(), body)),
        _ => error,
    }
}

/// A path of ours that is not there: the connection names a wrong tenant or booking provider. That
/// is no fault of the lead, so it waits until a person sets the connection right.
pub(super) fn misplaced(error: AdapterError) -> AdapterError {
    match error.status() {
        Some(404) => AdapterError::Setup(because(
            404,
            "does not know the tenant or the booking provider that the connection names",
        )),
        _ => error,
    }
}

fn because(status: u16, what: &str) -> Failure {
    let detail = format!("ServiceTitan {what} (HTTP {status})");
    Failure::new(format!("http_{status}"), detail).with_status(status)
}

fn names_application(body: &[u8]) -> bool {
    let title = problem(body)["title"].as_str().map(str::to_lowercase);
    title.is_some_and(|title| title.contains("st-app-key"))
}

/// Whether it is only about ids of records that we had from ServiceTitan itself.
fn names_what_is_gone(body: &[u8]) -> bool {
    let problem = problem(body);
    let errors = problem["errors"].as_object();
    errors.is_some_and(|errors| {
        let is_id = |path: &String| {
            let field = field(path);
            matches!(field.as_deref(), Some("customerId" | "locationId"))
        };
        !errors.is_empty() && errors.keys().all(is_id)
    })
}

/// Adds the names of the fields that are at fault. The words about them may repeat personal data,
/// so they stay in the evidence.
fn naming_fields(mut failure: Failure, body: &[u8]) -> Failure {
    let problem = problem(body);
    let mut named: Vec<String> = problem["errors"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(path, _)| field(path))
        .collect();
    named.sort();
    named.dedup();
    named.truncate(5);
    if !named.is_empty() {
        failure.detail = format!("{}; it names {}", failure.detail, named.join(", "));
    }
    failure
}

/// `Locations[0].Address.Zip` as `locations.address.zip`, if every part of it is a field's name.
fn field(path: &str) -> Option<String> {
    let parts = path.trim_start_matches("$.").split('.');
    let known = |part: &str| {
        let name = part.split('[').next().unwrap_or_default();
        FIELDS
            .into_iter()
            .find(|field| field.eq_ignore_ascii_case(name))
    };
    let parts: Option<Vec<&str>> = parts.map(known).collect();
    let parts = parts.filter(|parts| parts.len() <= 12)?;
    Some(parts.join("."))
}

fn problem(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}
