//! What is wrong with a payload, all of it at once, without repeating any of its values.

use std::fmt;

use serde::Serialize;

/// The most faults one refusal lists; a hostile payload could otherwise earn tens of thousands.
///
/// The known fields are checked first and there are fewer of them, so theirs are always listed.
pub const MAX_FAULTS: usize = 100;

/// The machine-readable kinds of fault, as they appear in [`Fault::code`].
pub mod code {
    /// A required field is absent or null.
    pub const MISSING: &str = "missing";
    /// The value has another JSON type.
    pub const TYPE: &str = "type";
    /// A required text is blank.
    pub const EMPTY: &str = "empty";
    /// The text is longer than its limit.
    pub const TOO_LONG: &str = "too_long";
    /// An identifier holds a character that is not shown or that turns text around.
    pub const CONTROL_CHARACTER: &str = "control_character";
    /// A text or key holds NUL, which PostgreSQL cannot store.
    pub const NUL: &str = "nul";
    /// Objects and arrays are nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    pub const TOO_DEEP: &str = "too_deep";
    /// The payload is larger than [`MAX_PAYLOAD_BYTES`](crate::MAX_PAYLOAD_BYTES).
    pub const TOO_LARGE: &str = "too_large";
    /// The bytes are not UTF-8.
    pub const UTF8: &str = "utf8";
    /// The text is not JSON.
    pub const JSON: &str = "json";
    /// The payload's major version is not 1, or the version is not `major.minor`.
    pub const VERSION: &str = "version";
    /// The event is none that exists.
    pub const EVENT: &str = "event";
    /// Not a hyphenated UUID.
    pub const UUID: &str = "uuid";
    /// A UUID, but not version 4.
    pub const UUID_VERSION: &str = "uuid_version";
    /// Not an RFC 3339 time with an offset, or not between 1970 and 9999.
    pub const TIMESTAMP: &str = "timestamp";
    /// Not a telephone number.
    pub const PHONE: &str = "phone";
    /// What is written where a caller's number is withheld.
    pub const WITHHELD: &str = "withheld";
    /// More than one value, or a value and words; the first is used.
    pub const PARTLY_READ: &str = "partly_read";
    /// Not of the shape `name@domain`.
    pub const EMAIL: &str = "email";
    /// Not an absolute http or https URL.
    pub const URL: &str = "url";
    /// Not a CRM's name such as `housecall_pro`.
    pub const CRM: &str = "crm";
    /// A CRM that no adapter is for.
    pub const UNKNOWN_CRM: &str = "unknown_crm";
    /// Not an identifier of printable characters, or too long for one.
    pub const ID: &str = "id";
    /// A time more than a day ahead.
    pub const FUTURE: &str = "future";
    /// A word that is in none of the lists.
    pub const UNKNOWN_WORD: &str = "unknown_word";
    /// No number, no e-mail address and no address: there is nobody to call back.
    pub const NOBODY: &str = "nobody";
    /// Not the account for which the caller may hand leads over.
    pub const OTHER_ACCOUNT: &str = "other_account";
    /// A key stands twice in one object.
    pub const DUPLICATE_KEY: &str = "duplicate_key";
    /// More values than [`MAX_VALUES`](crate::MAX_VALUES).
    pub const TOO_MANY_VALUES: &str = "too_many_values";
    /// The number is outside its range.
    pub const RANGE: &str = "range";
    /// The checks passed and the payload still could not be read.
    pub const SHAPE: &str = "shape";
}

/// One thing that is wrong with a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901); empty for the payload as a whole.
    pub pointer: String,
    /// What kind, one of [`code`].
    pub code: &'static str,
    /// What is expected instead, as a clause. It never holds the value.
    pub detail: String,
}

/// Everything that is wrong with a payload: at least one fault, at most [`MAX_FAULTS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PayloadFaults(pub Vec<Fault>);

impl PayloadFaults {
    /// A refusal for one field.
    #[must_use]
    pub fn one(pointer: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self(vec![Fault {
            pointer: pointer.to_owned(),
            code,
            detail: detail.into(),
        }])
    }

    /// A refusal of the payload as a whole.
    pub(crate) fn whole(code: &'static str, detail: impl Into<String>) -> Self {
        Self::one("", code, detail)
    }
}

impl fmt::Display for PayloadFaults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            let place = if fault.pointer.is_empty() {
                "the payload"
            } else {
                &fault.pointer
            };
            write!(out, "{separator}{place}: {}", fault.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for PayloadFaults {}

/// Collects faults up to [`MAX_FAULTS`].
#[derive(Default)]
pub(crate) struct FaultList(Vec<Fault>);

impl FaultList {
    pub(crate) fn add(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        if !self.is_full() {
            self.0.push(Fault {
                pointer: pointer.to_owned(),
                code,
                detail: detail.into(),
            });
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MAX_FAULTS
    }

    pub(crate) fn into_result(self) -> Result<(), PayloadFaults> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(PayloadFaults(self.0))
        }
    }
}

/// Appends a key to a JSON pointer, escaped as RFC 6901 wants it.
pub(crate) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
