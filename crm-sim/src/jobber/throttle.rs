//! Jobber's two limits of an account: a leaky bucket of query cost, and a count of requests.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::limits::Limits;

/// Jobber documents 2,500 requests in 300 seconds.
const WINDOW: TimeDelta = TimeDelta::seconds(300);

/// One account's limits as they stand.
pub(super) struct Throttle {
    maximum: f64,
    available: f64,
    restore_rate: f64,
    filled_at: DateTime<Utc>,
    requests: u64,
    seen: u64,
    window_start: DateTime<Utc>,
}

impl Throttle {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        Self {
            maximum: 10_000.0,
            available: 10_000.0,
            restore_rate: 500.0,
            filled_at: now,
            requests: 2_500,
            seen: 0,
            window_start: now,
        }
    }

    pub(super) fn set(&mut self, limits: &Limits, now: DateTime<Utc>) {
        self.refill(now);
        if let Some(maximum) = limits.maximum {
            self.maximum = maximum as f64;
        }
        if let Some(available) = limits.available {
            self.available = available as f64;
        }
        if let Some(restore_rate) = limits.restore_rate {
            self.restore_rate = restore_rate as f64;
        }
        if let Some(requests) = limits.requests {
            (self.requests, self.seen, self.window_start) = (requests, 0, now);
        }
        self.available = self.available.min(self.maximum);
    }

    /// Counts a request; whether it is one too many. Refused ones count too.
    pub(super) fn is_flooded(&mut self, now: DateTime<Utc>) -> bool {
        if now - self.window_start >= WINDOW {
            (self.seen, self.window_start) = (0, now);
        }
        self.seen += 1;
        self.seen > self.requests
    }

    /// Whether there are points for a query of that cost. None are taken yet.
    pub(super) fn affords(&mut self, requested: u64, now: DateTime<Utc>) -> bool {
        self.refill(now);
        requested as f64 <= self.available
    }

    pub(super) fn charge(&mut self, actual: u64) {
        self.available = (self.available - actual as f64).max(0.0);
    }

    /// `extensions.cost` of an answer.
    pub(super) fn show(&self, requested: u64, actual: u64) -> Value {
        json!({
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": self.maximum as u64,
                "currentlyAvailable": self.available as u64,
                "restoreRate": self.restore_rate as u64,
            },
        })
    }

    fn refill(&mut self, now: DateTime<Utc>) {
        let elapsed = (now - self.filled_at).as_seconds_f64().max(0.0);
        self.available = (self.available + elapsed * self.restore_rate).min(self.maximum);
        self.filled_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn points_come_back_by_the_second_and_never_beyond_the_maximum() {
        let mut throttle = Throttle::new(at(0));
        throttle.charge(9_900);
        assert!(throttle.affords(100, at(0)) && !throttle.affords(101, at(0)));
        assert!(throttle.affords(1_100, at(2)) && !throttle.affords(1_101, at(2)));
        assert!(!throttle.affords(10_001, at(3_600)));
        throttle.charge(20_000);
        let shown = throttle.show(142, 47);
        assert_eq!(shown["throttleStatus"]["currentlyAvailable"], 0);
        assert_eq!(
            (&shown["requestedQueryCost"], &shown["actualQueryCost"]),
            (&json!(142), &json!(47))
        );
    }

    #[test]
    fn a_bucket_that_is_set_holds_no_more_than_its_maximum() {
        let mut throttle = Throttle::new(at(0));
        let limits = Limits {
            maximum: Some(50),
            restore_rate: Some(0),
            ..Limits::default()
        };
        throttle.set(&limits, at(0));
        assert!(throttle.affords(50, at(9)) && !throttle.affords(51, at(9)));
        throttle.charge(50);
        assert!(!throttle.affords(1, at(900)));
    }

    #[test]
    fn requests_are_counted_by_the_window_and_refused_ones_count_too() {
        let mut throttle = Throttle::new(at(0));
        let limits = Limits {
            requests: Some(2),
            ..Limits::default()
        };
        throttle.set(&limits, at(0));
        let floods: Vec<bool> = [0, 1, 2, 299, 300, 301, 302]
            .map(|second| throttle.is_flooded(at(second)))
            .into();
        assert_eq!(floods, [false, false, true, true, false, false, true]);
    }
}
