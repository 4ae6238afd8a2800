//! What Pipedrive's own refusals mean: the shared layer has judged everything else.
//!
//! | answer | means |
//! |---|---|
//! | 200 with `success: false` | rejected; a read is not done |
//! | 400, 422 about a record of an earlier step | rejected: it is gone |
//! | 400, 422 about nothing but ids that the connection sets | setup: the lead waits |
//! | other 400, 422 | rejected, with the names of the fields |
//! | 402 | forbidden: the company's account is not open |
//! | 403 about a scope | setup: the app lacks it |
//! | 403 about a limit of the plan | setup: somebody makes room |
//! | other 403 | forbidden |
//! | 415 | setup: the feature is off |
//! | 429 | throttled, until the window or the day is over |

use serde_json::Value;

use super::PIPEDRIVE;
use super::budget::pause;
use crate::http::answer::{Answer, Effect};
use crate::http::error::{AdapterError, AdapterResult, Failure};
use crate::plan::Slot;

/// The names that an answer to a bad request may point to. Anything else in it could be personal.
const FIELDS: [&str; 16] = [
    "channel_id",
    "content",
    "custom_fields",
    "deal_id",
    "emails",
    "label_ids",
    "lead_id",
    "name",
    "organization_id",
    "origin_id",
    "owner_id",
    "person_id",
    "phones",
    "pipeline_id",
    "stage_id",
    "title",
];

/// The fields that hold nothing but what the connection sets.
const SET_BY_PEOPLE: [&str; 4] = ["label_ids", "owner_id", "pipeline_id", "stage_id"];

/// The reason where what is wrong is what the connection sets.
pub(super) const SETTING_INVALID: &str = "setting_invalid";

/// What an answer means, after the shared layer has judged it.
pub(super) fn judged(result: AdapterResult<()>, answer: &Answer<'_>) -> AdapterResult<()> {
    let error = match result {
        Ok(()) => return denied(answer),
        Err(error) => error,
    };
    let body = serde_json::from_slice(answer.body).unwrap_or_default();
    Err(match (error.status(), error) {
        (Some(status @ (400 | 422)), error) => refused(error, status, answer.names, &words(&body)),
        (Some(402), _) => AdapterError::Forbidden(because(
            402,
            "http_402",
            "refused access: the company's account is not open. Its trial may have ended, or a payment \
             is due",
        )),
        (Some(403), _) => forbidden(&body),
        (Some(415), _) => AdapterError::Setup(because(
            415,
            "feature_off",
            "has this feature switched off for the account; the Leads Inbox is one that can be",
        )),
        (
            Some(429),
            AdapterError::Throttled {
                failure,
                retry_after,
            },
        ) => AdapterError::Throttled {
            retry_after: answer
                .headers()
                .and_then(|headers| pause(headers, retry_after))
                .or(retry_after),
            failure,
        },
        (_, error) => error,
    })
}

/// A 200 that says no.
fn denied(answer: &Answer<'_>) -> AdapterResult<()> {
    let body: Value = serde_json::from_slice(answer.body).unwrap_or_default();
    if body["success"] != Value::Bool(false) {
        return Ok(());
    }
    let status = answer.status().unwrap_or(200);
    let failure = because(status, "not_successful", "says that it did not do it");
    Err(match answer.effect {
        Effect::Read => AdapterError::NotDone(failure),
        Effect::Write => AdapterError::Rejected(failure),
    })
}

fn refused(error: AdapterError, status: u16, names: Option<Slot>, words: &str) -> AdapterError {
    let faulty = faulty_fields(words);
    if names.is_some()
        && (says_gone(words) || is_only(&faulty, &["deal_id", "lead_id", "person_id"]))
    {
        return AdapterError::record_gone(&PIPEDRIVE, Some(status));
    }
    let named = faulty.join(", ");
    if is_only(&faulty, &SET_BY_PEOPLE) {
        let what = format!(
            "does not take what the connection sets: {named}. A stage must belong to the pipeline, and \
             owner and label must be the account's"
        );
        return AdapterError::Setup(because(status, SETTING_INVALID, &what));
    }
    let mut failure = error.into_failure();
    if !named.is_empty() {
        failure.detail = format!("{}; it names {named}", failure.detail);
    }
    AdapterError::Rejected(failure)
}

fn is_only(faulty: &[&str], among: &[&str]) -> bool {
    !faulty.is_empty() && faulty.iter().all(|field| among.contains(field))
}

/// Whether a person, lead or deal is said to be gone.
fn says_gone(words: &str) -> bool {
    let record = ["person", "lead", "deal"]
        .iter()
        .any(|kind| words.contains(kind));
    let gone = ["not found", "does not exist", "deleted"];
    record && gone.iter().any(|said| words.contains(said))
}

fn forbidden(body: &Value) -> AdapterError {
    let words = words(body);
    let code = body["code"].as_str().unwrap_or_default();
    if code.starts_with("feature_capping") || words.contains("limit reached") {
        return AdapterError::Setup(because(
            403,
            "plan_limit",
            "takes no more: the account has reached a limit of its plan, such as that of open deals",
        ));
    }
    if words.contains("scope") {
        return AdapterError::Setup(because(
            403,
            "scope_missing",
            "refused access: the app lacks a scope. It needs contacts:full and leads:full, for deals \
             deals:full, and for the lists of settings users:read and deals:read",
        ));
    }
    AdapterError::Forbidden(because(
        403,
        "forbidden",
        "refused access: the user behind the credentials may not do this",
    ))
}

fn because(status: u16, reason: &'static str, what: &str) -> Failure {
    Failure::new(reason, format!("Pipedrive {what} (HTTP {status})")).with_status(status)
}

/// What an answer says in words, in small letters. It is compared and never repeated.
fn words(body: &Value) -> String {
    let said = ["error", "error_info", "message"].map(|name| body[name].as_str());
    let said: Vec<&str> = said.into_iter().flatten().collect();
    said.join(" ").to_lowercase()
}

/// The fields that a refusal names, in order.
fn faulty_fields(words: &str) -> Vec<&'static str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let said: Vec<&str> = words.split(|c| !is_part(c)).collect();
    let known = FIELDS.into_iter();
    known.filter(|field| said.contains(field)).collect()
}
