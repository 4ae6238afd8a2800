//! What a schedule is, and what is refused.

use super::{CatchUp, FireTimes, InvalidCron};
use crate::NewRun;
use crate::size::too_large;
use chrono::{DateTime, SecondsFormat, Utc};
use std::time::Duration;

/// The longest window: 31 days.
const LONGEST_WINDOW: Duration = Duration::from_secs(31 * 86_400);

/// Whether a run starts while the schedule's last one still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// It starts all the same.
    Start,
    /// It is left out; of several times that are due at once only the latest counts. A dead letter
    /// does not live.
    Skip,
}

/// A schedule to be.
#[derive(Clone)]
pub struct NewCron {
    /// Names it: putting the same name again replaces it. 1 to 200 characters.
    pub name: String,
    /// Five fields (minute hour day month weekday), or six with seconds first.
    pub expression: String,
    /// An IANA time zone such as `Europe/Berlin`.
    pub zone: String,
    /// What every run looks like; it has no key and no delay of its own.
    pub run: NewRun,
    /// What happens while the last run lives.
    pub overlap: Overlap,
    /// What happens to times that were missed.
    pub catch_up: CatchUp,
    /// How late a time may still fire, in whole seconds: a second to 31 days.
    pub window: Duration,
}

impl NewCron {
    /// A schedule of such runs. They overlap, the latest missed time fires, up to a day late.
    pub fn new(name: &str, expression: &str, zone: &str, run: NewRun) -> Self {
        Self {
            name: name.to_owned(),
            expression: expression.to_owned(),
            zone: zone.to_owned(),
            run,
            overlap: Overlap::Start,
            catch_up: CatchUp::Latest,
            window: Duration::from_secs(86_400),
        }
    }

    /// When it fires, if everything about it is right.
    pub(super) fn check(&self) -> Result<FireTimes, CronError> {
        let most = self.catch_up.parts().1;
        let fault = if !is_name(&self.name) {
            Some("the name must have 1 to 200 characters and no control characters")
        } else if !is_name(&self.run.workflow) {
            Some("the workflow must be named; use `NewRun::of`")
        } else if [&self.run.scope, &self.run.lane]
            .into_iter()
            .any(|text| !is_text(text))
        {
            Some("scope and lane may have at most 500 characters and no control characters")
        } else if !(0..=9).contains(&self.run.priority) {
            Some("the priority must be 0 (most urgent) to 9")
        } else if self.run.key.is_some() || !self.run.delay.is_zero() {
            Some("a scheduled run has no key and no delay of its own; leave them out")
        } else if !(1..=1_000).contains(&most) {
            Some("at most 1 to 1000 missed times can be caught up with at once")
        } else if self.window < Duration::from_secs(1) || self.window > LONGEST_WINDOW {
            Some("the window must be a second to 31 days")
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err(CronError::Definition(fault.to_owned()));
        }
        self.check_input()?;
        Ok(FireTimes::parse(&self.expression, &self.zone)?)
    }

    fn check_input(&self) -> Result<(), CronError> {
        if let Some(why) = too_large("input", &self.run.input) {
            return Err(CronError::Definition(why));
        }
        serde_json::from_str::<serde::de::IgnoredAny>(&self.run.input)
            .map(|_| ())
            .map_err(|error| CronError::Definition(format!("the input is no JSON: {error}")))
    }
}

fn is_name(text: &str) -> bool {
    (1..=200).contains(&text.chars().count()) && is_text(text)
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= 500 && !text.chars().any(char::is_control)
}

/// Why a schedule was not put, or not read.
#[derive(Debug, thiserror::Error)]
pub enum CronError {
    /// Its expression or zone is wrong; nothing was stored.
    #[error(transparent)]
    Times(#[from] InvalidCron),
    /// Something else about it is wrong; nothing was stored.
    #[error("the schedule is refused: {0}")]
    Definition(String),
    /// There is no schedule of that name.
    #[error("there is no schedule `{0}`; list the schedules to see their names")]
    Unknown(String),
    /// The database could not be read or written.
    #[error("the schedules could not be read or written")]
    Database(#[from] sqlx::Error),
}

/// The key of the run that a schedule starts for this time.
pub(super) fn key(name: &str, time: DateTime<Utc>) -> String {
    let time = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    format!("schedule:{name}:{time}")
}

/// The time for which a schedule started the run with this key (`Ctx::key`): the time in the
/// calendar, however late the run is. `None` for a key that no schedule gave.
#[must_use]
pub fn fire_time(key: &str) -> Option<DateTime<Utc>> {
    let rest = key.strip_prefix("schedule:")?;
    // The name may have colons, and so has the time; only the time's length is known.
    let starts = rest.rmatch_indices(':').map(|(at, _)| at + 1);
    starts.filter_map(|at| rest[at..].parse().ok()).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_can_read_its_time_from_its_key() {
        for (name, time) in [
            ("nightly", "2026-03-08T07:00:00Z"),
            ("a:b:2020-01-01T00:00:00Z", "2026-03-08T07:00:00Z"),
            ("x", "2026-03-08T07:00:00.123456Z"),
        ] {
            let time = time.parse().expect("a time");
            assert_eq!(fire_time(&key(name, time)), Some(time), "{name}");
        }
        assert_eq!(
            key("n", DateTime::UNIX_EPOCH),
            "schedule:n:1970-01-01T00:00:00Z"
        );
        for other in [
            "order-17",
            "schedule:",
            "schedule:x:y",
            "2026-03-08T07:00:00Z",
        ] {
            assert_eq!(fire_time(other), None, "{other}");
        }
    }
}
