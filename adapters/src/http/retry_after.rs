//! How long a CRM asks to be left alone (RFC 9110, section 10.2.3).
//!
//! Our own clock is not asked: a date is read against the `Date` of the same answer, so a CRM
//! whose clock is wrong is still understood.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// The longest wait that is believed. Beyond it the number says more about the CRM than about us.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads `Retry-After`: seconds (fractions are taken, negative means at once) or an HTTP date.
///
/// `None` when the header is missing, unreadable, or a date in an answer without a `Date`.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, &RETRY_AFTER)?;
    let wait = match seconds(value) {
        Some(wait) => wait,
        None => until(http_date(value)?, http_date(text(headers, &DATE)?)?),
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

fn text<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> Option<&'h str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// Only digits, a sign and a point: `NaN`, `inf` and `1e9` are words here, not numbers.
fn seconds(value: &str) -> Option<Duration> {
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+');
    if !value.chars().all(numeric) {
        return None;
    }
    let seconds: f64 = value.parse().ok()?;
    let bounded = seconds.clamp(0.0, MAX_RETRY_AFTER.as_secs_f64());
    Some(Duration::from_secs_f64(bounded))
}

fn until(then: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (then - now).to_std().unwrap_or_default()
}

/// The three shapes of an HTTP date (RFC 9110, section 5.6.7); the last two are obsolete but must
/// be understood.
fn http_date(value: &str) -> Option<DateTime<Utc>> {
    if let Ok(date) = DateTime::parse_from_rfc2822(value) {
        return Some(date.to_utc());
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|shape| NaiveDateTime::parse_from_str(value, shape).ok())
        .map(|date| date.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(retry_after_value: &str, date: Option<&str>) -> Option<f64> {
        let mut headers = HeaderMap::new();
        headers.insert(
            RETRY_AFTER,
            HeaderValue::from_str(retry_after_value).unwrap(),
        );
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        }
        retry_after(&headers).map(|wait| wait.as_secs_f64())
    }

    const NOW: Option<&str> = Some("Sat, 21 Nov 2026 12:00:00 GMT");
    const DAY: f64 = 86_400.0;

    #[test]
    fn every_shape_of_retry_after_is_understood_or_left_alone() {
        let rows = [
            ("0", NOW, Some(0.0)),
            ("1", None, Some(1.0)),
            ("30", NOW, Some(30.0)),
            (" 30 ", NOW, Some(30.0)),
            ("1.5", NOW, Some(1.5)),
            (".25", NOW, Some(0.25)),
            ("-5", NOW, Some(0.0)),
            ("-0.1", NOW, Some(0.0)),
            ("86400", NOW, Some(DAY)),
            ("86401", NOW, Some(DAY)),
            ("99999999999999999999999999", NOW, Some(DAY)),
            ("NaN", NOW, None),
            ("inf", NOW, None),
            ("1e9", NOW, None),
            ("", NOW, None),
            ("soon", NOW, None),
            ("1-2.3+4", NOW, None),
            ("Sat, 21 Nov 2026 12:00:45 GMT", NOW, Some(45.0)),
            ("Saturday, 21-Nov-26 12:00:45 GMT", NOW, Some(45.0)),
            ("Sat Nov 21 12:00:45 2026", NOW, Some(45.0)),
            ("Sat, 21 Nov 2026 11:59:00 GMT", NOW, Some(0.0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", NOW, Some(DAY)),
            ("Sat, 21 Nov 2026 12:00:45 GMT", None, None),
            ("Sat, 21 Nov 2026 12:00:45 GMT", Some("yesterday"), None),
            // The CRM's clock is a year behind, and so is the date it names.
            (
                "Fri, 21 Nov 2025 12:01:00 GMT",
                Some("Fri, 21 Nov 2025 12:00:00 GMT"),
                Some(60.0),
            ),
        ];
        for (value, date, expected) in rows {
            assert_eq!(
                read(value, date),
                expected,
                "Retry-After: {value:?}, Date: {date:?}"
            );
        }
    }

    #[test]
    fn an_answer_without_the_header_names_no_time() {
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
