//! Where runs and leads stand, as tables show it.

use chrono::{DateTime, Utc};
use leadrail_engine::{Held, RunState};

/// What holds it back where something does, with its place in line if that is let go one by one; its
/// state else.
pub(crate) fn standing(state: RunState, held: Option<&Held>) -> String {
    match held {
        Some(Held::Pause { .. }) => "paused".to_owned(),
        Some(Held::Throttle { .. }) => "throttled".to_owned(),
        Some(Held::Release { place, .. }) => format!("released #{place}"),
        None => state.to_string(),
    }
}

/// A time to the minute, with its date.
pub(crate) fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}
