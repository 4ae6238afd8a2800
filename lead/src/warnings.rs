//! What is wrong with a lead that is taken all the same, and what its note says of it.
//!
//! A lead is never refused for a bad detail: what can be used of it is used, and whoever reads the
//! note sees the detail as it was given.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::Lead;
use crate::faults::code;

/// The most characters of a text that a remark repeats.
const MAX_REMARK_CHARS: usize = 1_000;
/// The most remarks of a lead.
const MAX_REMARKS: usize = 40;

/// One detail that could not be taken as it was given. It never repeats the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What kind, one of [`code`].
    pub code: &'static str,
    /// Which field: a JSON pointer (RFC 6901).
    pub field: Cow<'static, str>,
    /// What is wrong and what was done about it.
    pub sentence: &'static str,
}

impl Warning {
    /// A warning about a field.
    #[must_use]
    pub fn new(code: &'static str, field: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            field: field.into(),
            sentence: sentence(code),
        }
    }
}

/// A line for the note: something of the caller that has no field of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct Remark {
    /// What it is, such as `Phone as given`.
    pub label: String,
    /// The text, as it was given.
    pub text: String,
}

impl std::fmt::Debug for Remark {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Remark").finish_non_exhaustive()
    }
}

/// The sentence for each code. `leadrail.warning_sentence` says the same.
fn sentence(of: &'static str) -> &'static str {
    match of {
        code::MISSING => "is missing; the lead is filed without it",
        code::TYPE => {
            "is not of the type that belongs here; what can be used of it is, the note has the rest"
        }
        code::TOO_LONG => "is too long; its beginning is used, the note has more of it",
        code::ID => {
            "is not an id of at most 256 printable characters; the note has it as it was given"
        }
        code::TIMESTAMP => {
            "is not an RFC 3339 time with an offset; where one is needed it is the time of receipt"
        }
        code::FUTURE => "is more than a day ahead; the time of receipt stands in for it",
        code::PHONE => "is not certainly a telephone number; the note has it as it was given",
        code::WITHHELD => "is withheld; the note has what was given instead of a number",
        code::PARTLY_READ => "holds more than one value; the first is used, the note has all of it",
        code::EMAIL => "is not an e-mail address; the note has it as it was given",
        code::URL => "is not an absolute http or https URL; the note has it as it was given",
        code::RANGE => "is outside its range; the note has it as it was given",
        code::UNKNOWN_WORD => "is a word that this version does not know; it is kept as it is",
        code::CRM => "is not the name of a CRM; an unqualified lead goes to none",
        _ => "could not be taken as it is",
    }
}

/// The remark about a field that could not be taken as it was given.
pub(crate) fn as_given(name: &str, value: &Value) -> Option<Remark> {
    remark(&format!("{name} as given"), value)
}

/// A remark, unless the value says nothing.
pub(crate) fn remark(label: &str, value: &Value) -> Option<Remark> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) if items.is_empty() => return None,
        Value::Object(fields) if fields.is_empty() => return None,
        other => other.to_string(),
    };
    let text: String = text.chars().take(MAX_REMARK_CHARS).collect();
    let label = label.replace('_', " ");
    let mut letters = label.chars();
    let label = letters.next()?.to_uppercase().chain(letters).collect();
    (!text.is_empty()).then_some(Remark { label, text })
}

/// What unknown fields tell of the caller and his wish.
pub(crate) fn of_unknown(lead: &Lead) -> Vec<Remark> {
    let address = lead
        .contact
        .address
        .as_ref()
        .map(|address| &address.unknown);
    let told: [Option<&Map<String, Value>>; 3] = [
        Some(&lead.contact.unknown),
        address,
        Some(&lead.service_request.unknown),
    ];
    let fields = told.into_iter().flatten().flatten();
    let remarks = fields.filter_map(|(key, value)| remark(key, value));
    remarks.take(MAX_REMARKS).collect()
}
