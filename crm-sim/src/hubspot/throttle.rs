//! The budgets of an account: a window of ten seconds, a day, and searches by the second.

use axum::http::{HeaderName, HeaderValue};
use chrono::{DateTime, TimeDelta, Utc};

use crate::limits::Limits;
use crate::reply::Reply;

/// One account's budgets as they stand.
pub(super) struct Throttle {
    window: Window,
    searches: Window,
    /// Calls that are left of the day, at the end of which there is none here.
    daily: u64,
    daily_max: u64,
}

struct Window {
    length: TimeDelta,
    most: u64,
    seen: u64,
    since: DateTime<Utc>,
}

impl Window {
    fn new(seconds: i64, most: u64) -> Self {
        Self {
            length: TimeDelta::seconds(seconds),
            most,
            seen: 0,
            since: DateTime::UNIX_EPOCH,
        }
    }

    fn takes(&mut self, now: DateTime<Utc>) -> bool {
        if now - self.since >= self.length {
            (self.seen, self.since) = (0, now);
        }
        self.seen += 1;
        self.seen <= self.most
    }

    fn left(&self) -> u64 {
        self.most.saturating_sub(self.seen)
    }
}

impl Throttle {
    /// What an account of a paid plan has.
    pub(super) fn new() -> Self {
        Self {
            window: Window::new(10, 190),
            searches: Window::new(1, 5),
            daily: 650_000,
            daily_max: 650_000,
        }
    }

    /// `requests`: calls in ten seconds; `available`: calls left of the day; `restore_rate`: searches in
    /// a second.
    pub(super) fn set(&mut self, limits: &Limits) {
        if let Some(requests) = limits.requests {
            self.window = Window::new(10, requests);
        }
        if let Some(searches) = limits.restore_rate {
            self.searches = Window::new(1, searches);
        }
        self.daily = limits.available.unwrap_or(self.daily);
        self.daily_max = limits.maximum.unwrap_or(self.daily_max);
    }

    /// Which budget a call finds used up, if one is.
    pub(super) fn exceeded(&mut self, is_search: bool, now: DateTime<Utc>) -> Option<&'static str> {
        if self.daily == 0 {
            return Some("DAILY");
        }
        self.daily -= 1;
        if !self.window.takes(now) {
            return Some("TEN_SECONDLY_ROLLING");
        }
        (is_search && !self.searches.takes(now)).then_some("SECONDLY")
    }

    /// The headers of every answer but a search's; the day's only where the token was given by hand.
    pub(super) fn told(&self, reply: Reply, with_day: bool) -> Reply {
        let mut told = vec![
            ("x-hubspot-ratelimit-max", self.window.most),
            ("x-hubspot-ratelimit-remaining", self.window.left()),
            ("x-hubspot-ratelimit-interval-milliseconds", 10_000),
        ];
        if with_day {
            told.push(("x-hubspot-ratelimit-daily", self.daily_max));
            told.push(("x-hubspot-ratelimit-daily-remaining", self.daily));
        }
        told.into_iter().fold(reply, |reply, (name, value)| {
            reply.with_header(HeaderName::from_static(name), HeaderValue::from(value))
        })
    }
}
