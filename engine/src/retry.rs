//! The retry schedule: a list that people can read, not a formula.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// One wait of a schedule: `delay` plus or minus up to `jitter`, drawn uniformly.
///
/// In configuration it reads `"30s±10s"` (or `"30s+-10s"`), or just `"30s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The middle of the wait.
    pub delay: Duration,
    /// How far it may deviate, never more than `delay`.
    pub jitter: Duration,
}

/// How long to wait after the first, second, ... failure of an activity. When it is used up, the
/// run is dead: five waits make six attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RetrySchedule(Vec<Wait>);

impl RetrySchedule {
    /// A schedule of these waits; none means that the first failure is final.
    #[must_use]
    pub fn new(waits: Vec<Wait>) -> Self {
        Self(waits)
    }

    /// How many attempts there are in all.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX - 1) + 1
    }

    /// The wait after the given number of failures, or `None` when the schedule is used up.
    ///
    /// `roll` is uniform in -1.0..=1.0 and decides the jitter.
    #[must_use]
    pub fn wait_after(&self, failures: u32, roll: f64) -> Option<Duration> {
        let index = usize::try_from(failures.checked_sub(1)?).ok()?;
        let wait = self.0.get(index)?;
        let seconds = wait.delay.as_secs_f64() + wait.jitter.as_secs_f64() * roll.clamp(-1.0, 1.0);
        Some(Duration::from_secs_f64(seconds.max(0.0)))
    }

    /// The same schedule with every wait divided by `factor` (a faster clock, as in a demo).
    #[must_use]
    pub fn faster(&self, factor: u32) -> Self {
        let divide = |wait: &Wait| Wait {
            delay: wait.delay / factor.max(1),
            jitter: wait.jitter / factor.max(1),
        };
        Self(self.0.iter().map(divide).collect())
    }

    /// The waits, in order.
    #[must_use]
    pub fn waits(&self) -> &[Wait] {
        &self.0
    }
}

impl Default for RetrySchedule {
    /// 30 s ± 10 s, 2 m ± 20 s, 10 m ± 1 m, 1 h ± 10 m, 6 h ± 30 m.
    fn default() -> Self {
        let wait = |delay: u64, jitter: u64| Wait {
            delay: Duration::from_secs(delay),
            jitter: Duration::from_secs(jitter),
        };
        Self(vec![
            wait(30, 10),
            wait(120, 20),
            wait(600, 60),
            wait(3_600, 600),
            wait(21_600, 1_800),
        ])
    }
}

/// Why a text is no wait.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a wait; write a time and, if wanted, a jitter no longer than it, such as 30s or 30s±10s (units ms, s, m, h, d)"
)]
pub struct InvalidWait(pub String);

impl FromStr for Wait {
    type Err = InvalidWait;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidWait(text.to_owned());
        let (delay, jitter) = text
            .split_once('±')
            .or_else(|| text.split_once("+-"))
            .map_or((text, None), |(delay, jitter)| (delay, Some(jitter)));
        let delay = parse_duration(delay).ok_or_else(invalid)?;
        let jitter = match jitter {
            None => Duration::ZERO,
            Some(jitter) => parse_duration(jitter).ok_or_else(invalid)?,
        };
        if jitter > delay {
            return Err(invalid());
        }
        Ok(Self { delay, jitter })
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_duration(f, self.delay)?;
        if !self.jitter.is_zero() {
            f.write_str("±")?;
            write_duration(f, self.jitter)?;
        }
        Ok(())
    }
}

impl Serialize for Wait {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads `250ms`, `30s`, `2m`, `1h`, `3d`: one whole number and one unit, at most a year.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    let total = number.parse::<u64>().ok()?.checked_mul(*millis)?;
    (total <= 366 * 86_400_000).then(|| Duration::from_millis(total))
}

fn write_duration(f: &mut fmt::Formatter<'_>, duration: Duration) -> fmt::Result {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (unit, size) = UNITS
        .iter()
        .rev()
        .find(|(_, size)| millis > 0 && millis.is_multiple_of(*size))
        .unwrap_or(&UNITS[0]);
    write!(f, "{}{unit}", millis / size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_default_schedule_is_the_published_one() {
        let text = serde_json::to_string(&RetrySchedule::default()).unwrap();
        assert_eq!(text, r#"["30s±10s","2m±20s","10m±1m","1h±10m","6h±30m"]"#);
        assert_eq!(RetrySchedule::default().attempts(), 6);
    }

    #[test]
    fn the_sixth_failure_has_no_wait() {
        let schedule = RetrySchedule::default();
        assert_eq!(
            schedule.wait_after(5, 1.0),
            Some(Duration::from_secs(23_400))
        );
        assert_eq!(schedule.wait_after(6, 0.0), None);
        assert_eq!(schedule.wait_after(0, 0.0), None);
        assert_eq!(RetrySchedule::new(vec![]).wait_after(1, 0.0), None);
    }

    #[test]
    fn nonsense_is_refused_with_what_to_write_instead() {
        for text in [
            "",
            "s",
            "30",
            "30x",
            "-1s",
            "1s±2s",
            "99999999999999999999s",
            "400d",
        ] {
            let error = text.parse::<Wait>().unwrap_err();
            assert!(error.to_string().contains("such as 30s"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_wait_lies_within_its_jitter(failures in 1u32..6, roll in -1.0f64..=1.0) {
            let schedule = RetrySchedule::default();
            let Wait { delay, jitter } = schedule.waits()[failures as usize - 1];
            let wait = schedule.wait_after(failures, roll).unwrap();
            prop_assert!(wait >= delay - jitter && wait <= delay + jitter);
        }

        #[test]
        fn waits_read_back(delay in 0u64..10_000_000, jitter in 0u64..10_000_000) {
            let wait = Wait {
                delay: Duration::from_millis(delay.max(jitter)),
                jitter: Duration::from_millis(jitter),
            };
            prop_assert_eq!(wait.to_string().parse::<Wait>(), Ok(wait));
        }
    }
}
