//! When a job is to be done.

use chrono::{DateTime, SecondsFormat, TimeDelta};

use super::wire::Schedule;
use crate::plan::Filing;

/// How long a job is scheduled for whose length nobody has agreed on.
const LENGTH: TimeDelta = TimeDelta::hours(1);

/// How far ahead somebody means what he says: beyond that it is a slip of the year.
const FARTHEST: TimeDelta = TimeDelta::days(366);

/// When the caller wants somebody, where that is a time on one clock only and still to come. Anything
/// else stays words in the note, and the job is unscheduled.
pub(super) fn schedule(filing: &Filing<'_>) -> Option<Schedule> {
    let wanted = filing.lead.service_request.preferred_schedule.as_deref()?;
    let start = DateTime::parse_from_rfc3339(wanted.trim()).ok()?;
    let ahead = start.to_utc().signed_duration_since(filing.since);
    if ahead <= TimeDelta::zero() || ahead > FARTHEST {
        return None;
    }
    let end = start.checked_add_signed(LENGTH)?;
    Some(Schedule {
        scheduled_start: start.to_rfc3339_opts(SecondsFormat::Secs, true),
        scheduled_end: end.to_rfc3339_opts(SecondsFormat::Secs, true),
    })
}
