//! What the API answers.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// A lead that is kept: it cannot be lost any more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Accepted {
    /// The lead's own id.
    pub event_id: Uuid,
    /// The run that files it.
    pub run_id: Uuid,
    /// Where the run stands, such as `queued` or `completed`.
    pub state: String,
    /// Where its story is, a path under the API's address.
    pub location: String,
    /// Details that could not be taken as they were given; the lead is filed without them.
    #[serde(default)]
    pub warnings: Vec<Warning>,
}

/// A detail of a lead that could not be taken as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Warning {
    /// The field, as a JSON pointer.
    pub field: String,
    /// What kind, such as `phone` or `too_long`.
    pub code: String,
    /// What is wrong with it, and what was done about it.
    pub sentence: String,
}

/// What became of one lead of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// It is kept.
    Accepted(Accepted),
    /// It is not, and sending it again as it is will not help.
    Refused(Problem),
}

/// Why the API refused something (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// The kind, such as `urn:leadrail:problem:invalid-lead`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time and what to do about it.
    pub detail: String,
    /// Every bad field.
    #[serde(default)]
    pub errors: Vec<ProblemField>,
}

/// A bad field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProblemField {
    /// The field, as a JSON pointer.
    pub pointer: String,
    /// What kind, such as `missing` or `phone`.
    pub code: String,
    /// What is expected instead.
    pub detail: String,
}

impl Problem {
    /// An answer that is no problem of the API's: a proxy's page, for instance.
    pub(crate) fn unknown(status: u16) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: "An answer that is not Leadrail's".to_owned(),
            status,
            detail: format!(
                "the answer {status} was not written by Leadrail; is the address right?"
            ),
            errors: Vec::new(),
        }
    }
}

/// The answer to a batch.
#[derive(Deserialize)]
pub(crate) struct Batch {
    results: Vec<Value>,
}

/// Whether what stands behind a status passes by itself.
pub(crate) fn passes(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

impl Batch {
    /// What became of each lead, in the order in which they were sent.
    pub(crate) fn items(self) -> serde_json::Result<Vec<Item>> {
        let item = |result: Value| match result.get("run_id") {
            Some(_) => serde_json::from_value(result).map(Item::Accepted),
            None => serde_json::from_value(result).map(Item::Refused),
        };
        self.results.into_iter().map(item).collect()
    }
}
