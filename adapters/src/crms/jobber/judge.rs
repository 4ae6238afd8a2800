//! What Jobber's answers mean. It says no in three shapes: by status before GraphQL begins, by
//! `errors` beside `data`, usually with status 200, and by `userErrors` inside of `data`.
//!
//! | answer | read | write |
//! |---|---|---|
//! | 404 | setup: no such version, or no such base URL | setup |
//! | 403 | forbidden | forbidden |
//! | any other status than 2xx without `errors` | the shared rules | the shared rules |
//! | `userErrors` | rejected | rejected, naming the fields |
//! | `userErrors` beside a record that was made | | ambiguous |
//! | `errors` beside the record that was made | as their code | ambiguous |
//! | `THROTTLED` | throttled, for as long as the points take | throttled |
//! | `THROTTLED`, and the query costs more than there can ever be | setup | setup |
//! | `UNAUTHENTICATED`, or the word to delete the token | auth | auth |
//! | `FORBIDDEN`, or an object that is hidden | forbidden | forbidden |
//! | `BAD_USER_INPUT`, a variable that does not fit | rejected | rejected |
//! | `NOT_FOUND`, `userErrors` about a record's id | rejected: it is gone | rejected: it is gone |
//! | null in the place of a record that was asked for by its id | rejected: it is gone | |
//! | `INTERNAL_SERVER_ERROR` | not done | ambiguous |
//! | another code and no `data`: the query does not fit the schema | setup | setup |
//! | anything else in `errors` | not done | ambiguous |
//!
//! An answer with no `data` at all was refused before anything ran (GraphQL specification, 7.1.2),
//! but that is only believed where a code says so too.

use std::time::Duration;

use serde_json::Value;

use super::JOBBER;
use crate::http::answer::{Answer, Effect};
use crate::http::budget::CallBudget;
use crate::http::classify::unproven;
use crate::http::error::{AdapterError, Failure};
use crate::http::graphql::GraphQlErrors;
use crate::http::retry_after::MAX_RETRY_AFTER;
use crate::http::verdict::Verdict;

/// What one lead costs, in points. Jobber charges what a query really took, a point for each field
/// that it resolved: about 50 for all steps of a lead with a new client and property. Doubled,
/// because look-ups may find several.
const POINTS_PER_LEAD: f64 = 100.0;

/// The names that the path of a user error may hold. Anything else in it could be personal.
const FIELDS: [&str; 31] = [
    "address",
    "answerText",
    "attributes",
    "city",
    "clientId",
    "companyName",
    "country",
    "description",
    "emails",
    "firstName",
    "form",
    "input",
    "items",
    "label",
    "lastName",
    "message",
    "number",
    "phones",
    "pinned",
    "postalCode",
    "primary",
    "properties",
    "propertyId",
    "province",
    "requestDetails",
    "requestId",
    "salespersonId",
    "sections",
    "sourceAttribution",
    "street1",
    "title",
];

/// Those that hold the id of a record of an earlier step.
const IDS: [&str; 3] = ["clientId", "propertyId", "requestId"];

/// What an answer means, and how many leads the account's points are good for.
pub(super) fn verdict(answer: &Answer<'_>) -> Verdict {
    let shared = Verdict::shared(&JOBBER, answer);
    let told = Told::of(answer);
    let result = match shared.result {
        Ok(()) => told.refusal().map_or(Ok(()), Err),
        Err(error) => Err(told.refused_by_status(error)),
    };
    Verdict {
        result,
        budget: told.budget().or(shared.budget),
    }
}

/// An answer's body, as far as it is told what went wrong.
struct Told {
    effect: Effect,
    status: Option<u16>,
    body: Value,
    errors: GraphQlErrors,
}

impl Told {
    fn of(answer: &Answer<'_>) -> Self {
        let body: Value = serde_json::from_slice(answer.body).unwrap_or_default();
        Self {
            effect: answer.effect,
            status: answer.status(),
            errors: GraphQlErrors::of(&body),
            body,
        }
    }

    /// A status is believed unless the body knows better.
    fn refused_by_status(&self, error: AdapterError) -> AdapterError {
        let (AdapterError::Rejected(_) | AdapterError::Throttled { .. }) = error else {
            return error;
        };
        match (self.by_code(), self.status) {
            (Some(said), _) => said,
            (None, Some(403)) => self.forbidden(),
            (None, Some(404)) => AdapterError::Setup(self.failure(
                "unknown_api_version",
                "knows no API of this version (HTTP 404): the setting api_version must name one \
                 that it supports",
            )),
            (None, _) => error,
        }
    }

    /// Why the body says no; `None` if it does not.
    fn refusal(&self) -> Option<AdapterError> {
        if let Some(refused) = self.user_errors() {
            return Some(match self.has_record() {
                true => AdapterError::Ambiguous(refused),
                false if self.names_what_is_gone() => self.not_found(),
                false => AdapterError::Rejected(refused),
            });
        }
        if self.errors.is_empty() {
            return self.is_gone().then(|| self.not_found());
        }
        if self.effect == Effect::Write && self.has_written() {
            let failure = self.failure(
                "partial_answer",
                "reported an error beside the record that it made",
            );
            return Some(AdapterError::Ambiguous(failure));
        }
        Some(self.by_code().unwrap_or_else(|| self.unclear()))
    }

    /// What the codes say that Jobber documents, and the few texts that have none.
    fn by_code(&self) -> Option<AdapterError> {
        let has = |code: &str| self.errors.has_code(code);
        Some(if has("THROTTLED") {
            self.throttled()
        } else if has("UNAUTHENTICATED") || self.says(&["delete", "token"]) {
            let detail = "no longer accepts our access token";
            AdapterError::Auth(self.failure("unauthenticated", detail))
        } else if has("FORBIDDEN") || self.says(&["hidden"]) {
            self.forbidden()
        } else if has("NOT_FOUND") {
            self.not_found()
        } else if has("BAD_USER_INPUT") || self.has_unfit_variable() {
            let detail = "rejected what the request holds";
            AdapterError::Rejected(self.failure("bad_user_input", detail))
        } else if has("INTERNAL_SERVER_ERROR") {
            let failure = self.failure("internal_server_error", "failed on its side");
            unproven(self.effect, failure)
        } else {
            return None;
        })
    }

    /// Another code and no `data`: nothing has run, for the query does not fit the schema.
    fn unclear(&self) -> AdapterError {
        let is_coded = |error: &Value| error["extensions"]["code"].is_string();
        if self.body.get("data").is_none() && self.errors.iter().all(is_coded) {
            return AdapterError::Setup(self.failure(
                "unfit_query",
                "does not understand our queries in this version of its API: the setting \
                 api_version must name one that they fit",
            ));
        }
        let failure = self.failure("graphql_error", "reported an error without saying which");
        unproven(self.effect, failure)
    }

    fn not_found(&self) -> AdapterError {
        AdapterError::record_gone(&JOBBER, self.status)
    }

    fn forbidden(&self) -> AdapterError {
        AdapterError::Forbidden(self.failure(
            "forbidden",
            "refused access: the app lacks a scope (clients and requests, to read and to write), \
             or the account's plan the API",
        ))
    }

    fn throttled(&self) -> AdapterError {
        let points = self.points();
        if points
            .as_ref()
            .is_some_and(|points| points.wanted > points.maximum)
        {
            // The query is the same for every lead, so no lead is at fault.
            let detail = "never has as many points as this query costs";
            return AdapterError::Setup(self.failure("query_too_costly", detail));
        }
        AdapterError::Throttled {
            failure: self.failure("throttled", "asked us to slow down"),
            retry_after: points.and_then(|points| points.until(points.wanted)),
        }
    }

    fn failure(&self, reason: &'static str, what: &str) -> Failure {
        Failure {
            status: self.status,
            ..Failure::new(reason, format!("{} {what}", JOBBER.title))
        }
    }

    /// Whether an error's text holds all of these words, for the few that have no code.
    fn says(&self, words: &[&str]) -> bool {
        let is_told_by_code = |error: &Value| {
            let told = &error["extensions"];
            !told["code"].is_null() || !told["problems"].is_null()
        };
        let mut uncoded = self.errors.iter().filter(|error| !is_told_by_code(error));
        uncoded.any(|error| {
            let text = error["message"].as_str().unwrap_or_default();
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
    }

    /// A variable that does not fit its type has no code, but a list of its problems.
    fn has_unfit_variable(&self) -> bool {
        let mut errors = self.errors.iter();
        errors.any(|error| error["extensions"]["problems"].is_array())
    }

    /// Whether a look-up by id has found nothing.
    fn is_gone(&self) -> bool {
        let data = self.body["data"].as_object();
        self.effect == Effect::Read && data.is_some_and(|data| data.values().any(Value::is_null))
    }

    /// Whether a mutation has come to its end.
    fn has_written(&self) -> bool {
        let data = self.body["data"].as_object();
        data.is_some_and(|data| data.values().any(|payload| !payload.is_null()))
    }

    /// Whether a mutation gave a record back, whatever it says beside it.
    fn has_record(&self) -> bool {
        let payloads = self.body["data"].as_object().into_iter().flatten();
        let mut fields =
            payloads.flat_map(|(_, payload)| payload.as_object().into_iter().flatten());
        fields.any(|(name, value)| {
            name != "userErrors"
                && !value.is_null()
                && value.as_array().is_none_or(|list| !list.is_empty())
        })
    }

    /// The refusal of a mutation, with the fields at fault. The words about them may repeat
    /// personal data, so they stay in the evidence.
    fn user_errors(&self) -> Option<Failure> {
        let errors = self.all_user_errors();
        if errors.is_empty() {
            return None;
        }
        let mut named: Vec<String> = errors.iter().filter_map(|error| path(error)).collect();
        named.dedup();
        named.truncate(5);
        let mut failure = self.failure("user_errors", "rejected the request");
        if !named.is_empty() {
            failure.detail = format!("{}; it names {}", failure.detail, named.join(", "));
        }
        Some(failure)
    }

    fn all_user_errors(&self) -> Vec<&Value> {
        let payloads = self.body["data"].as_object().into_iter().flatten();
        let errors = payloads.flat_map(|(_, payload)| list(&payload["userErrors"]));
        errors.collect()
    }

    /// Whether a refusal is only about ids of records, which we had from Jobber itself.
    fn names_what_is_gone(&self) -> bool {
        self.all_user_errors().into_iter().all(|error| {
            let field = list(&error["path"]).last().and_then(Value::as_str);
            field.is_some_and(|field| IDS.contains(&field))
        })
    }

    fn budget(&self) -> Option<CallBudget> {
        let points = self.points()?;
        let leads = (points.available / POINTS_PER_LEAD).floor();
        Some(CallBudget {
            // A cast of a float goes to the nearest number there is.
            left: leads as u32,
            resets_in: points.until(points.maximum)?,
        })
    }

    fn points(&self) -> Option<Points> {
        let cost = &self.body["extensions"]["cost"];
        let status = &cost["throttleStatus"];
        let number = |value: &Value| value.as_f64().filter(|number| *number >= 0.0);
        Some(Points {
            wanted: number(&cost["requestedQueryCost"]).unwrap_or(0.0),
            available: number(&status["currentlyAvailable"])?,
            maximum: number(&status["maximumAvailable"])?,
            restored: number(&status["restoreRate"]).filter(|rate| *rate > 0.0)?,
        })
    }
}

/// `extensions.cost`.
struct Points {
    /// What the query may cost at most.
    wanted: f64,
    available: f64,
    maximum: f64,
    /// What comes back each second.
    restored: f64,
}

impl Points {
    /// How long it takes until there are so many; whole seconds.
    fn until(&self, points: f64) -> Option<Duration> {
        let seconds = ((points - self.available).max(0.0) / self.restored).ceil();
        let longest = MAX_RETRY_AFTER.as_secs_f64();
        Duration::try_from_secs_f64(seconds.min(longest)).ok()
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// `input.phones.0`, if it is a path of our own fields.
fn path(error: &Value) -> Option<String> {
    let steps: Option<Vec<String>> = list(&error["path"]).iter().map(step).collect();
    steps
        .filter(|steps| !steps.is_empty() && steps.len() <= 12)
        .map(|steps| steps.join("."))
}

fn step(value: &Value) -> Option<String> {
    let place = |number: u64| (number < 100).then(|| number.to_string());
    match value {
        Value::Number(number) => place(number.as_u64()?),
        Value::String(name) if FIELDS.contains(&name.as_str()) => Some(name.clone()),
        Value::String(name) => place(name.parse().ok()?),
        _ => None,
    }
}
