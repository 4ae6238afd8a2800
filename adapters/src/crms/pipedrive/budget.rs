//! How many more calls Pipedrive takes: the window of two seconds, and the tokens of the day.
//!
//! The day's tokens are the whole company's, people and other apps included. Calls cost 2 to 20 of them;
//! as a search is the first thing that a lead needs, and the dearest, what is left counts in searches.

use std::time::Duration;

use chrono::DateTime;
use http::HeaderMap;
use http::header::DATE;

use crate::http::budget::{CallBudget, call_budget, left_of, number};

/// What the dearest call of ours costs: a search, or a list of leads.
const DEAREST: u64 = 20;

/// The seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// How long the day may still last where the answer does not say when it was given.
const UNKNOWN: Duration = Duration::from_secs(60 * 60);

/// The tighter of both budgets, as far as the headers speak of them.
pub(super) fn budget(headers: &HeaderMap) -> Option<CallBudget> {
    let of_day = calls_today(headers).map(|left| CallBudget {
        left,
        resets_in: until_tomorrow(headers),
    });
    let both = call_budget(headers).into_iter().chain(of_day);
    both.min_by_key(|budget| budget.left)
}

/// How long an answer 429 asks for patience: until the window opens again, or the next day.
pub(super) fn pause(headers: &HeaderMap, said: Option<Duration>) -> Option<Duration> {
    if calls_today(headers) == Some(0) {
        return Some(until_tomorrow(headers));
    }
    said.or_else(|| Some(Duration::from_secs(number(headers, "x-ratelimit-reset")?)))
}

/// `x-daily-ratelimit-token-remaining` counts tokens; the older `x-daily-requests-left` counts requests.
fn calls_today(headers: &HeaderMap) -> Option<u32> {
    let tokens = number(headers, "x-daily-ratelimit-token-remaining");
    let by_tokens = tokens.map(|tokens| tokens / DEAREST);
    let left = by_tokens.into_iter();
    let left = left.chain(number(headers, "x-daily-requests-left"));
    left.min().map(left_of)
}

/// The budget is made up at midnight, UTC, by the clock of the answer.
fn until_tomorrow(headers: &HeaderMap) -> Duration {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let passed = date.and_then(|date| u64::try_from(date.timestamp()).ok());
    passed.map_or(UNKNOWN, |passed| Duration::from_secs(DAY - passed % DAY))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        });
        pairs.collect()
    }

    const EVENING: (&str, &str) = ("date", "Sat, 21 Nov 2026 23:00:00 GMT");

    #[test]
    fn the_tighter_of_window_and_day_counts() {
        let window = ("x-ratelimit-remaining", "80");
        let reset = ("x-ratelimit-reset", "2");
        let tokens = |left| ("x-daily-ratelimit-token-remaining", left);
        for (pairs, expected) in [
            (vec![], None),
            (vec![window, reset], Some((80, 2))),
            (vec![window, reset, tokens("90000")], Some((80, 2))),
            (
                vec![window, reset, tokens("159"), EVENING],
                Some((7, 3_600)),
            ),
            (vec![tokens("19"), EVENING], Some((0, 3_600))),
            (vec![tokens("40")], Some((2, 3_600))),
            (
                vec![tokens("400"), ("x-daily-requests-left", "3"), EVENING],
                Some((3, 3_600)),
            ),
            (vec![tokens("many")], None),
        ] {
            let told = budget(&headers(&pairs));
            let told = told.map(|budget| (budget.left, budget.resets_in.as_secs()));
            assert_eq!(told, expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_pause_is_what_is_asked_for_the_window_or_the_rest_of_the_day() {
        let spent = ("x-daily-ratelimit-token-remaining", "0");
        let reset = ("x-ratelimit-reset", "2");
        for (pairs, said, expected) in [
            (vec![], None, None),
            (vec![reset], None, Some(2)),
            (vec![reset], Some(9), Some(9)),
            (vec![reset, spent, EVENING], Some(2), Some(3_600)),
        ] {
            let paused = pause(&headers(&pairs), said.map(Duration::from_secs));
            assert_eq!(paused, expected.map(Duration::from_secs), "{pairs:?}");
        }
    }
}
