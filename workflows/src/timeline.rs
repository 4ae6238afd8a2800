//! A run's history read aloud, for the command line and the HTTP API.
//!
//! Nothing is kept for this: every sentence follows from one line of history. What the history may
//! not hold (secrets, values of personal query parameters) was taken out before it was written.

mod answer;
mod caller;
mod sentence;
mod view;

use chrono::{DateTime, TimeDelta, Utc};
use leadrail_engine::{Event, Held, HistoryKind, RetrySchedule, RunState, RunView, Workflow as _};
use leadrail_lead::{CrmName, Warning};
use serde::Serialize;
use serde_json::Value;

pub use self::answer::CrmAnswer;
pub use self::caller::Caller;
use self::sentence::{Time, sentence};
pub use self::view::LeadView;
use crate::PushLead;
use crate::judge::judge;

/// A lead and everything that happened to it, oldest first.
#[derive(Debug, Clone, Serialize)]
pub struct LeadTimeline {
    /// Where it stands.
    pub lead: LeadView,
    /// What happened.
    pub entries: Vec<TimelineEntry>,
    /// The details of it that could not be taken as they were given.
    pub warnings: Vec<Warning>,
    /// What came of it: the output of `push_lead`, once the lead is delivered or recorded.
    pub result: Option<Value>,
    /// What the CRM said to a lead that is dead.
    pub crm_answer: Option<CrmAnswer>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TimelineEntry {
    /// Its place in the run's history, from 0.
    pub seq: i32,
    /// When, on the database's clock.
    pub at: DateTime<Utc>,
    /// What kind of thing.
    pub kind: HistoryKind,
    /// The step.
    pub activity: Option<String>,
    /// The try, from 1.
    pub attempt: Option<i16>,
    /// The same for people, times in UTC:
    /// `try 2 of 6 failed: Housecall Pro did not answer in time; next at 14:32:10`.
    pub text: String,
    /// Machine-readable: why.
    pub reason: Option<String>,
    /// When the run goes on by itself.
    pub next_at: Option<DateTime<Utc>>,
    /// The step's result.
    pub output: Option<Value>,
    /// The exchanges with the CRM, as history keeps them.
    pub evidence: Vec<Value>,
}

/// The CRM that a run's input names: a lead's routing, or where the audited lead went.
fn crm_of(input: &Value) -> Option<String> {
    let named = input.pointer("/routing/destination_crm");
    let crm = named.or_else(|| input.pointer("/destination/crm"))?;
    CrmName::new(crm.as_str()?)
        .ok()
        .map(|crm| crm.as_str().to_owned())
}

/// Reads a run's history aloud. `schedule` is the workers' retry schedule; a connection's own one
/// is taken from the history. `held` is what keeps the run from going on now.
#[must_use]
pub fn timeline(
    run: &RunView,
    history: &[Event],
    schedule: &RetrySchedule,
    held: Option<Held>,
) -> LeadTimeline {
    let own = history.iter().find_map(own_schedule);
    let tries = own.as_ref().unwrap_or(schedule).attempts();
    let result = history.iter().rev().find_map(|event| match event.kind {
        HistoryKind::RunCompleted => event.payload.as_ref()?.get("output").cloned(),
        _ => None,
    });
    let parked = matches!(run.state, RunState::Retrying | RunState::Waiting);
    let last = history.last().map(|event| event.seq);
    let waits_for_time = parked && held.is_none();
    let told = |event: &Event| {
        let time = match Some(event.seq) == last {
            false => Time::Past,
            true if waits_for_time => Time::ToCome,
            true => Time::Off,
        };
        entry(event, tries, time)
    };
    let view = LeadView::of(run, crm_of(&run.input), held);
    LeadTimeline {
        lead: LeadView {
            caller: Caller::of(&run.input),
            tries: view.attempt.map(|_| tries),
            ..view
        },
        entries: history.iter().map(told).collect(),
        warnings: warnings(run),
        result,
        crm_answer: CrmAnswer::last(history).filter(|_| run.state == RunState::Dead),
    }
}

/// What the door warned of, read again from what it took.
fn warnings(run: &RunView) -> Vec<Warning> {
    if run.workflow != PushLead::NAME {
        return Vec::new();
    }
    judge(&run.input, run.created_at).map_or_else(|_| Vec::new(), |lead| lead.warnings)
}

fn own_schedule(event: &Event) -> Option<RetrySchedule> {
    let output = event.payload.as_ref()?.get("output")?;
    let found = event.activity.as_deref() == Some("find_connection");
    let schedule = output.get("schedule").filter(|_| found)?;
    serde_json::from_value(schedule.clone()).ok()
}

fn entry(event: &Event, tries: u32, time: Time) -> TimelineEntry {
    let payload = event.payload.as_ref().unwrap_or(&Value::Null);
    let next_at = payload["next_in_ms"]
        .as_i64()
        .and_then(TimeDelta::try_milliseconds)
        .and_then(|wait| event.at.checked_add_signed(wait));
    let evidence = payload["evidence"].as_array();
    TimelineEntry {
        seq: event.seq,
        at: event.at,
        kind: event.kind,
        activity: event.activity.clone(),
        attempt: event.attempt,
        text: sentence(event, payload, next_at.map(|at| (at, time)), tries),
        reason: payload["reason"].as_str().map(str::to_owned),
        next_at,
        output: payload.get("output").cloned(),
        evidence: evidence.cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use leadrail_engine::RunId;
    use serde_json::json;

    use super::*;

    fn event(seq: i32, kind: HistoryKind, activity: Option<&str>, payload: Value) -> Event {
        Event {
            run_id: RunId::new(),
            seq,
            at: DateTime::from_timestamp(1_779_805_920, 0).unwrap(),
            kind,
            activity: activity.map(str::to_owned),
            attempt: activity.map(|_| 2),
            payload: Some(payload),
        }
    }

    fn run(state: RunState) -> RunView {
        let at = DateTime::from_timestamp(1_779_805_920, 0).unwrap();
        RunView {
            id: RunId::new(),
            state,
            due_at: Some(at),
            worker_id: None,
            starts: 1,
            activity: None,
            attempt: None,
            reason: None,
            priority: 1,
            workflow: "push_lead".into(),
            scope: "a/b".into(),
            key: Some("e".into()),
            lane: "a/b/housecall_pro".into(),
            created_at: at,
            changed_at: at,
            input: Value::Null,
        }
    }

    fn text(history: &[Event]) -> Vec<String> {
        let run = run(RunState::Retrying);
        let read = timeline(&run, history, &RetrySchedule::default(), None);
        read.entries.into_iter().map(|entry| entry.text).collect()
    }

    fn failed(next_in_ms: u64) -> Event {
        let payload = json!({
            "kind": "not_done", "reason": "http_503",
            "message": "Housecall Pro failed on its side (HTTP 503)",
            "final": false, "next_in_ms": next_in_ms, "evidence": [{"status": 503}],
        });
        event(
            3,
            HistoryKind::ActivityFailed,
            Some("dedup_lookup"),
            payload,
        )
    }

    #[test]
    fn a_failed_try_says_which_why_and_when_the_next_is() {
        let expected =
            "try 2 of 6 failed: Housecall Pro failed on its side (HTTP 503); next at 14:32:10";
        assert_eq!(text(&[failed(10_000)]), [expected]);
        let tomorrow = text(&[failed(86_400_000)]);
        assert!(
            tomorrow[0].ends_with("next at 2026-05-27 14:32:00"),
            "{tomorrow:?}"
        );
    }

    #[test]
    fn a_connections_own_schedule_says_how_many_tries_there_are() {
        let found = json!({"output": {"schedule": ["1s", "2s"]}});
        let found = event(
            1,
            HistoryKind::ActivityCompleted,
            Some("find_connection"),
            found,
        );
        let read = text(&[found, failed(1_000)]);
        assert!(read[1].starts_with("try 2 of 3 failed: "), "{read:?}");
    }

    #[test]
    fn an_entry_carries_what_machines_want() {
        let run = run(RunState::Retrying);
        let read = timeline(&run, &[failed(10_000)], &RetrySchedule::default(), None);
        let entry = &read.entries[0];
        assert_eq!(entry.reason.as_deref(), Some("http_503"));
        assert_eq!(entry.next_at, DateTime::from_timestamp(1_779_805_930, 0));
        assert_eq!(entry.evidence, [json!({"status": 503})]);
        assert_eq!((entry.attempt, read.result), (Some(2), None));
    }

    #[test]
    fn a_view_knows_who_goes_on_by_itself() {
        let view = LeadView::of(&run(RunState::Waiting), None, None);
        assert_eq!((view.account.as_str(), view.crm), ("a/b", None));
        assert!(view.next_at.is_some());
        let view = LeadView::of(&run(RunState::Queued), None, None);
        assert_eq!(view.next_at, None);
    }

    #[test]
    fn the_crm_is_read_from_the_input_and_not_from_the_lane() {
        let rows = [
            (
                json!({"routing": {"destination_crm": "jobber"}}),
                Some("jobber"),
            ),
            (json!({"destination": {"crm": "jobber"}}), Some("jobber")),
            (json!({"routing": {"destination_crm": null}}), None),
            (json!({"routing": {"destination_crm": "No CRM"}}), None),
            (json!({"routing": {"destination_crm": 7}}), None),
            (Value::Null, None),
        ];
        for (input, expected) in rows {
            assert_eq!(crm_of(&input).as_deref(), expected, "{input}");
        }
    }

    #[test]
    fn the_result_is_the_runs_output() {
        let output = json!({"outcome": "recorded"});
        let done = event(
            4,
            HistoryKind::RunCompleted,
            None,
            json!({"output": output}),
        );
        let run = run(RunState::Completed);
        let read = timeline(&run, &[done], &RetrySchedule::default(), None);
        assert_eq!(read.result, Some(output));
    }
}
