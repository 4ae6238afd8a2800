//! A lead's story as people read it.

use crate::output::{self, or_dash};
use chrono::{DateTime, Utc};
use comfy_table::Table;
use leadrail_engine::{HistoryKind, RunState};
use leadrail_lead::Warning;
use leadrail_workflows::{LeadTimeline, LeadView, TimelineEntry};

/// What stands above the timeline.
pub(crate) fn head(lead: &LeadView) -> String {
    let crm = lead.crm.as_deref().map(|crm| format!(" for {crm}"));
    let mut text = format!(
        "lead {} of {}{}\n{}",
        or_dash(lead.event_id.as_ref()),
        lead.account,
        crm.unwrap_or_default(),
        lead.state
    );
    if let (Some(reason), false) = (&lead.reason, lead.state == RunState::Completed) {
        text += &format!(": {reason}");
    }
    if let Some(next) = lead.next_at {
        text += &format!(", goes on at {} UTC", time(next));
    }
    text + &format!(
        "\naccepted {} UTC, run {}",
        time(lead.created_at),
        lead.run_id
    )
}

/// A detail that could not be taken as it was given.
pub(crate) fn warning(warning: &Warning) -> String {
    format!("warning: {} {}", warning.field, warning.sentence)
}

/// One line an event.
pub(crate) fn timeline(told: &LeadTimeline) -> Table {
    let mut table = output::table(&["time (UTC)", "step", "what happened"]);
    for entry in &told.entries {
        table.add_row([
            time_of_day(entry.at),
            or_dash(entry.activity.as_ref()),
            entry.text.clone(),
        ]);
    }
    table
}

/// The eventful part of a lead's way: what failed, waited, was lost or found again, and the end.
pub(crate) fn way(told: &LeadTimeline) -> String {
    let lines = told.entries.iter().filter(|entry| is_eventful(entry));
    let line = |entry: &TimelineEntry| {
        let step = entry.activity.as_ref().map(|step| format!("{step}: "));
        format!(
            "{} {}{}",
            time_of_day(entry.at),
            step.unwrap_or_default(),
            entry.text
        )
    };
    lines.map(line).collect::<Vec<_>>().join("\n")
}

fn is_eventful(entry: &TimelineEntry) -> bool {
    match entry.kind {
        HistoryKind::RunStarted | HistoryKind::ActivityStarted | HistoryKind::RunReleased => false,
        HistoryKind::ActivityCompleted => entry.text.starts_with("found what an earlier try"),
        _ => true,
    }
}

/// A time to the second, with its date.
pub(crate) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn time_of_day(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S%.3f").to_string()
}
