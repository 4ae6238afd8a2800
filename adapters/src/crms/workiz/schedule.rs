//! When a lead stands in Workiz, and from when on one is looked for: on the account's wall clock, which
//! also tells the account's country.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::http::settings::Settings;
use crate::plan::Filing;

/// Where accounts are, by the names of the IANA time zone database.
pub(super) const ZONES: &[&str] = &[
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/Detroit",
    "America/Indiana/Indianapolis",
    "America/Boise",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "America/Halifax",
    "America/St_Johns",
    "America/Toronto",
    "America/Winnipeg",
    "America/Regina",
    "America/Edmonton",
    "America/Vancouver",
    "Europe/London",
    "Europe/Dublin",
    "Australia/Sydney",
    "Australia/Brisbane",
    "Australia/Adelaide",
    "Australia/Darwin",
    "Australia/Perth",
    "Pacific/Auckland",
    "Asia/Jerusalem",
    "UTC",
];

/// For so long after a call its lead stands at the time of the call.
const KEPT: TimeDelta = TimeDelta::days(3);

/// How long an appointment is that nobody has agreed on.
const LENGTH: TimeDelta = TimeDelta::hours(1);

/// What stands in a preview where the connection has no time zone.
const NO_ZONE: &str = "(the call's time in the account's time zone)";

/// The account's time zone, where the connection says it.
pub(super) fn zone(settings: &Settings) -> Option<Tz> {
    settings.text("time_zone")?.parse().ok()
}

/// The country of callers who name none: the account's own, by its clock.
pub(super) fn country(settings: &Settings) -> &'static str {
    match settings.text("time_zone").unwrap_or_default() {
        "America/Halifax" | "America/St_Johns" | "America/Toronto" | "America/Winnipeg"
        | "America/Regina" | "America/Edmonton" | "America/Vancouver" => "CA",
        "Europe/London" => "GB",
        "Europe/Dublin" => "IE",
        "Pacific/Auckland" => "NZ",
        "Asia/Jerusalem" => "IL",
        zone if zone.starts_with("Australia/") => "AU",
        _ => "US",
    }
}

/// Beginning and end of a lead, `2026-11-22 09:00:00`.
pub(super) fn appointment(filing: &Filing<'_>) -> [String; 2] {
    let start = stands_at(filing);
    let end = start.checked_add_signed(LENGTH).unwrap_or(start);
    [start, end].map(|time| match zone(filing.settings) {
        Some(zone) => {
            let local = time.with_timezone(&zone);
            local.format("%Y-%m-%d %H:%M:%S").to_string()
        }
        None => NO_ZONE.to_owned(),
    })
}

/// The time of the call, unless that is long past or still to come when the lead is first filed: then
/// that time.
fn stands_at(filing: &Filing<'_>) -> DateTime<Utc> {
    let (called, since) = (filing.lead.timestamp_utc, filing.since);
    let late = since.signed_duration_since(called);
    match TimeDelta::zero() <= late && late <= KEPT {
        true => called,
        false => since,
    }
}

/// The first day on which a lead of this step can stand, `2026-11-20`.
pub(super) fn first_day(filing: &Filing<'_>) -> String {
    day(filing, filing.earliest(), KEPT)
}

/// The day that is so many days before this step.
pub(super) fn days_back(filing: &Filing<'_>, days: i64) -> String {
    day(filing, filing.since, TimeDelta::days(days))
}

fn day(filing: &Filing<'_>, time: DateTime<Utc>, before: TimeDelta) -> String {
    let time = time.checked_sub_signed(before).unwrap_or(time);
    let zone = zone(filing.settings).unwrap_or(Tz::UTC);
    time.with_timezone(&zone).format("%Y-%m-%d").to_string()
}
