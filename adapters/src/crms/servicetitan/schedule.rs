//! When the work is to be done, and how urgently.

use chrono::{DateTime, TimeDelta, Utc};
use leadrail_lead::{Lead, Urgency};

use super::requests::utc;
use super::wire::Appointment;

/// How long an appointment is that nobody has agreed on.
const LENGTH: TimeDelta = TimeDelta::hours(1);

/// When the caller wants somebody, where that is a time on one clock only. What has no offset may
/// be meant in any time zone, so it stays words.
pub(super) fn exact_time(lead: &Lead) -> Option<DateTime<Utc>> {
    let wanted = lead.service_request.preferred_schedule.as_deref()?;
    let time = DateTime::parse_from_rfc3339(wanted.trim()).ok()?;
    Some(time.to_utc())
}

/// A job has an appointment or it is none. Without an exact time it stands at the time of the call,
/// where the dispatchers of the day see it, and nobody takes it for a promise.
pub(super) fn appointment(lead: &Lead) -> Appointment {
    let start = exact_time(lead).unwrap_or(lead.timestamp_utc);
    let end = start.checked_add_signed(LENGTH).unwrap_or(start);
    Appointment {
        start: utc(&start),
        end: utc(&end),
    }
}

pub(super) fn priority(urgency: &Urgency) -> &'static str {
    match urgency {
        Urgency::Emergency => "Urgent",
        Urgency::SameDay => "High",
        Urgency::SameWeek | Urgency::Flexible | Urgency::Other(_) => "Normal",
    }
}
