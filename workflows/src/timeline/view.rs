//! Where a lead stands, in one line of a list.

use chrono::{DateTime, Utc};
use leadrail_engine::{Held, RunId, RunState, RunView};
use serde::Serialize;

use super::caller::Caller;

/// Where a lead stands. Of the lead's own fields it has no more than who called.
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
    /// What keeps it from going on, if it is its lane or its place in the line of a paced release.
    pub held: Option<Held>,
    /// Who called.
    pub caller: Caller,
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
    /// How many tries there are.
    pub tries: Option<u32>,
    /// When it goes on by itself, as far as that is known: none while a person has stopped its lane.
    pub next_at: Option<DateTime<Utc>>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When its state last changed.
    pub changed_at: DateTime<Utc>,
}

impl LeadView {
    /// A run as the lead that it is about, addressed to this CRM, if to any.
    #[must_use]
    pub fn of(run: &RunView, crm: Option<String>, held: Option<Held>) -> Self {
        // A head keeps the reason of its last stop until the next one.
        let is_stopped = matches!(
            run.state,
            RunState::Retrying | RunState::Waiting | RunState::Dead
        );
        Self {
            event_id: run.key.clone(),
            run_id: run.id,
            workflow: run.workflow.clone(),
            state: run.state,
            next_at: next_at(run, held.as_ref()),
            held,
            caller: Caller::default(),
            account: run.scope.clone(),
            crm,
            priority: run.priority,
            reason: run.reason.clone().filter(|_| is_stopped),
            activity: run.activity.clone(),
            attempt: run.attempt.filter(|_| !run.state.is_terminal()),
            tries: None,
            created_at: run.created_at,
            changed_at: run.changed_at,
        }
    }
}

/// A lane that is stopped or left alone keeps a run back beyond its own time.
fn next_at(run: &RunView, held: Option<&Held>) -> Option<DateTime<Utc>> {
    match held {
        Some(Held::Pause { .. }) => None,
        Some(Held::Throttle { until, .. }) => {
            Some(run.due_at.map_or(*until, |due| due.max(*until)))
        }
        Some(Held::Release { at, .. }) => Some(*at),
        None => run.due_at.filter(|_| {
            matches!(
                run.state,
                RunState::Retrying | RunState::Waiting | RunState::Replaying
            )
        }),
    }
}
