//! What Workiz's answers mean. It says no with a 200 too, and a wrong token is a 403.
//!
//! | answer | read | write |
//! |---|---|---|
//! | 200 with records | done | done |
//! | 200, `flag` false or `error` true, `code` as below | as that status | as that status |
//! | 200, `flag` false without a known `code` | not done | rejected |
//! | 200, `flag` false, and yet with a record | not done | ambiguous: the look finds out |
//! | 204, no body | done: nothing there | ambiguous: it names no record |
//! | 401 | auth: token or secret | auth |
//! | 403 (or 200), `success` false, `error` "Forbidden" | auth: no such token | auth |
//! | 403, anything else | forbidden | forbidden |
//! | 404, 410 in Workiz's own JSON | done: nothing there | rejected; the client is gone if one is named |
//! | 404, 410 of somebody else, such as a proxy | setup | setup |
//! | 400, 422 that are about `auth_secret` | auth | auth |
//! | 400, 422 that are about the `ClientId` alone | rejected | rejected: the client is gone |
//! | 400, 422, anything else | rejected | rejected |
//! | 429 | throttled; no header says for how long | throttled |
//!
//! All else is as everywhere. `details` is an object or a list of objects.

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::WORKIZ;
use crate::http::answer::{Answer, Effect};
use crate::http::classify::unproven;
use crate::http::error::{AdapterError, AdapterResult, Failure};
use crate::http::verdict::Verdict;

/// The names that a refusal may point to. Anything else in it could be personal.
const FIELDS: [&str; 19] = [
    "Address",
    "City",
    "ClientId",
    "Country",
    "Email",
    "FirstName",
    "JobSource",
    "JobType",
    "LastName",
    "LeadDateTime",
    "LeadEndDateTime",
    "LeadNotes",
    "Phone",
    "PostalCode",
    "ServiceArea",
    "State",
    "Timezone",
    "UUID",
    "auth_secret",
];

/// The reason of a success that says no and not why.
pub(super) const FLAG_FALSE: &str = "flag_false";

/// What Workiz says of a request beside its status. A list says nothing.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    flag: Value,
    success: Value,
    error: Value,
    code: Value,
    msg: Value,
    message: Value,
    details: Value,
    data: Value,
    #[serde(rename = "UUID")]
    uuid: Value,
}

pub(super) fn verdict(answer: &Answer<'_>) -> Verdict {
    let shared = Verdict::shared(&WORKIZ, answer);
    let said = Said::of(answer.body);
    Verdict {
        result: decide(shared.result, answer, &said),
        ..shared
    }
}

fn decide(shared: AdapterResult<()>, answer: &Answer<'_>, said: &Said) -> AdapterResult<()> {
    match (answer.status(), &shared) {
        (Some(200..=299), Ok(())) if said.is_no() => said_no(answer, said),
        (Some(400..=499), Err(_)) => refused(shared, answer, said),
        _ => shared,
    }
}

/// A success that says no: its own code is what its status should have been.
fn said_no(answer: &Answer<'_>, said: &Said) -> AdapterResult<()> {
    let because = |what| failure(FLAG_FALSE, 200, what);
    if said.is_unknown_token() {
        return Err(unknown_token(200));
    }
    if said.names_a_record() {
        return Err(unproven(
            answer.effect,
            because("says no, and yet names a record"),
        ));
    }
    let status = said.code.as_u64().and_then(|code| u16::try_from(code).ok());
    let status = status.filter(|code| !(200..300).contains(code));
    if let Some(status) = status.and_then(|code| StatusCode::from_u16(code).ok()) {
        let headers = http::HeaderMap::new();
        let head = Some((status, &headers));
        let meant = Answer { head, ..*answer };
        let shared = Verdict::shared(&WORKIZ, &meant).result;
        return decide(shared, &meant, said);
    }
    match answer.effect {
        Effect::Read => Err(AdapterError::NotDone(because(
            "did not show what was asked for",
        ))),
        Effect::Write => Err(AdapterError::Rejected(
            said.naming(because("rejected the request")),
        )),
    }
}

fn refused(shared: AdapterResult<()>, answer: &Answer<'_>, said: &Said) -> AdapterResult<()> {
    let status = answer.status().unwrap_or_default();
    let names = said.fields();
    match status {
        401 => Err(AdapterError::Auth(failure(
            "http_401",
            401,
            "does not accept the API token or the API secret, or got none",
        ))),
        400 | 422 if names == ["auth_secret"] => Err(AdapterError::Auth(failure(
            format!("http_{status}"),
            status,
            "does not accept the API secret, or got none",
        ))),
        403 if said.is_unknown_token() => Err(unknown_token(403)),
        403 => Err(AdapterError::Forbidden(failure(
            "forbidden",
            403,
            "refused access: the account needs the Developer API add-on",
        ))),
        404 | 410 if !said.is_theirs() => Err(AdapterError::Setup(failure(
            format!("http_{status}"),
            status,
            "is not where the connection says: nothing there speaks its API",
        ))),
        404 | 410 if answer.effect == Effect::Read => Ok(()),
        400 | 422 if names == ["ClientId"] && answer.names.is_some() => {
            Err(AdapterError::record_gone(&WORKIZ, Some(status)))
        }
        400 | 404 | 410 | 422 => shared.map_err(|error| match error {
            AdapterError::Rejected(refusal) => AdapterError::Rejected(said.naming(refusal)),
            other => other,
        }),
        _ => shared,
    }
}

/// Workiz makes no difference between no token, a wrong one and a path that there is not.
fn unknown_token(status: u16) -> AdapterError {
    AdapterError::Auth(failure(
        format!("http_{status}"),
        status,
        "does not accept the API token; the account needs the Developer API add-on",
    ))
}

fn failure(reason: impl Into<std::borrow::Cow<'static, str>>, status: u16, what: &str) -> Failure {
    Failure::new(reason, format!("Workiz {what} (HTTP {status})")).with_status(status)
}

impl Said {
    /// A body that is no object says nothing.
    fn of(body: &[u8]) -> Self {
        match body.trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice(body).unwrap_or_default(),
            _ => Self::default(),
        }
    }

    fn is_no(&self) -> bool {
        self.flag == false || self.error == true || self.is_unknown_token()
    }

    fn is_unknown_token(&self) -> bool {
        self.success == false && self.error == "Forbidden"
    }

    /// Whether it is Workiz that speaks, and not somebody on the way.
    fn is_theirs(&self) -> bool {
        self.flag.is_boolean() || self.error.is_boolean() || self.code.is_u64()
    }

    fn names_a_record(&self) -> bool {
        !self.uuid.is_null() || self.data.to_string().contains("\"UUID\"")
    }

    /// The fields that it is about, in order.
    fn fields(&self) -> Vec<&'static str> {
        let words = [&self.msg, &self.message, &self.details].map(Value::to_string);
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let named = |field: &&str| {
            let mut words = words.iter().flat_map(|text| text.split(|c| !is_word(c)));
            words.any(|word| word == *field)
        };
        FIELDS.into_iter().filter(named).collect()
    }

    /// Adds the names of the fields that are at fault. The words about them may repeat personal data,
    /// so they stay in the evidence.
    fn naming(&self, mut failure: Failure) -> Failure {
        let mut named = self.fields();
        named.truncate(5);
        if !named.is_empty() {
            failure.detail = format!("{}; it names {}", failure.detail, named.join(", "));
        }
        failure
    }
}
