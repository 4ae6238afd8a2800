//! What calls cost: tokens of the company's day, and places in a window of two seconds.

use axum::http::Method;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::limits::Limits;

/// 30,000 tokens a seat of the smallest plan; these are a large company's.
const DAY: u64 = 1_500_000;
/// The most calls that a window of any plan has.
const WINDOW: u64 = 480;
/// The most searches of a window.
const SEARCHES: u64 = 10;
const WINDOW_LASTS: TimeDelta = TimeDelta::seconds(2);

/// One company's budgets as they stand.
pub(super) struct Tokens {
    day: Option<NaiveDate>,
    /// The day's tokens, where they were set, stay what they are until they are set again.
    set: Option<u64>,
    left: u64,
    window_limit: u64,
    searches: Option<u64>,
    window_start: DateTime<Utc>,
    calls: u64,
    searched: u64,
}

/// What is left, as the headers of an answer say it.
#[derive(Clone, Copy)]
pub(super) struct Left {
    pub(super) window_limit: u64,
    pub(super) window: u64,
    pub(super) reset_in_seconds: u64,
    pub(super) day: u64,
}

/// A call that is not answered.
pub(super) struct Refused {
    pub(super) why: &'static str,
    pub(super) left: Left,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            day: None,
            set: None,
            left: DAY,
            window_limit: WINDOW,
            searches: None,
            window_start: DateTime::UNIX_EPOCH,
            calls: 0,
            searched: 0,
        }
    }
}

impl Tokens {
    pub(super) fn set(&mut self, limits: &Limits) {
        if let Some(tokens) = limits.available {
            (self.set, self.left) = (Some(tokens), tokens);
        }
        if let Some(calls) = limits.requests {
            self.window_limit = calls;
            // More calls than any plan has: nothing is to be limited.
            self.searches = (calls <= WINDOW).then_some(calls.min(SEARCHES));
            self.window_start = DateTime::UNIX_EPOCH;
        }
    }

    /// Pays for a call; one that is refused costs a place in the window and no tokens.
    pub(super) fn take(
        &mut self,
        cost: u64,
        is_search: bool,
        now: DateTime<Utc>,
    ) -> Result<Left, Refused> {
        self.renew(now);
        self.calls += 1;
        self.searched += u64::from(is_search);
        let too_many_searches = self
            .searches
            .is_some_and(|most| is_search && self.searched > most);
        if self.calls > self.window_limit || too_many_searches {
            let why = "request over limit";
            return Err(Refused {
                why,
                left: self.left_at(now),
            });
        }
        if cost > self.left {
            self.left = 0;
            let why = "API token budget of the day is exhausted";
            return Err(Refused {
                why,
                left: self.left_at(now),
            });
        }
        self.left -= cost;
        Ok(self.left_at(now))
    }

    fn renew(&mut self, now: DateTime<Utc>) {
        if now - self.window_start >= WINDOW_LASTS {
            (self.window_start, self.calls, self.searched) = (now, 0, 0);
        }
        let today = now.date_naive();
        if self.day.replace(today) != Some(today) && self.set.is_none() {
            self.left = DAY;
        }
    }

    fn left_at(&self, now: DateTime<Utc>) -> Left {
        let open_again = self.window_start + WINDOW_LASTS - now;
        Left {
            window_limit: self.window_limit,
            window: self.window_limit.saturating_sub(self.calls),
            reset_in_seconds: u64::try_from(open_again.num_seconds() + 1).unwrap_or(1),
            day: self.left,
        }
    }
}

/// The documents' `x-token-cost`.
pub(super) fn cost(method: &Method, template: &str) -> u64 {
    let last = template.rsplit('/').next().unwrap_or_default();
    match (method == Method::POST, last) {
        (true, "persons" | "deals") => 5,
        (true, _) => 10,
        (false, "search" | "leads" | "archived" | "notes" | "users") => 20,
        (false, "me") => 2,
        (false, "{id}") => 1,
        (false, "pipelines" | "stages") => 5,
        (false, _) => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_day_has_so_many_tokens_and_the_next_one_has_them_again() {
        let mut tokens = Tokens {
            left: 30,
            day: Some(at(9).date_naive()),
            ..Tokens::default()
        };
        assert!(tokens.take(20, false, at(9)).is_ok());
        let refused = tokens.take(20, false, at(10));
        assert!(refused.is_err_and(|refused| refused.left.day == 0));
        let next = tokens.take(20, false, at(86_400));
        assert!(next.is_ok_and(|left| left.day == DAY - 20));
    }

    #[test]
    fn a_window_is_over_after_two_seconds_and_searches_have_their_own() {
        let mut tokens = Tokens::default();
        tokens.set(&Limits {
            requests: Some(12),
            ..Limits::default()
        });
        let searched = (0..11).filter(|_| tokens.take(1, true, at(10)).is_ok());
        assert_eq!(searched.count(), 10);
        let others = (0..2).filter(|_| tokens.take(1, false, at(11)).is_ok());
        assert_eq!(others.count(), 1);
        let left = tokens.take(1, true, at(12));
        assert!(left.is_ok_and(|left| (left.window, left.window_limit) == (11, 12)));
    }
}
