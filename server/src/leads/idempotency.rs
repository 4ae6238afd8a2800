//! `Idempotency-Key`: a lead has one of its own, its `event_id`.
//!
//! Clients that send the header with everything they create may send it here too. It says again what the
//! lead says, or the client and its lead disagree about which lead this is.

use http::{HeaderMap, HeaderName};
use leadrail_lead::EventId;

use crate::problem::Problem;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Refuses one lead whose `Idempotency-Key`, bare or in quotes, is not its `event_id`.
pub(super) fn agree(headers: &HeaderMap, event_id: EventId) -> Result<(), Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (Some(key), second) = (given.next(), given.next()) else {
        return Ok(());
    };
    if second.is_some() {
        return Err(Problem::bad_request(
            "the Idempotency-Key header stands in the request twice",
        ));
    }
    let key = key.to_str().unwrap_or_default().trim().trim_matches('"');
    if key.parse() == Ok(event_id) {
        return Ok(());
    }
    Err(Problem::another_key(
        "the Idempotency-Key of a lead is its event_id, which this one is not: leave the header out, or \
         send the event_id in it; nothing was kept",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10";

    fn agrees(keys: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for key in keys {
            headers.append(IDEMPOTENCY_KEY, key.parse().expect("a value"));
        }
        agree(&headers, EVENT.parse().expect("an id")).is_ok()
    }

    #[test]
    fn the_key_is_the_event_id_in_any_spelling_or_is_left_out() {
        let quoted = format!("\"{EVENT}\"");
        for keys in [&[][..], &[EVENT], &[&quoted], &[&EVENT.to_uppercase()]] {
            assert!(agrees(keys), "{keys:?}");
        }
        let other = EVENT.replace('3', "4");
        for keys in [&[""][..], &["x"], &[&other], &["\""], &[EVENT, EVENT]] {
            assert!(!agrees(keys), "{keys:?}");
        }
    }
}
