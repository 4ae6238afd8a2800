//! How many more calls a CRM will take, by the headers of its answers.
//!
//! Names differ, the meaning does not: what is left of a budget, and when it is made up again.
//! `X-RateLimit-Remaining` comes with `X-RateLimit-Reset` (Pipedrive, Zoho's kin), or with the fixed
//! interval of the budget (HighLevel, HubSpot); the IETF draft has one header for both (monday.com).

use super::retry_after::MAX_RETRY_AFTER;
use chrono::DateTime;
use http::HeaderMap;
use http::header::DATE;
use std::time::Duration;

/// What is left of a CRM's budget of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallBudget {
    /// Calls that it still takes.
    pub left: u32,
    /// When there will be more; a day at most.
    pub resets_in: Duration,
}

/// A header for what is left, one for when it is made up again, and what that one counts.
const PAIRS: [(&str, &str, Unit); 5] = [
    ("x-ratelimit-remaining", "x-ratelimit-reset", Unit::Seconds),
    (
        "x-rate-limit-remaining",
        "x-rate-limit-reset",
        Unit::Seconds,
    ),
    ("ratelimit-remaining", "ratelimit-reset", Unit::Seconds),
    (
        "x-ratelimit-remaining",
        "x-ratelimit-interval-milliseconds",
        Unit::Milliseconds,
    ),
    (
        "x-hubspot-ratelimit-remaining",
        "x-hubspot-ratelimit-interval-milliseconds",
        Unit::Milliseconds,
    ),
];

#[derive(Clone, Copy)]
enum Unit {
    /// From now, or since 1970 when it cannot be that.
    Seconds,
    Milliseconds,
}

/// Reads the tightest budget that the headers speak of; `None` when they speak of none.
#[must_use]
pub fn call_budget(headers: &HeaderMap) -> Option<CallBudget> {
    let pairs = PAIRS.iter().filter_map(|(left, resets, unit)| {
        Some(CallBudget {
            left: left_of(number(headers, left)?),
            resets_in: until(headers, number(headers, resets)?, *unit)?,
        })
    });
    let entries = headers.get_all("ratelimit").iter();
    let entries = entries.filter_map(|value| value.to_str().ok());
    let listed = entries.flat_map(|text| text.split(',')).filter_map(entry);
    pairs.chain(listed).min_by_key(|budget| budget.left)
}

/// One entry of the IETF draft's `RateLimit`: `"minuteRate";r=50;t=30`.
fn entry(text: &str) -> Option<CallBudget> {
    let parameter = |name: &str| {
        let mut parts = text
            .split(';')
            .skip(1)
            .filter_map(|part| part.trim().split_once('='));
        let value = parts.find(|(key, _)| *key == name)?.1;
        value.trim().parse::<u64>().ok()
    };
    Some(CallBudget {
        left: left_of(parameter("r")?),
        resets_in: Duration::from_secs(parameter("t")?).min(MAX_RETRY_AFTER),
    })
}

pub(crate) fn left_of(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A header that is a whole number.
pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// A time since 1970 is read against the `Date` of the same answer, never against our clock.
fn until(headers: &HeaderMap, number: u64, unit: Unit) -> Option<Duration> {
    const SURELY_A_TIME: u64 = 1_000_000_000;
    let wait = match unit {
        Unit::Milliseconds => Duration::from_millis(number),
        Unit::Seconds if number < SURELY_A_TIME => Duration::from_secs(number),
        Unit::Seconds => {
            let date = DateTime::parse_from_rfc2822(headers.get(DATE)?.to_str().ok()?).ok()?;
            let now = u64::try_from(date.timestamp()).ok()?;
            Duration::from_secs(number.saturating_sub(now))
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    type Headers<'h> = &'h [(&'static str, &'h str)];

    fn read(headers: Headers<'_>) -> Option<(u32, u64)> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            map.append(HeaderName::from_static(name), value);
        }
        call_budget(&map).map(|budget| (budget.left, budget.resets_in.as_secs()))
    }

    #[test]
    fn every_way_of_saying_what_is_left_is_understood_or_left_alone() {
        let date = ("date", "Sat, 21 Nov 2026 12:00:00 GMT");
        let epoch = "1795262460";
        let rows: [(Headers<'_>, Option<(u32, u64)>); 14] = [
            (&[], None),
            (&[("x-ratelimit-remaining", "5")], None),
            (
                &[("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", "2")],
                Some((5, 2)),
            ),
            (
                &[
                    ("x-rate-limit-remaining", "0"),
                    ("x-rate-limit-reset", "60"),
                ],
                Some((0, 60)),
            ),
            (
                &[("ratelimit-remaining", " 7 "), ("ratelimit-reset", "9")],
                Some((7, 9)),
            ),
            (
                &[
                    ("x-ratelimit-remaining", "5"),
                    ("x-ratelimit-reset", epoch),
                    date,
                ],
                Some((5, 60)),
            ),
            (
                &[("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", epoch)],
                None,
            ),
            (
                &[
                    ("x-hubspot-ratelimit-remaining", "3"),
                    ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
                ],
                Some((3, 10)),
            ),
            (
                &[
                    ("x-ratelimit-remaining", "4"),
                    ("x-ratelimit-interval-milliseconds", "10000"),
                ],
                Some((4, 10)),
            ),
            (
                &[(
                    "ratelimit",
                    "\"minuteRate\";r=50;t=30, \"concurrency\";r=2;t=1",
                )],
                Some((2, 1)),
            ),
            (&[("ratelimit", "r=50;t=30")], None),
            (&[("ratelimit", "\"x\";r=many;t=30")], None),
            (
                &[("x-ratelimit-remaining", "-1"), ("x-ratelimit-reset", "2")],
                None,
            ),
            (
                &[
                    ("x-ratelimit-remaining", "99999999999"),
                    ("x-ratelimit-reset", "999999999"),
                ],
                Some((u32::MAX, 86_400)),
            ),
        ];
        for (headers, expected) in rows {
            assert_eq!(read(headers), expected, "{headers:?}");
        }
    }
}
