//! The identifiers a lead carries. Each is its own type, so one cannot be passed for another.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use uuid::{Uuid, Variant};

use crate::faults::code;

/// The most characters an [`AccountId`] has.
const MAX_ACCOUNT_CHARS: usize = 128;
/// The most characters a [`CrmName`] has.
const MAX_CRM_CHARS: usize = 40;

/// Whether a character is not shown, or changes how those around it are: no part of an identifier.
#[must_use]
pub fn is_unshown(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Why a text is not the identifier it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdFault {
    /// Not a UUID in its hyphenated form.
    #[error("must be a UUID in its hyphenated form")]
    NotAUuid,
    /// A UUID of another version: only random ones are safe to use as an idempotency key.
    #[error("must be a version 4 UUID")]
    NotVersion4,
    /// Nothing there.
    #[error("must not be empty")]
    Empty,
    /// Too many characters.
    #[error("must have at most {MAX_ACCOUNT_CHARS} characters")]
    TooLong,
    /// A character in it that is not shown or that turns text around.
    #[error("must not hold characters that are not shown or that turn text around")]
    ControlCharacter,
    /// Not a CRM's name.
    #[error("must be a name such as housecall_pro: a letter a-z, then up to 39 of a-z, 0-9 and _")]
    NotACrmName,
}

impl IdFault {
    /// The fault code it is reported under.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotAUuid => code::UUID,
            Self::NotVersion4 => code::UUID_VERSION,
            Self::Empty => code::EMPTY,
            Self::TooLong => code::TOO_LONG,
            Self::ControlCharacter => code::CONTROL_CHARACTER,
            Self::NotACrmName => code::CRM,
        }
    }
}

/// A version 4 UUID with its hyphens, as JSON Schema writes it.
const EVENT_ID: &str =
    "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$";

/// The idempotency key of a lead: a version 4 UUID, unique within an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EventId(Uuid);

impl EventId {
    /// Takes a UUID if it is a version 4 one.
    pub fn new(id: Uuid) -> Result<Self, IdFault> {
        let random = id.get_version_num() == 4 && id.get_variant() == Variant::RFC4122;
        if random {
            Ok(Self(id))
        } else {
            Err(IdFault::NotVersion4)
        }
    }

    /// The UUID itself.
    #[must_use]
    pub fn as_uuid(&self) -> Uuid {
        self.0
    }
}

impl FromStr for EventId {
    type Err = IdFault;

    fn from_str(text: &str) -> Result<Self, IdFault> {
        // The parser also takes braces, URNs and bare digits; the payload's schema does not.
        let hyphenated = text.len() == 36;
        let id = Uuid::try_parse(text)
            .ok()
            .filter(|_| hyphenated)
            .ok_or(IdFault::NotAUuid)?;
        Self::new(id)
    }
}

impl From<EventId> for Uuid {
    fn from(id: EventId) -> Self {
        id.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl JsonSchema for EventId {
    fn schema_name() -> Cow<'static, str> {
        "EventId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uuid", "pattern": EVENT_ID })
    }
}

/// Whose lead it is: `callsetter_account_id`, 1 to 128 characters, all of them shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct AccountId(String);

impl AccountId {
    /// Takes a text that is an account id.
    pub fn new(text: impl Into<String>) -> Result<Self, IdFault> {
        let text = text.into();
        if text.trim().is_empty() {
            Err(IdFault::Empty)
        } else if text.chars().count() > MAX_ACCOUNT_CHARS {
            Err(IdFault::TooLong)
        } else if text.contains(is_unshown) {
            Err(IdFault::ControlCharacter)
        } else {
            Ok(Self(text))
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = IdFault;

    fn from_str(text: &str) -> Result<Self, IdFault> {
        Self::new(text)
    }
}

impl JsonSchema for AccountId {
    fn schema_name() -> Cow<'static, str> {
        "AccountId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": MAX_ACCOUNT_CHARS })
    }
}

/// The name of a CRM as routing writes it, such as `housecall_pro`.
///
/// Any name of that shape is one: whether an adapter for it exists is known elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct CrmName(Cow<'static, str>);

impl CrmName {
    /// Housecall Pro.
    pub const HOUSECALL_PRO: Self = Self(Cow::Borrowed("housecall_pro"));
    /// `ServiceTitan`.
    pub const SERVICETITAN: Self = Self(Cow::Borrowed("servicetitan"));
    /// Jobber.
    pub const JOBBER: Self = Self(Cow::Borrowed("jobber"));
    /// Workiz.
    pub const WORKIZ: Self = Self(Cow::Borrowed("workiz"));
    /// `HubSpot`.
    pub const HUBSPOT: Self = Self(Cow::Borrowed("hubspot"));
    /// Pipedrive.
    pub const PIPEDRIVE: Self = Self(Cow::Borrowed("pipedrive"));

    /// Takes a text that is a CRM's name: `^[a-z][a-z0-9_]{0,39}$`.
    pub fn new(text: impl Into<String>) -> Result<Self, IdFault> {
        let text = text.into();
        let shaped = text.len() <= MAX_CRM_CHARS
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if shaped {
            Ok(Self(Cow::Owned(text)))
        } else {
            Err(IdFault::NotACrmName)
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CrmName {
    type Err = IdFault;

    fn from_str(text: &str) -> Result<Self, IdFault> {
        Self::new(text)
    }
}

impl JsonSchema for CrmName {
    fn schema_name() -> Cow<'static, str> {
        "CrmName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]{0,39}$",
            "examples": ["housecall_pro", "servicetitan", "jobber"],
        })
    }
}

/// Reads an identifier from text and shows it as text, so a stored one is checked like a new one.
macro_rules! id_text {
    ($($name:ident),+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )+};
}
id_text!(EventId, AccountId, CrmName);

/// Shows a text identifier.
macro_rules! id_display {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )+};
}
id_display!(AccountId, CrmName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_random_uuid_in_its_hyphenated_form_is_an_event_id() {
        let cases = [
            ("3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10", Ok(())),
            ("3D1F6A52-7C1E-4B7A-9D55-0D6C1F3B9A10", Ok(())),
            ("3d1f6a527c1e4b7a9d550d6c1f3b9a10", Err(IdFault::NotAUuid)),
            (
                "{3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10}",
                Err(IdFault::NotAUuid),
            ),
            (
                "urn:uuid:3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10",
                Err(IdFault::NotAUuid),
            ),
            (
                "3d1f6a52-7c1e-1b7a-9d55-0d6c1f3b9a10",
                Err(IdFault::NotVersion4),
            ),
            (
                "3d1f6a52-7c1e-7b7a-9d55-0d6c1f3b9a10",
                Err(IdFault::NotVersion4),
            ),
            (
                "3d1f6a52-7c1e-4b7a-1d55-0d6c1f3b9a10",
                Err(IdFault::NotVersion4),
            ),
            (
                "00000000-0000-0000-0000-000000000000",
                Err(IdFault::NotVersion4),
            ),
            ("", Err(IdFault::NotAUuid)),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<EventId>().map(|_| ()), expected, "{text}");
        }
    }

    #[test]
    fn an_account_id_has_a_length_and_no_control_characters() {
        assert_eq!(AccountId::new("acct_xyz").unwrap().as_str(), "acct_xyz");
        assert!(AccountId::new("ü".repeat(128)).is_ok());
        assert_eq!(AccountId::new("ü".repeat(129)), Err(IdFault::TooLong));
        assert_eq!(AccountId::new(""), Err(IdFault::Empty));
        assert_eq!(AccountId::new("  "), Err(IdFault::Empty));
        assert_eq!(AccountId::new("a\nb"), Err(IdFault::ControlCharacter));
        assert_eq!(AccountId::new("a\0b"), Err(IdFault::ControlCharacter));
    }

    #[test]
    fn a_crm_name_is_lower_case_letters_digits_and_underscores() {
        for name in ["a", "housecall_pro", "crm2", &"a".repeat(40)] {
            assert!(CrmName::new(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "_a",
            "2crm",
            "Jobber",
            "a-b",
            "a b",
            "é",
            "a\n",
            &"a".repeat(41),
        ] {
            assert_eq!(CrmName::new(name), Err(IdFault::NotACrmName), "{name}");
        }
        assert_eq!("jobber".parse(), Ok(CrmName::JOBBER));
    }

    #[test]
    fn a_stored_identifier_is_checked_when_it_is_read() {
        assert!(serde_json::from_str::<CrmName>("\"Not A Crm\"").is_err());
        assert!(serde_json::from_str::<AccountId>("\"\"").is_err());
        assert_eq!(
            serde_json::from_str::<CrmName>("\"jobber\"").unwrap(),
            CrmName::JOBBER
        );
    }
}
