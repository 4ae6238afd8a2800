//! What is written: entries of runs, laid out as the columns of one statement.

use super::NotWritten;
use crate::history::HistoryKind;
use crate::ids::RunId;
use crate::state::RunState;
use chrono::{DateTime, Utc};
use std::borrow::Cow;
use std::time::Duration;
use tokio::sync::oneshot;
use uuid::Uuid;

/// One line of history to be written; its time is that of the commit.
#[derive(Debug, Clone)]
pub(crate) struct HistoryRow {
    pub(crate) seq: i32,
    pub(crate) kind: HistoryKind,
    pub(crate) attempt: Option<i16>,
    pub(crate) activity: Option<Cow<'static, str>>,
    pub(crate) payload: Option<String>,
}

/// A move of the head out of `running`.
#[derive(Debug, Clone)]
pub(crate) struct Transition {
    pub(crate) state: RunState,
    /// From the commit to when it is due; `None` for an end.
    pub(crate) delay: Option<Duration>,
    pub(crate) attempt: Option<i16>,
    pub(crate) activity: Option<Cow<'static, str>>,
    pub(crate) reason: Option<String>,
    /// What it waits for: opening any of these makes it due.
    pub(crate) gates: Vec<String>,
    /// What others may be waiting for and now is there.
    pub(crate) opens: Option<String>,
    /// Since when its knowledge of the gates is its own: the claim.
    pub(crate) since: DateTime<Utc>,
}

impl Transition {
    /// To a state, with nothing else to say.
    pub(crate) fn to(state: RunState) -> Self {
        Self {
            state,
            delay: None,
            attempt: None,
            activity: None,
            reason: None,
            gates: Vec::new(),
            opens: None,
            since: DateTime::UNIX_EPOCH,
        }
    }
}

/// Named locks that change hands with an entry: first those that are given back.
#[derive(Debug, Clone, Default)]
pub(crate) struct LockMoves {
    pub(crate) gives: Vec<String>,
    pub(crate) takes: Option<String>,
}

/// A lock that was asked for and belongs to another run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Locked {
    pub(crate) run: RunId,
    pub(crate) name: String,
    /// When to ask again.
    pub(crate) wait: Duration,
}

/// What one run hands in; all of it is committed or nothing.
pub(crate) struct Entry {
    pub(crate) run: RunId,
    pub(crate) rows: Vec<HistoryRow>,
    pub(crate) transition: Option<Transition>,
    pub(crate) locks: LockMoves,
    pub(super) done: oneshot::Sender<Result<Option<Duration>, NotWritten>>,
}

impl Entry {
    /// Says what became of it; where it was written and another run has the lock, when to ask again.
    pub(super) fn answer(self, outcome: Result<Option<Duration>, NotWritten>) {
        // A run that was dropped meanwhile has nobody who waits.
        let _ = self.done.send(outcome);
    }

    /// How long to wait for the lock that it asked for.
    pub(super) fn wait_of(&self, locked: &[Locked]) -> Option<Duration> {
        let name = self.locks.takes.as_ref()?;
        let mut locked = locked.iter();
        let other = locked.find(|locked| locked.run == self.run && locked.name == *name);
        other.map(|other| other.wait)
    }

    /// What is left of it once it is known to be committed but not what was answered: the question.
    pub(super) fn asked_again(mut self) -> Self {
        self.rows.clear();
        self.transition = None;
        self.locks.gives.clear();
        self
    }
}

/// Entries as arrays, one a column.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) h_run: Vec<Uuid>,
    pub(super) h_seq: Vec<i32>,
    pub(super) h_kind: Vec<&'static str>,
    pub(super) h_attempt: Vec<Option<i16>>,
    pub(super) h_activity: Vec<Option<&'a str>>,
    pub(super) h_payload: Vec<Option<&'a str>>,
    pub(super) t_run: Vec<Uuid>,
    pub(super) t_state: Vec<&'static str>,
    pub(super) t_delay_ms: Vec<Option<i64>>,
    pub(super) t_attempt: Vec<Option<i16>>,
    pub(super) t_activity: Vec<Option<&'a str>>,
    pub(super) t_reason: Vec<Option<&'a str>>,
    pub(super) g_run: Vec<Uuid>,
    pub(super) g_gate: Vec<&'a str>,
    pub(super) g_since: Vec<DateTime<Utc>>,
    pub(super) g_opens: Vec<bool>,
    pub(super) l_run: Vec<Uuid>,
    pub(super) l_name: Vec<&'a str>,
    pub(super) l_takes: Vec<bool>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(entries: &'a [Entry]) -> Self {
        let mut columns = Self::default();
        for entry in entries {
            for row in &entry.rows {
                columns.push_row(entry.run, row);
            }
            if let Some(transition) = &entry.transition {
                columns.push_transition(entry.run, transition);
            }
            let LockMoves { gives, takes } = &entry.locks;
            for name in gives {
                columns.push_lock(entry.run, name, false);
            }
            if let Some(name) = takes {
                columns.push_lock(entry.run, name, true);
            }
        }
        columns
    }

    fn push_row(&mut self, run: RunId, row: &'a HistoryRow) {
        self.h_run.push(run.0);
        self.h_seq.push(row.seq);
        self.h_kind.push(row.kind.as_str());
        self.h_attempt.push(row.attempt);
        self.h_activity.push(row.activity.as_deref());
        self.h_payload.push(row.payload.as_deref());
    }

    fn push_transition(&mut self, run: RunId, transition: &'a Transition) {
        // Rounded up: a timer that is due a little early would only park again.
        let millis =
            |delay: Duration| i64::try_from(delay.as_micros().div_ceil(1_000)).unwrap_or(i64::MAX);
        self.t_run.push(run.0);
        self.t_state.push(transition.state.as_str());
        self.t_delay_ms.push(transition.delay.map(millis));
        self.t_attempt.push(transition.attempt);
        self.t_activity.push(transition.activity.as_deref());
        self.t_reason.push(transition.reason.as_deref());
        for gate in &transition.gates {
            self.push_gate(run, gate, transition.since, false);
        }
        if let Some(gate) = &transition.opens {
            self.push_gate(run, gate, transition.since, true);
        }
    }

    fn push_gate(&mut self, run: RunId, gate: &'a str, since: DateTime<Utc>, opens: bool) {
        self.g_run.push(run.0);
        self.g_gate.push(gate);
        self.g_since.push(since);
        self.g_opens.push(opens);
    }

    fn push_lock(&mut self, run: RunId, name: &'a str, takes: bool) {
        self.l_run.push(run.0);
        self.l_name.push(name);
        self.l_takes.push(takes);
    }
}

#[cfg(test)]
mod tests;
