//! What Housecall Pro's own refusals mean.

use serde_json::Value;

use super::HOUSECALL_PRO;
use crate::http::error::{AdapterError, Failure};

/// The names an answer to a bad request may point to. Anything else in it could be personal.
const FIELDS: [&str; 25] = [
    "address",
    "address_id",
    "addresses",
    "assigned_employee_id",
    "assigned_employee_ids",
    "city",
    "content",
    "country",
    "customer",
    "customer_id",
    "email",
    "first_name",
    "home_number",
    "last_name",
    "lead_source",
    "mobile_number",
    "note",
    "notes",
    "schedule",
    "scheduled_end",
    "scheduled_start",
    "state",
    "street",
    "tags",
    "zip",
];

/// Housecall Pro's own meanings only: the shared layer has judged everything else.
pub(super) fn refusal(error: AdapterError, body: &[u8]) -> AdapterError {
    match error.status() {
        // The key is right, but the account's plan or the person behind the key is not enough.
        // That is for the account to change, so the connection waits instead of burning leads.
        Some(403) => AdapterError::Forbidden(
            Failure::new(
                "forbidden",
                "Housecall Pro refused access (HTTP 403): its API is part of the MAX plan, and \
                 the key must be an administrator's",
            )
            .with_status(403),
        ),
        Some(status @ (400 | 422)) => {
            let named = faulty_fields(body);
            // Ids are the CRM's own: one that it refuses is of a record that is gone.
            if !named.is_empty()
                && named
                    .iter()
                    .all(|field| ["customer_id", "address_id"].contains(field))
            {
                return AdapterError::record_gone(&HOUSECALL_PRO, Some(status));
            }
            AdapterError::Rejected(naming(error.into_failure(), &named))
        }
        _ => error,
    }
}

/// The fields that are at fault.
fn faulty_fields(body: &[u8]) -> Vec<&'static str> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let faults = answer.get("errors").unwrap_or(&answer);
    let known = FIELDS.into_iter();
    known.filter(|field| faults.get(field).is_some()).collect()
}

/// Adds the names of the fields that are at fault. The words about them may repeat personal data,
/// so they stay in the evidence.
fn naming(mut failure: Failure, named: &[&str]) -> Failure {
    if !named.is_empty() {
        failure.detail = format!("{}; it names {}", failure.detail, named.join(", "));
    }
    failure
}
