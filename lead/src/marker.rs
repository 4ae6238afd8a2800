//! The tag by which a record in a CRM is recognized as ours after a crash or a timeout.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use sha2::{Digest as _, Sha256};

use crate::EventId;

/// What every marker begins with, so that a person reading the CRM sees whose it is.
const PREFIX: &str = "lr-";
/// Digits after the prefix: 40 bits, so that two of a million records in one CRM account share
/// one with a chance of about a third; look-ups also compare the caller.
const DIGITS: usize = 8;
/// Crockford's base 32 in lower case: no i, l, o or u to misread.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A short, readable tag, always the same for one event and step: `lr-7f3k2m9q`.
///
/// It is stored in other people's CRMs: the way it is computed must never change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Marker(String);

/// The text is not a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a marker such as lr-7f3k2m9q")]
pub struct NotAMarker;

impl Marker {
    /// The marker of one step of one event: the first 40 bits of SHA-256 over `event_id/step`.
    #[must_use]
    pub fn new(event_id: EventId, step: &str) -> Self {
        let digest = Sha256::digest(format!("{event_id}/{step}"));
        let bits = digest
            .iter()
            .take(5)
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let digit = |place: usize| char::from(ALPHABET[(bits >> (5 * place) & 31) as usize]);
        Self(PREFIX.chars().chain((0..DIGITS).rev().map(digit)).collect())
    }

    /// The marker as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands in this text of a CRM, which may have changed its letters to capitals.
    #[must_use]
    pub fn is_in(&self, text: Option<&str>) -> bool {
        text.is_some_and(|text| text.to_ascii_lowercase().contains(&self.0))
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for Marker {
    type Err = NotAMarker;

    fn from_str(text: &str) -> Result<Self, NotAMarker> {
        let digits = text.strip_prefix(PREFIX).ok_or(NotAMarker)?;
        let shaped = digits.len() == DIGITS && digits.bytes().all(|b| ALPHABET.contains(&b));
        if shaped {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAMarker)
        }
    }
}

impl<'de> Deserialize<'de> for Marker {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(from)?
            .parse()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> EventId {
        text.parse().unwrap()
    }

    #[test]
    fn a_marker_never_changes() {
        let id = event("3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10");
        assert_eq!(Marker::new(id, "lead-create").as_str(), "lr-b5cvh92e");
    }

    #[test]
    fn it_is_seen_in_a_text_whatever_became_of_its_letters() {
        let marker = Marker("lr-b5cvh92e".to_owned());
        assert!(marker.is_in(Some("No heat. Ref: LR-B5CVH92E")));
        for other in [None, Some(""), Some("lr-b5cvh92"), Some("lr-b5cvh92f")] {
            assert!(!marker.is_in(other), "{other:?}");
        }
    }

    #[test]
    fn each_step_of_each_event_has_its_own() {
        let one = event("3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10");
        let two = event("3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a11");
        assert_ne!(
            Marker::new(one, "lead-create"),
            Marker::new(one, "note-attach")
        );
        assert_ne!(
            Marker::new(one, "lead-create"),
            Marker::new(two, "lead-create")
        );
    }

    #[test]
    fn a_marker_is_read_back_and_nothing_else_is() {
        let marker = Marker::new(event("3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10"), "x");
        let text = serde_json::to_string(&marker).unwrap();
        assert_eq!(serde_json::from_str::<Marker>(&text).unwrap(), marker);
        for text in [
            "",
            "lr-",
            "lr-7f3k2m9",
            "lr-7f3k2m9qq",
            "LR-7F3K2M9Q",
            "lr-7f3k2m9u",
            "lr-é3k2m9",
        ] {
            assert_eq!(text.parse::<Marker>(), Err(NotAMarker), "{text}");
        }
    }
}
