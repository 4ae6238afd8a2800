//! The two budgets of an app at a location: calls in ten seconds, and in a day.

use axum::http::{HeaderName, HeaderValue};
use chrono::{DateTime, TimeDelta, Utc};

use crate::clock;
use crate::reply::Reply;

/// How long the shorter budget lasts.
const INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// How many calls a day has.
const A_DAY: u64 = 200_000;

/// Calls of one location.
pub(super) struct Meter {
    most: u64,
    seen: u64,
    since: DateTime<Utc>,
    of_day: u64,
}

/// What the meter said when a call came.
#[derive(Clone, Copy)]
pub(super) struct Reading {
    most: u64,
    seen: u64,
    of_day: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            most: 100,
            seen: 0,
            since: clock::now(),
            of_day: 0,
        }
    }
}

impl Meter {
    /// Another budget, and a new interval.
    pub(super) fn set(&mut self, most: Option<u64>) {
        self.most = most.unwrap_or(self.most);
        (self.seen, self.since) = (0, clock::now());
    }

    pub(super) fn count(&mut self) -> Reading {
        let now = clock::now();
        if now - self.since >= INTERVAL {
            (self.seen, self.since) = (0, now);
        }
        self.seen += 1;
        self.of_day += 1;
        Reading {
            most: self.most,
            seen: self.seen,
            of_day: self.of_day,
        }
    }
}

impl Reading {
    pub(super) fn is_over(self) -> bool {
        self.seen > self.most
    }

    /// An answer with what is left. There is no `Retry-After`.
    pub(super) fn show_on(self, reply: Reply) -> Reply {
        let left = [
            ("x-ratelimit-limit-daily", A_DAY),
            (
                "x-ratelimit-daily-remaining",
                A_DAY.saturating_sub(self.of_day),
            ),
            ("x-ratelimit-interval-milliseconds", 10_000),
            ("x-ratelimit-max", self.most),
            ("x-ratelimit-remaining", self.most.saturating_sub(self.seen)),
        ];
        left.into_iter().fold(reply, |reply, (name, value)| {
            reply.with_header(HeaderName::from_static(name), HeaderValue::from(value))
        })
    }
}
