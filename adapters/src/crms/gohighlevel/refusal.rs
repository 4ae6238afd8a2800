//! What GoHighLevel's answers mean; for what is not here, the shared rules.
//!
//! | answer | read | write |
//! |---|---|---|
//! | 400 with `meta.contactId` or `meta.existingId` | | done: the record that is there is the one |
//! | 400 that says duplicate and names none | rejected | not done: the step looks for it |
//! | 400, 422 about the contact that is named | rejected: it is gone | rejected: it is gone |
//! | 400, 422 about pipeline, stage, user or location | setup | setup |
//! | other 400, 422 | rejected | rejected, naming the fields; the steps look first after a 422 |
//! | 401 about a scope | setup | setup |
//! | 401 about the version header | setup | setup |
//! | other 401 | auth | auth |
//! | 403 | forbidden | forbidden |
//! | 404 on a path that names no record | setup | setup |
//! | 429 | throttled for the interval, or for an hour | throttled |

use std::time::Duration;

use serde_json::Value;

use super::GOHIGHLEVEL;
use super::wire::{MadeContact, MadeOpportunity};
use crate::http::answer::{Answer, Effect};
use crate::http::budget::CallBudget;
use crate::http::error::{AdapterError, AdapterResult, Failure};
use crate::http::verdict::Verdict;
use crate::plan::Slot;

/// The reason of a refusal because a record is there already, which does not say which.
pub(super) const UNNAMED_DOUBLE: &str = "duplicate_unnamed";

/// The reason of a refusal because of a user who is not there.
pub(super) const OWNER_UNKNOWN: &str = "owner_unknown";

/// The interval of the shorter budget, where an answer does not say it.
const INTERVAL: Duration = Duration::from_secs(10);

/// How long we wait once the calls of a day are used up: when there are new ones is not said.
const DAY_IS_OVER: Duration = Duration::from_secs(60 * 60);

/// The names an answer to a bad request may point to. Anything else in it could be personal.
const FIELDS: [&str; 21] = [
    "address1",
    "assignedTo",
    "body",
    "city",
    "contactId",
    "country",
    "customFields",
    "email",
    "field_value",
    "firstName",
    "lastName",
    "locationId",
    "name",
    "phone",
    "pipelineId",
    "pipelineStageId",
    "postalCode",
    "source",
    "state",
    "status",
    "tags",
];

/// How sentences about something that is set begin, without "the", in small letters.
const OF_SETTINGS: [(&str, &str); 9] = [
    ("pipeline stage", "stage"),
    ("pipelinestage", "stage"),
    ("stage", "stage"),
    ("pipeline", "pipeline"),
    ("location", "location_id"),
    ("assignedto", "owner"),
    ("assigned", "owner"),
    ("user", "owner"),
    ("version", "api_version"),
];

/// What an answer means, and what it says is left.
pub(super) fn verdict(answer: &Answer<'_>) -> Verdict {
    let shared = Verdict::shared(&GOHIGHLEVEL, answer);
    let budgets = [of_the_day(answer), shared.budget].into_iter().flatten();
    Verdict {
        result: shared.result.or_else(|error| meaning(answer, error)),
        budget: budgets.min_by_key(|budget| budget.left),
    }
}

fn meaning(answer: &Answer<'_>, error: AdapterError) -> AdapterResult<()> {
    match (answer.status(), error) {
        (Some(400), AdapterError::Rejected(_)) if names_what_is_there(answer) => Ok(()),
        (Some(status @ (400 | 422)), AdapterError::Rejected(failure)) => {
            Err(refused(answer, status, failure))
        }
        (Some(401), error) => Err(unauthorized(answer, error)),
        (Some(403), _) => Err(AdapterError::Forbidden(because(
            403,
            "forbidden",
            "refused access: the token is not one of the location that the connection names, or the plan \
             does not have the API",
        ))),
        (Some(404), AdapterError::Rejected(_)) if answer.names.is_none() => {
            Err(AdapterError::Setup(because(
                404,
                "http_404",
                "has nothing at this address: the connection's base URL or api_version is wrong",
            )))
        }
        (
            _,
            AdapterError::Throttled {
                failure,
                retry_after,
            },
        ) => Err(AdapterError::Throttled {
            failure,
            retry_after: retry_after.or_else(|| Some(pause(answer))),
        }),
        (_, error) => Err(error),
    }
}

/// Whether the location allows no second record of this kind, and the answer says which one there is.
fn names_what_is_there(answer: &Answer<'_>) -> bool {
    let contact = serde_json::from_slice(answer.body);
    let opportunity = serde_json::from_slice(answer.body);
    answer.effect == Effect::Write
        && (matches!(contact, Ok(MadeContact::Known { .. }))
            || matches!(opportunity, Ok(MadeOpportunity::Known { .. })))
}

fn refused(answer: &Answer<'_>, status: u16, failure: Failure) -> AdapterError {
    let messages = messages(answer.body);
    let says = |part: &str| messages.iter().any(|message| message.contains(part));
    let is_double = body(answer)["code"] == "OPPORTUNITY_NO_DUPLICATE" || says("duplicate");
    if status == 400 && is_double && answer.effect == Effect::Write {
        let what = "says that there is one already, and does not say which";
        return AdapterError::NotDone(because(status, UNNAMED_DOUBLE, what));
    }
    if answer.names == Some(Slot::Customer) && messages.iter().any(|it| is_gone(it)) {
        return AdapterError::record_gone(&GOHIGHLEVEL, Some(status));
    }
    match messages.iter().find_map(|message| setting_of(message)) {
        Some("owner") => {
            let what = "does not know the user to whom the record is to be assigned";
            AdapterError::Setup(because(status, OWNER_UNKNOWN, what))
        }
        Some(setting) => {
            let what = format!("does not accept the connection's setting {setting}");
            AdapterError::Setup(because(status, "setting_invalid", &what))
        }
        None => AdapterError::Rejected(naming_fields(failure, answer.body)),
    }
}

/// `Contact with id ... not found`, and what else may be said of it.
fn is_gone(message: &str) -> bool {
    let message = message.trim_start_matches("the ");
    let over = ["not found", "deleted", "not exist", "invalid"];
    message.starts_with("contact") && over.iter().any(|word| message.contains(word))
}

/// The setting that a sentence is about, such as `The pipeline id is invalid.`
fn setting_of(message: &str) -> Option<&'static str> {
    let message = message.trim_start_matches("the ");
    let mut known = OF_SETTINGS.iter();
    let found = known.find(|(start, _)| message.starts_with(start));
    found.map(|(_, setting)| *setting)
}

/// The token does not open this door; or it does, and something else about the connection is wrong.
fn unauthorized(answer: &Answer<'_>, error: AdapterError) -> AdapterError {
    let messages = messages(answer.body);
    let says = |part: &str| messages.iter().any(|message| message.contains(part));
    if says("scope") {
        return AdapterError::Setup(because(
            401,
            "scope_missing",
            "refused access: the token lacks a scope (contacts and opportunities to read and to write, \
             locations, custom fields and users to read), or is an agency's and no location's",
        ));
    }
    if says("version header") {
        let what = "does not accept the version that the setting api_version names";
        return AdapterError::Setup(because(401, "unknown_api_version", what));
    }
    error
}

fn because(status: u16, reason: &'static str, what: &str) -> Failure {
    let detail = format!("GoHighLevel {what} (HTTP {status})");
    Failure::new(reason, detail).with_status(status)
}

/// The sentences of an answer, in small letters: one, or a list of them.
fn messages(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let all = match &body["message"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => Vec::from_iter(one.as_str()),
    };
    all.into_iter().map(str::to_lowercase).collect()
}

fn body(answer: &Answer<'_>) -> Value {
    serde_json::from_slice(answer.body).unwrap_or_default()
}

/// Adds the names of the fields that are at fault, which stand first: `phone must be ...`, or `property
/// source should not exist`. The words about them may repeat personal data, so they stay in the evidence.
fn naming_fields(mut failure: Failure, body: &[u8]) -> Failure {
    let messages = messages(body);
    let named = |field: &&str| {
        messages.iter().any(|message| {
            let message = message.trim_start_matches("property ");
            let first = message.split([' ', '.', '[']).next();
            first.is_some_and(|first| first.eq_ignore_ascii_case(field))
        })
    };
    let named: Vec<&str> = FIELDS.into_iter().filter(named).collect();
    if !named.is_empty() {
        failure.detail = format!("{}; it names {}", failure.detail, named.join(", "));
    }
    failure
}

/// How long a throttled caller waits who was not told.
fn pause(answer: &Answer<'_>) -> Duration {
    if of_the_day(answer).is_some_and(|day| day.left == 0) {
        return DAY_IS_OVER;
    }
    let interval = header(answer, "x-ratelimit-interval-milliseconds");
    interval.map_or(INTERVAL, |millis| {
        Duration::from_millis(millis).clamp(Duration::from_secs(1), DAY_IS_OVER)
    })
}

/// What is left of the day's calls.
fn of_the_day(answer: &Answer<'_>) -> Option<CallBudget> {
    let left = header(answer, "x-ratelimit-daily-remaining")?;
    Some(CallBudget {
        left: u32::try_from(left).unwrap_or(u32::MAX),
        resets_in: DAY_IS_OVER,
    })
}

fn header(answer: &Answer<'_>, name: &str) -> Option<u64> {
    answer
        .headers()?
        .get(name)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}
