//! What people type to find a lead: a number, or an id.

use crate::error::{DeskError, DeskResult};
use leadrail_lead::Phone;
use uuid::Uuid;

/// The most characters of a search; a number with its extension has a few dozen.
const MOST: usize = 64;

/// What is looked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// A lead's event id, or its run's id.
    Id(Uuid),
    /// The caller's number in E.164.
    Phone(String),
}

impl Search {
    /// Reads it. It may be a caller's number, so no error repeats it.
    pub(super) fn read(text: &str) -> DeskResult<Self> {
        let text = text.trim();
        if let Ok(id) = Uuid::try_parse(text) {
            return Ok(Self::Id(id));
        }
        let may_be = text.chars().count() <= MOST && !text.contains(char::is_control);
        let number = may_be.then(|| Phone::parse(text));
        match number {
            Some(Ok(number)) => Ok(Self::Phone(number.as_str().to_owned())),
            _ => Err(DeskError::refused(
                "q",
                "q is a telephone number, an event id or a run id",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_an_id_or_a_number_however_it_is_written() {
        let number = Search::Phone("+13055550182".to_owned());
        for text in [" (305) 555-0182 ", "+1 305 555 0182", "305.555.0182 x7"] {
            assert_eq!(Search::read(text).expect(text), number);
        }
        let id = "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10";
        let expected = Search::Id(id.parse().expect("an id"));
        assert_eq!(Search::read(id).expect("an id"), expected);
        assert_eq!(Search::read(&id.to_uppercase()).expect("an id"), expected);
    }

    #[test]
    fn what_is_neither_is_refused_and_not_repeated() {
        let hostile = [
            "",
            " ",
            "canary",
            "12",
            "' or 1=1 --",
            "%",
            "305\u{0}5550182",
        ];
        let long = "3".repeat(100_000);
        for text in hostile.into_iter().chain([long.as_str()]) {
            let refused = Search::read(text).expect_err("refused");
            assert!(refused.is_wrong_use());
            assert!(text.trim().is_empty() || !refused.to_string().contains(text));
        }
    }
}
