//! A run's history read aloud, for the command line and the HTTP API.
//!
//! Nothing is kept for this: every sentence follows from one line of history. What the history may
//! not hold (secrets, values of personal query parameters) was taken out before it was written.

mod sentence;

use chrono::{DateTime, TimeDelta, Utc};
use leadrail_engine::{Event, HistoryKind, RetrySchedule, RunId, RunState, RunView, Workflow as _};
use leadrail_lead::{CrmName, Warning};
use serde::Serialize;
use serde_json::Value;

use self::sentence::sentence;
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
}

/// Where a lead stands. Names nobody: the lead's own fields are in its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeadView {
    /// The lead's idempotency key.
    pub event_id: Option<String>,
    /// Its run.
    pub run_id: RunId,
    /// The workflow's name: `push_lead`, or `audit_lead` for a second look.
    pub workflow: String,
    /// The run's state.
    pub state: RunState,
    /// Whose lead it is.
    pub account: String,
    /// The CRM it is addressed to, if to any.
    pub crm: Option<String>,
    /// 0 is the most urgent.
    pub priority: i16,
    /// Machine-readable: why it retries, waits or is dead.
    pub reason: Option<String>,
    /// The step where it last stopped.
    pub activity: Option<String>,
    /// The try that comes next there.
    pub attempt: Option<i16>,
    /// When it goes on by itself, while it retries, waits or is being replayed.
    pub next_at: Option<DateTime<Utc>>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When its state last changed.
    pub changed_at: DateTime<Utc>,
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

impl LeadView {
    /// A run as the lead that it is about, addressed to this CRM, if to any.
    #[must_use]
    pub fn of(run: &RunView, crm: Option<String>) -> Self {
        let goes_on = matches!(
            run.state,
            RunState::Retrying | RunState::Waiting | RunState::Replaying
        );
        Self {
            event_id: run.key.clone(),
            run_id: run.id,
            workflow: run.workflow.clone(),
            state: run.state,
            account: run.scope.clone(),
            crm,
            priority: run.priority,
            reason: run.reason.clone(),
            activity: run.activity.clone(),
            attempt: run.attempt,
            next_at: run.due_at.filter(|_| goes_on),
            created_at: run.created_at,
            changed_at: run.changed_at,
        }
    }
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
/// is taken from the history.
#[must_use]
pub fn timeline(run: &RunView, history: &[Event], schedule: &RetrySchedule) -> LeadTimeline {
    let own = history.iter().find_map(own_schedule);
    let tries = own.as_ref().unwrap_or(schedule).attempts();
    let result = history.iter().rev().find_map(|event| match event.kind {
        HistoryKind::RunCompleted => event.payload.as_ref()?.get("output").cloned(),
        _ => None,
    });
    LeadTimeline {
        lead: LeadView::of(run, crm_of(&run.input)),
        entries: history.iter().map(|event| entry(event, tries)).collect(),
        warnings: warnings(run),
        result,
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

fn entry(event: &Event, tries: u32) -> TimelineEntry {
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
        text: sentence(event, payload, next_at, tries),
        reason: payload["reason"].as_str().map(str::to_owned),
        next_at,
        output: payload.get("output").cloned(),
        evidence: evidence.cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
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
        let read = timeline(&run, history, &RetrySchedule::default());
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
        let read = timeline(&run, &[failed(10_000)], &RetrySchedule::default());
        let entry = &read.entries[0];
        assert_eq!(entry.reason.as_deref(), Some("http_503"));
        assert_eq!(entry.next_at, DateTime::from_timestamp(1_779_805_930, 0));
        assert_eq!(entry.evidence, [json!({"status": 503})]);
        assert_eq!((entry.attempt, read.result), (Some(2), None));
    }

    #[test]
    fn a_view_knows_who_goes_on_by_itself() {
        let view = LeadView::of(&run(RunState::Waiting), None);
        assert_eq!((view.account.as_str(), view.crm), ("a/b", None));
        assert!(view.next_at.is_some());
        let view = LeadView::of(&run(RunState::Queued), None);
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
        let read = timeline(&run, &[done], &RetrySchedule::default());
        assert_eq!(read.result, Some(output));
    }
}
