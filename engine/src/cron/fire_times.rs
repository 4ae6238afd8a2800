//! The times at which a cron expression fires in a time zone.
//!
//! Pure: the caller brings the time. With named hours the wall clock decides: a time that the clock
//! skips fires at the first one there is, a time that comes twice fires at the first. Where every hour
//! is meant, as `*` or in another spelling, the schedule follows elapsed time, so it also fires in a
//! repeated hour.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// Longer ones are refused unread, in bytes.
const LONGEST_EXPRESSION: usize = 200;
const LONGEST_ZONE: usize = 64;

/// The longest jump of a clock: Samoa once left out a whole day.
const LONGEST_GAP: TimeDelta = TimeDelta::hours(26);

/// Why an expression or its zone is refused. The message says what to write instead.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidCron {
    /// More text than any expression needs.
    #[error("the cron expression has {0} bytes; use at most {LONGEST_EXPRESSION}")]
    TooLong(usize),
    /// Neither five nor six fields.
    #[error(
        "the cron expression has {0} fields; write 5 (minute hour day month weekday) or 6 with seconds first"
    )]
    Fields(usize),
    /// A field that cannot be read.
    #[error("the cron expression cannot be read: {0}")]
    Expression(String),
    /// No such zone.
    #[error("unknown time zone; use an IANA name such as Europe/Berlin or UTC")]
    Zone,
    /// Readable, but there is no such day.
    #[error("the cron expression never fires: no date has its day, month and weekday")]
    NeverFires,
}

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub struct FireTimes {
    cron: Cron,
    zone: Tz,
    follows_elapsed_time: bool,
}

impl FireTimes {
    /// Reads five fields, or six with seconds first, and an IANA zone name.
    ///
    /// # Errors
    /// [`InvalidCron`] when either cannot be read or nothing would ever fire.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, InvalidCron> {
        let hour = hour_field(expression)?;
        let cron = CronParser::builder()
            .seconds(Seconds::Optional)
            .year(Year::Disallowed)
            .build()
            .parse(expression)
            .map_err(|error| InvalidCron::Expression(error.to_string()))?;
        let known = Some(zone).filter(|zone| zone.len() <= LONGEST_ZONE);
        let zone = known.and_then(|zone| zone.parse().ok());
        let times = Self {
            cron,
            zone: zone.ok_or(InvalidCron::Zone)?,
            follows_elapsed_time: is_every_hour(hour),
        };
        let fires = times.next_after(DateTime::UNIX_EPOCH).is_some();
        fires.then_some(times).ok_or(InvalidCron::NeverFires)
    }

    /// The first time after this one, to the second; `None` when there is none before the year 5000.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&self.zone);
        if self.follows_elapsed_time {
            let next = self.cron.find_next_occurrence(&local, false).ok()?;
            return Some(next.with_timezone(&Utc));
        }
        let mut wall = local.naive_local().and_utc();
        loop {
            wall = self.cron.find_next_occurrence(&wall, false).ok()?;
            let instant = self.instant(wall.naive_utc())?;
            if instant > after {
                return Some(instant);
            }
        }
    }

    /// When the wall clock first shows this time or, if it skips it, the first one after it.
    fn instant(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        let last = wall + LONGEST_GAP;
        let mut shown = wall;
        while shown <= last {
            match self.zone.from_local_datetime(&shown) {
                MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => {
                    return Some(at.with_timezone(&Utc));
                }
                MappedLocalTime::None => {
                    shown = shown
                        .with_second(0)?
                        .checked_add_signed(TimeDelta::minutes(1))?;
                }
            }
        }
        None
    }
}

/// The hour's field, once it is sure that there are five or six of them.
fn hour_field(expression: &str) -> Result<&str, InvalidCron> {
    if expression.len() > LONGEST_EXPRESSION {
        return Err(InvalidCron::TooLong(expression.len()));
    }
    if !expression.is_ascii() {
        let why = "use plain letters, digits and `* , - /`";
        return Err(InvalidCron::Expression(why.to_owned()));
    }
    let fields: Vec<_> = expression.split_whitespace().collect();
    match fields.len() {
        5 => Ok(fields[1]),
        6 => Ok(fields[2]),
        count => Err(InvalidCron::Fields(count)),
    }
}

/// Whether these hours are all that there are, however that is written: `*`, `*/1`, `0-23`.
fn is_every_hour(hours: &str) -> bool {
    let on_the_hour = format!("0 {hours} * * *").parse::<Cron>();
    let hour = |n| DateTime::UNIX_EPOCH + TimeDelta::hours(n);
    let fires = |cron: &Cron, n| cron.is_time_matching(&hour(n)).unwrap_or(false);
    on_the_hour.is_ok_and(|cron| (0..24).all(|n| fires(&cron, n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    /// The times that follow `from`, as many as are `wanted`.
    fn assert_fires(expression: &str, zone: &str, from: &str, wanted: &[&str]) {
        let times = FireTimes::parse(expression, zone).expect("valid");
        let mut last = at(from);
        for wanted in wanted {
            last = times.next_after(last).expect("fires");
            assert_eq!(last, at(wanted), "{expression} in {zone}");
        }
    }

    #[test]
    fn a_time_that_the_clock_skips_fires_at_the_next_valid_one() {
        for (zone, from, wanted) in [
            (
                "America/New_York",
                "2026-03-08T00:00:00Z",
                ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
            ),
            (
                "Europe/Berlin",
                "2026-03-28T12:00:00Z",
                ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
            ),
            (
                "Australia/Sydney",
                "2026-10-03T00:00:00Z",
                ["2026-10-03T16:00:00Z", "2026-10-04T15:30:00Z"],
            ),
        ] {
            assert_fires("30 2 * * *", zone, from, &wanted);
        }
        // Half an hour is skipped on Lord Howe, a whole day once in Samoa.
        assert_fires(
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00:00Z",
            &["2026-10-03T15:30:00Z"],
        );
        assert_fires(
            "0 9 * * *",
            "Pacific/Apia",
            "2011-12-29T20:00:00Z",
            &["2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"],
        );
    }

    #[test]
    fn a_time_that_comes_twice_fires_at_the_first() {
        for (expression, zone, from, wanted) in [
            (
                "30 1 * * *",
                "America/New_York",
                "2026-11-01T04:00:00Z",
                ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"],
            ),
            (
                "30 2 * * *",
                "Europe/Berlin",
                "2026-10-24T12:00:00Z",
                ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
            ),
            (
                "30 2 * * *",
                "Australia/Sydney",
                "2026-04-04T12:00:00Z",
                ["2026-04-04T15:30:00Z", "2026-04-05T16:30:00Z"],
            ),
            (
                "45 1 * * *",
                "Australia/Lord_Howe",
                "2026-04-04T12:00:00Z",
                ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"],
            ),
            // Several hours are still named ones.
            (
                "30 1,13 * * *",
                "America/New_York",
                "2026-11-01T04:00:00Z",
                ["2026-11-01T05:30:00Z", "2026-11-01T18:30:00Z"],
            ),
        ] {
            assert_fires(expression, zone, from, &wanted);
        }
    }

    #[test]
    fn several_times_in_one_gap_fire_once_together() {
        let wanted = ["2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z"];
        assert_fires(
            "0,30 2 * * *",
            "America/New_York",
            "2026-03-08T00:00:00Z",
            &wanted,
        );
    }

    #[test]
    fn every_hour_means_every_hour_on_any_day() {
        let autumn = [
            "2026-11-01T05:30:00Z",
            "2026-11-01T06:30:00Z",
            "2026-11-01T07:30:00Z",
        ];
        assert_fires(
            "30 * * * *",
            "America/New_York",
            "2026-11-01T05:00:00Z",
            &autumn,
        );
        let spring = ["2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z"];
        assert_fires(
            "30 * * * *",
            "America/New_York",
            "2026-03-08T06:00:00Z",
            &spring,
        );
    }

    #[test]
    fn expressions_that_mean_the_same_fire_the_same_on_any_day() {
        for (from, spellings) in [
            (
                "2026-11-01T04:00:00Z",
                [
                    "30 * * * *",
                    "30 */1 * * *",
                    "30 0-23 * * *",
                    "30 0-11,12-23 * * *",
                ],
            ),
            (
                "2026-03-08T04:00:00Z",
                [
                    "0 30 * * * *",
                    "0 30 0-23/1 * * *",
                    "30 23,0-22 * * *",
                    "30 0-22,23 * * *",
                ],
            ),
            (
                "2026-11-01T04:00:00Z",
                [
                    "*/20 1-2 * * *",
                    "0,20,40 1,2 * * *",
                    "0-59/20 1-2/1 * * *",
                    "0 */20 1-2 * * *",
                ],
            ),
        ] {
            let fired = spellings.map(|expression| {
                let times = FireTimes::parse(expression, "America/New_York").expect(expression);
                let next = |last: &DateTime<Utc>| times.next_after(*last);
                std::iter::successors(Some(at(from)), next)
                    .take(12)
                    .collect::<Vec<_>>()
            });
            for (spelling, each) in spellings.iter().zip(&fired) {
                assert_eq!(*each, fired[0], "{spelling} is not {}", spellings[0]);
            }
        }
    }

    #[test]
    fn six_fields_fire_to_the_second_and_fractions_are_passed() {
        let wanted = ["2026-01-01T00:00:10Z", "2026-01-01T00:00:20Z"];
        assert_fires("*/10 * * * * *", "UTC", "2026-01-01T00:00:09.999Z", &wanted);
        assert_fires(
            "0 12 29 2 *",
            "UTC",
            "2026-01-01T00:00:00Z",
            &["2028-02-29T12:00:00Z"],
        );
    }

    #[test]
    fn what_cannot_fire_is_refused_with_its_reason() {
        let refused =
            |expression: &str, zone: &str| FireTimes::parse(expression, zone).unwrap_err();
        assert_eq!(refused("0 0 31 2 *", "UTC"), InvalidCron::NeverFires);
        assert_eq!(refused("* * * *", "UTC"), InvalidCron::Fields(4));
        assert_eq!(refused("0 0 0 1 1 * 2030", "UTC"), InvalidCron::Fields(7));
        assert_eq!(refused("", "UTC"), InvalidCron::Fields(0));
        assert_eq!(refused(&"1,".repeat(101), "UTC"), InvalidCron::TooLong(202));
        for zone in ["Mars/Olympus", "", "+02:00", &"x".repeat(1_000_000)] {
            assert_eq!(refused("0 0 * * *", zone), InvalidCron::Zone);
        }
        for expression in [
            "61 * * * *",
            "* 25 * * *",
            "x * * * *",
            "é * * * *",
            "5-1 * * * *",
        ] {
            assert!(
                matches!(refused(expression, "UTC"), InvalidCron::Expression(_)),
                "{expression}"
            );
        }
    }
}
