//! A lead's story as people read it.

use crate::output::{self, or_dash};
use chrono::{DateTime, Utc};
use comfy_table::{CellAlignment, Table};
use leadrail_engine::{Held, HistoryKind, RunState};
use leadrail_lead::Warning;
use leadrail_workflows::{CrmAnswer, LeadTimeline, LeadView, TimelineEntry};

/// What stands above the timeline.
pub(crate) fn head(lead: &LeadView) -> String {
    let crm = lead.crm.as_deref().map(|crm| format!(" for {crm}"));
    let caller = lead.caller.to_string();
    let caller = match caller.is_empty() {
        true => String::new(),
        false => format!(", from {caller}"),
    };
    format!(
        "lead {} of {}{}{caller}\n{}\naccepted {} UTC, run {}",
        or_dash(lead.event_id.as_ref()),
        lead.account,
        crm.unwrap_or_default(),
        where_it_stands(lead),
        time(lead.created_at),
        lead.run_id
    )
}

/// Where it stands, why, and when it goes on.
fn where_it_stands(lead: &LeadView) -> String {
    let mut text = lead.state.to_string();
    if let Some(reason) = &lead.reason {
        text += &format!(": {reason}");
    }
    if let Some(tries) = tries(lead) {
        text += &format!(", next is try {tries}");
    }
    match (&lead.held, lead.next_at) {
        (Some(held), _) => text += &format!("\n{}", held_by(held)),
        (None, Some(next)) if lead.state == RunState::Waiting => {
            text += &format!(", looks again by itself at {} UTC", time(next));
        }
        (None, Some(next)) => text += &format!(", goes on at {} UTC", time(next)),
        (None, None) => {}
    }
    text
}

/// What keeps it from going on, and what can be done about it.
fn held_by(held: &Held) -> String {
    match held {
        Held::Pause { lane, since } => format!(
            "its lane is paused since {} UTC; `leadrail lane resume {lane}` lets it go on",
            time(*since)
        ),
        Held::Throttle { lane, until } => format!(
            "the CRM wants to be left alone until {} UTC; `leadrail lane resume {lane}` does not wait for that",
            time(*until)
        ),
        Held::Release { place, at } => format!(
            "its connection is there; leads that waited go out ten a minute, and it is no. {place} in line, at {} UTC",
            time(*at)
        ),
    }
}

/// The try that comes next, of how many: `3 of 6`.
pub(crate) fn tries(lead: &LeadView) -> Option<String> {
    Some(format!("{} of {}", lead.attempt?, lead.tries?))
}

/// A detail that could not be taken as it was given.
pub(crate) fn warning(warning: &Warning) -> String {
    format!("warning: {} {}", warning.field, warning.sentence)
}

/// What the CRM said to a lead that it did not take.
pub(crate) fn answer(answer: &CrmAnswer) -> String {
    let step = answer.activity.as_deref().unwrap_or("the call");
    let end = if answer.truncated { " ..." } else { "" };
    match answer.text.is_empty() {
        true => format!(
            "the CRM answered {step} with HTTP {} and no words",
            answer.status
        ),
        false => format!(
            "the CRM answered {step} with HTTP {}: {}{end}",
            answer.status, answer.text
        ),
    }
}

/// One line an event; the first of each day has the date.
pub(crate) fn timeline(told: &LeadTimeline) -> Table {
    let mut table = output::table(&["time (UTC)", "step", "what happened"]);
    let mut day = None;
    for entry in &told.entries {
        let is_next_day = day.replace(entry.at.date_naive()) != Some(entry.at.date_naive());
        let date = is_next_day.then(|| format!("{} ", entry.at.date_naive()));
        table.add_row([
            date.unwrap_or_default() + &time_of_day(entry.at),
            or_dash(entry.activity.as_ref()),
            entry.text.clone(),
        ]);
    }
    if let Some(times) = table.column_mut(0) {
        times.set_cell_alignment(CellAlignment::Right);
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
