//! What HubSpot's answers mean: developers.hubspot.com, "Error handling" and "API usage guidelines".
//!
//! | answer | read | write |
//! |---|---|---|
//! | 207 | done; the look-up reads its parts | |
//! | 400, `INVALID_OBJECT_IDS` | rejected | rejected: the contact or deal is gone |
//! | 400, `PROPERTY_DOESNT_EXIST` | setup: the account lacks the property | setup |
//! | 400 that names pipeline, stage or owner only | setup: they do not fit | setup |
//! | 400, `CONFLICTING_UNIQUE_VALUE` | not done | ambiguous: the look-up finds the record that exists |
//! | 400 that names the e-mail only | rejected | rejected, and made again without it |
//! | any other 400 or 422 | rejected | rejected, naming the fields |
//! | 401 | auth | auth |
//! | 403 | forbidden, naming the scopes | forbidden |
//! | 404 in HubSpot's own words | rejected: no such record | rejected: it is gone |
//! | 409 that names the record that exists | | done: that is the record |
//! | any other 409 | not done | ambiguous |
//! | 423 | not done | not done |
//! | 429, `SECONDLY` | throttled, 1 s | throttled, 1 s |
//! | 429, `TEN_SECONDLY_ROLLING`, or no policy named | throttled, 10 s | throttled, 10 s |
//! | 429, `DAILY` | throttled, 1 h | throttled, 1 h |
//! | 477, the account moves | throttled as `Retry-After` says | throttled |
//! | 408, 5xx, 521 to 524 | not done | ambiguous |
//! | anything else | the shared rules | the shared rules |
//!
//! A daily budget is made up at midnight of the account's time zone, of which an answer says nothing, so
//! HubSpot is asked again each hour.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use super::HUBSPOT;
use super::wire::Existing;
use crate::http::answer::{Answer, Effect};
use crate::http::budget::CallBudget;
use crate::http::classify::unproven;
use crate::http::error::{AdapterError, Failure};
use crate::http::retry_after::retry_after;
use crate::http::verdict::Verdict;

/// The reason of a create that HubSpot refuses because its unique value is taken.
pub(super) const CONFLICT: &str = "conflict";
/// The reason of a create that HubSpot refuses because of the e-mail address alone.
pub(super) const EMAIL_REFUSED: &str = "email_refused";
/// The reason of a question for something that HubSpot does not have.
pub(super) const NOT_THERE: &str = "object_not_found";

/// How long is waited for a budget, where the answer names no time.
const SECOND: Duration = Duration::from_secs(1);
const TEN_SECONDS: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3_600);

/// The properties an answer to a bad request may point to. Anything else in it could be personal.
const FIELDS: [&str; 20] = [
    "address",
    "city",
    "country",
    "dealname",
    "dealstage",
    "description",
    "email",
    "firstname",
    "hs_lead_name",
    "hs_note_body",
    "hs_pipeline",
    "hs_pipeline_stage",
    "hs_timestamp",
    "hubspot_owner_id",
    "lastname",
    "message",
    "phone",
    "pipeline",
    "state",
    "zip",
];

/// Those that the connection sets.
const SET: [&str; 5] = [
    "dealstage",
    "hs_pipeline",
    "hs_pipeline_stage",
    "hubspot_owner_id",
    "pipeline",
];

/// The scopes that we need, one of which an answer may say is missing.
const SCOPES: [&str; 9] = [
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.leads.read",
    "crm.objects.leads.write",
    "crm.objects.owners.read",
    "crm.schemas.contacts.read",
    "crm.schemas.deals.read",
];

/// What an answer means, and what it says of the account's budgets.
pub(super) fn verdict(answer: &Answer<'_>) -> Verdict {
    let shared = Verdict::shared(&HUBSPOT, answer);
    let told = Told::of(answer);
    let result = match shared.result {
        Err(AdapterError::Ambiguous(_)) if told.names_what_exists() => Ok(()),
        result => result.map_err(|error| told.refusal(error)),
    };
    let budget = match &result {
        Err(AdapterError::Throttled { retry_after, .. }) => Some(CallBudget {
            left: 0,
            resets_in: retry_after.unwrap_or(TEN_SECONDS),
        }),
        _ => answer.headers().and_then(used_up_today).or(shared.budget),
    };
    Verdict { result, budget }
}

/// The daily budget, once there is nothing left of it: its header names no time.
fn used_up_today(headers: &HeaderMap) -> Option<CallBudget> {
    let left = headers.get("x-hubspot-ratelimit-daily-remaining")?;
    let left: i64 = left.to_str().ok()?.trim().parse().ok()?;
    (left <= 0).then_some(CallBudget {
        left: 0,
        resets_in: HOUR,
    })
}

/// An answer as far as it says what went wrong.
struct Told<'a> {
    answer: &'a Answer<'a>,
    body: Value,
}

impl<'a> Told<'a> {
    fn of(answer: &'a Answer<'a>) -> Self {
        let body = serde_json::from_slice(answer.body).unwrap_or_default();
        Self { answer, body }
    }

    /// "Success in disguise": a record with that unique value is there, and this is its id.
    fn names_what_exists(&self) -> bool {
        self.answer.status() == Some(409)
            && serde_json::from_slice::<Existing>(self.answer.body).is_ok()
    }

    fn refusal(&self, error: AdapterError) -> AdapterError {
        match error.status() {
            Some(status @ (400 | 422)) => self.refused_content(status, error),
            Some(403) => self.forbidden(),
            // A proxy that finds nothing has not said that HubSpot has no such record.
            Some(404) if self.answer.names.is_none() && self.is_hubspots() => {
                AdapterError::Rejected(because(404, NOT_THERE, "knows no such record"))
            }
            Some(429) => self.throttled(),
            Some(477) => AdapterError::Throttled {
                failure: because(
                    477,
                    "http_477",
                    "is moving the account to another data centre",
                ),
                retry_after: self.answer.headers().and_then(retry_after),
            },
            _ => error,
        }
    }

    fn refused_content(&self, status: u16, error: AdapterError) -> AdapterError {
        let (fields, codes) = self.faults();
        if self.answer.names.is_some() && self.names_what_is_gone() {
            return AdapterError::record_gone(&HUBSPOT, Some(status));
        }
        if codes.contains(&"PROPERTY_DOESNT_EXIST") {
            return AdapterError::Setup(because(
                status,
                "property_missing",
                "lacks a property that leads are filed with: ref_property must name one that \
                 contacts and deals (or leads) have",
            ));
        }
        if !fields.is_empty() && fields.iter().all(|field| SET.contains(field)) {
            let named = fields.join(", ");
            return AdapterError::Setup(because(
                status,
                "setting_invalid",
                &format!(
                    "does not take the pipeline, stage or owner that the connection sets; it names {named}"
                ),
            ));
        }
        if codes.contains(&"CONFLICTING_UNIQUE_VALUE") {
            let failure = because(status, CONFLICT, "says that this record exists already");
            return unproven(self.answer.effect, failure);
        }
        let mut failure = error.into_failure();
        if fields == ["email"] && self.answer.effect == Effect::Write {
            failure.reason = EMAIL_REFUSED.into();
        }
        if !fields.is_empty() {
            failure.detail = format!("{}; it names {}", failure.detail, fields.join(", "));
        }
        AdapterError::Rejected(failure)
    }

    /// The token is right, but not for this: the plan, a scope, or the person behind it. That is for the
    /// account to change.
    fn forbidden(&self) -> AdapterError {
        let named = self.body.to_string();
        let named = SCOPES.into_iter().filter(|scope| named.contains(scope));
        let named: Vec<&str> = named.collect();
        AdapterError::Forbidden(match named.is_empty() {
            false => because(
                403,
                "missing_scopes",
                &format!(
                    "refused access: the app or token lacks one of the scopes {} (leads are a part of \
                     Sales Hub Professional)",
                    named.join(", ")
                ),
            ),
            true => because(
                403,
                "forbidden",
                "refused access: the app or token lacks a scope, or the account's plan does not \
                 have this",
            ),
        })
    }

    fn throttled(&self) -> AdapterError {
        let policy = self.body["policyName"].as_str().unwrap_or_default();
        let (pause, what) = match policy {
            "DAILY" => (HOUR, "says that the account's calls of today are used up"),
            "SECONDLY" => (SECOND, "asked us to slow down"),
            _ => (TEN_SECONDS, "asked us to slow down"),
        };
        let told = self.answer.headers().and_then(retry_after);
        AdapterError::Throttled {
            failure: because(429, "http_429", what),
            retry_after: Some(told.unwrap_or(pause)),
        }
    }

    /// Whether the body is HubSpot's: all its errors say so, and have an id to ask its support by.
    fn is_hubspots(&self) -> bool {
        self.body["status"] == "error" && self.body["correlationId"].is_string()
    }

    /// Whether it is about ids of records that we had from HubSpot itself.
    fn names_what_is_gone(&self) -> bool {
        let gone = |part: &Value| part["context"]["INVALID_OBJECT_IDS"].is_array();
        gone(&self.body) || self.errors().any(gone)
    }

    fn errors(&self) -> impl Iterator<Item = &Value> {
        self.body["errors"].as_array().into_iter().flatten()
    }

    /// The fields at fault that we know, and the codes of what is wrong. They stand in `errors`, or as
    /// JSON within the message. The words about them may repeat personal data.
    fn faults(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        const CODES: [&str; 2] = ["PROPERTY_DOESNT_EXIST", "CONFLICTING_UNIQUE_VALUE"];
        let within: Vec<Value> = self.listed_in_message();
        let (mut fields, mut codes, mut unknown) = (Vec::new(), Vec::new(), false);
        for fault in self.errors().chain(&within) {
            let listed = fault["context"]["propertyName"].as_array();
            let names = listed.into_iter().flatten().chain([&fault["name"]]);
            for name in names.filter_map(Value::as_str) {
                match FIELDS.into_iter().find(|field| *field == name) {
                    Some(field) => fields.push(field),
                    None => unknown = true,
                }
            }
            let said = [&fault["code"], &fault["error"]].into_iter();
            for code in said.filter_map(Value::as_str) {
                codes.extend(CODES.into_iter().find(|known| *known == code));
            }
        }
        fields.sort_unstable();
        fields.dedup();
        // Where something else is at fault too, nothing may be concluded from what is known.
        if unknown
            && fields
                .iter()
                .all(|field| SET.contains(field) || *field == "email")
        {
            fields.clear();
        }
        (fields, codes)
    }

    /// `Property values were not valid: [{"name": "email", ..}]`.
    fn listed_in_message(&self) -> Vec<Value> {
        let message = self.body["message"].as_str().unwrap_or_default();
        let list = message.find('[').map(|start| &message[start..]);
        let list = list.and_then(|list| {
            let mut values = serde_json::Deserializer::from_str(list).into_iter::<Vec<Value>>();
            values.next()?.ok()
        });
        list.unwrap_or_default()
    }
}

fn because(status: u16, reason: &'static str, what: &str) -> Failure {
    let detail = format!("HubSpot {what} (HTTP {status})");
    Failure::new(reason, detail).with_status(status)
}
