//! Which of the times that are due are fired. Pure.

use super::FireTimes;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// A time that is fired so much later is still on time.
const ON_TIME: TimeDelta = TimeDelta::seconds(60);

/// What becomes of times that passed while no worker was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// They are skipped: a time more than a minute old does not fire.
    Skip,
    /// The latest of them fires.
    Latest,
    /// They all fire, the oldest first, but only the latest `most` of them (1 to 1,000).
    All {
        /// How many at most.
        most: u32,
    },
}

impl CatchUp {
    /// The name in SQL, and how many times it may fire at once.
    pub(super) fn parts(self) -> (&'static str, u32) {
        match self {
            Self::Skip => ("skip", 1),
            Self::Latest => ("latest", 1),
            Self::All { most } => ("all", most),
        }
    }

    pub(super) fn from_parts(name: &str, most: i32) -> Self {
        match name {
            "skip" => Self::Skip,
            "latest" => Self::Latest,
            _ => Self::All {
                most: u32::try_from(most).unwrap_or(1),
            },
        }
    }

    /// The times to fire at `now`, oldest first, when everything before `next` is done with and
    /// nothing older than `window` counts.
    pub(super) fn due(
        self,
        times: &FireTimes,
        next: DateTime<Utc>,
        now: DateTime<Utc>,
        window: Duration,
    ) -> Vec<DateTime<Utc>> {
        let window = TimeDelta::from_std(window).unwrap_or(TimeDelta::MAX);
        let window = if self == Self::Skip {
            window.min(ON_TIME)
        } else {
            window
        };
        let oldest = now
            .checked_sub_signed(window)
            .map_or(next, |at| at.max(next));
        let most = usize::try_from(self.parts().1).unwrap_or(usize::MAX);
        latest(times, oldest, now, most)
    }
}

/// The latest times, at most so many, not before `oldest` nor after `now`. Looks back twice as far
/// each time, so that a second's schedule that slept for a month is not read from its beginning.
fn latest(
    times: &FireTimes,
    oldest: DateTime<Utc>,
    now: DateTime<Utc>,
    most: usize,
) -> Vec<DateTime<Utc>> {
    let mut span = TimeDelta::seconds(1);
    loop {
        let from = (now - span).max(oldest);
        let mut found = between(times, from, now);
        if found.len() >= most || from == oldest {
            return found.split_off(found.len().saturating_sub(most));
        }
        span = span * 2;
    }
}

fn between(times: &FireTimes, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let first = times.next_after(from - TimeDelta::nanoseconds(1));
    std::iter::successors(first, |last| times.next_after(*last))
        .take_while(|time| *time <= to)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn due(policy: CatchUp, next: &str, now: &str, window: Duration) -> Vec<String> {
        let times = FireTimes::parse("*/10 * * * *", "UTC").expect("valid");
        let at = |clock: &str| format!("2026-05-01T{clock}Z").parse().expect("a time");
        let due = policy.due(&times, at(next), at(now), window);
        due.iter()
            .map(|time| time.format("%H:%M").to_string())
            .collect()
    }

    #[test]
    fn a_time_that_is_due_now_fires_under_every_policy() {
        for policy in [CatchUp::Skip, CatchUp::Latest, CatchUp::All { most: 9 }] {
            assert_eq!(due(policy, "10:00:00", "10:00:00", DAY), ["10:00"]);
            assert_eq!(due(policy, "10:00:00", "10:00:59", DAY), ["10:00"]);
            assert!(due(policy, "10:00:00", "09:59:59.9", DAY).is_empty());
        }
    }

    #[test]
    fn missed_times_fire_as_the_policy_says() {
        let missed = |policy| due(policy, "10:00:00", "10:35:00", DAY);
        assert!(missed(CatchUp::Skip).is_empty());
        assert_eq!(missed(CatchUp::Latest), ["10:30"]);
        assert_eq!(
            missed(CatchUp::All { most: 9 }),
            ["10:00", "10:10", "10:20", "10:30"]
        );
        assert_eq!(missed(CatchUp::All { most: 2 }), ["10:20", "10:30"]);
        assert_eq!(due(CatchUp::Skip, "10:00:00", "10:30:30", DAY), ["10:30"]);
    }

    #[test]
    fn what_is_older_than_the_window_never_fires() {
        let quarter = Duration::from_secs(900);
        let all = CatchUp::All { most: 9 };
        assert_eq!(
            due(all, "10:00:00", "10:35:00", quarter),
            ["10:20", "10:30"]
        );
        let minute = Duration::from_secs(60);
        assert!(due(CatchUp::Latest, "10:00:00", "10:35:00", minute).is_empty());
    }

    #[test]
    fn a_month_of_missed_seconds_is_read_from_its_end() {
        let times = FireTimes::parse("* * * * * *", "UTC").expect("valid");
        let now: DateTime<Utc> = "2026-05-31T00:00:00Z".parse().expect("a time");
        let due = CatchUp::All { most: 3 }.due(&times, now - TimeDelta::days(30), now, 31 * DAY);
        assert_eq!(
            due,
            [
                now - TimeDelta::seconds(2),
                now - TimeDelta::seconds(1),
                now
            ]
        );
    }
}
