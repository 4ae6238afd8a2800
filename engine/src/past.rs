//! What a resumed run takes from its history.
//!
//! A workflow runs from the top again and asks for its activities, timers, signals and children by
//! name and occurrence; what was recorded is handed out once. What is left over when the workflow
//! wants something new was recorded by other code than today's.

use crate::history::{Event, HistoryKind};
use crate::ids::RunId;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

mod crashes;

pub(crate) use crashes::Crashes;

/// What is known of one activity of a run that is being resumed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorded {
    /// Its stored result.
    pub(crate) output: Option<Value>,
    /// It failed for good and the workflow went on regardless: (reason, message).
    pub(crate) refused: Option<(String, String)>,
    /// Attempts used up since it was last sent through again.
    pub(crate) failures: u32,
    /// Pauses since the last result.
    pub(crate) throttles: u32,
    /// An attempt began at this time and nobody knows how it ended, or a restart forgot the effect
    /// and it may be there still.
    pub(crate) open_intent: Option<DateTime<Utc>>,
    /// When its last intent was written.
    begun: Option<DateTime<Utc>>,
    /// When its first intent was written, restarts or not.
    pub(crate) first_begun: Option<DateTime<Utc>>,
}

/// A timer's due time; `None` when what is stored cannot be read.
pub(crate) type RecordedTimer = Option<DateTime<Utc>>;

/// How waiting for a signal ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RecordedSignal {
    Received(Value),
    TimedOut,
}

/// A child that was started, and how it ended as far as this run knows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecordedChild {
    pub(crate) run: RunId,
    /// Its output, or why there is none: (reason, message).
    pub(crate) outcome: Option<Result<Value, (String, String)>>,
}

/// A run's past, as a resumed run needs it.
#[derive(Debug, Default)]
pub(crate) struct Past {
    activities: HashMap<String, Recorded>,
    timers: HashMap<String, RecordedTimer>,
    side_values: HashMap<String, Value>,
    signals: HashMap<String, RecordedSignal>,
    children: HashMap<String, RecordedChild>,
    published: HashSet<String>,
    /// Where in the history each label stands first.
    first_seen: HashMap<String, i32>,
    /// When effects were begun that a restart forgot: they may be there still.
    remnants: HashMap<String, DateTime<Utc>>,
    /// When each effect was first begun; no restart forgets it.
    first_begun: HashMap<String, DateTime<Utc>>,
    /// The workflow was told to stop, and why.
    pub(crate) cancelled: Option<String>,
    /// Deaths of its workers in a row, before anything was achieved.
    pub(crate) crashes: Crashes,
    /// At some time nobody knew whether an effect had happened.
    pub(crate) unknown_outcome: bool,
    pub(crate) next_seq: i32,
}

impl Past {
    /// Reads a history, oldest first.
    pub(crate) fn read(events: Vec<Event>) -> Self {
        let mut past = Self::default();
        let mut last_refused: Option<String> = None;
        for event in events {
            past.next_seq = event.seq + 1;
            let payload = event.payload.unwrap_or(Value::Null);
            past.crashes.note(event.kind, payload["deaths"].as_u64());
            past.note_start(event.kind);
            match (event.kind, event.activity) {
                (HistoryKind::RunRevived | HistoryKind::RunReplayed, _) => {
                    past.forgive(last_refused.take());
                }
                (HistoryKind::RunRestarted, _) => past.restart(payload["from"].as_str()),
                (HistoryKind::CancelRequested, _) => past.cancelled = Some(text(&payload, "why")),
                (HistoryKind::RunTriedNow, Some(label)) => past.spare_an_attempt(&label),
                // Where the run stopped, not what it did.
                (HistoryKind::RunWaiting, _) | (_, None) => {}
                (kind, Some(label)) => {
                    past.apply(kind, &label, event.at, payload);
                    let refused = past
                        .activities
                        .get(&label)
                        .is_some_and(|a| a.refused.is_some());
                    last_refused = refused.then(|| label.clone());
                    past.first_seen.entry(label).or_insert(event.seq);
                }
            }
        }
        past
    }

    /// Takes what is known of an activity.
    pub(crate) fn take(&mut self, label: &str) -> Recorded {
        let mut recorded = self.activities.remove(label).unwrap_or_default();
        if let Some(begun) = self.remnants.remove(label) {
            recorded.open_intent.get_or_insert(begun);
        }
        recorded.first_begun = self.first_begun.get(label).copied();
        recorded
    }

    /// Takes a timer, if it was started.
    pub(crate) fn take_timer(&mut self, label: &str) -> Option<RecordedTimer> {
        self.timers.remove(label)
    }

    /// Takes a recorded side value.
    pub(crate) fn take_side_value(&mut self, label: &str) -> Option<Value> {
        self.side_values.remove(label)
    }

    /// Takes how waiting for a signal ended.
    pub(crate) fn take_signal(&mut self, label: &str) -> Option<RecordedSignal> {
        self.signals.remove(label)
    }

    /// Takes a child that was started.
    pub(crate) fn take_child(&mut self, label: &str) -> Option<RecordedChild> {
        self.children.remove(label)
    }

    /// Whether this was published already.
    pub(crate) fn take_published(&mut self, label: &str) -> bool {
        self.published.remove(label)
    }

    /// Whether an activity with this label has its result.
    pub(crate) fn has_result(&self, label: &str) -> bool {
        self.activities
            .get(label)
            .is_some_and(|recorded| recorded.output.is_some())
    }

    /// What was recorded and never asked for, in alphabetical order. Side values and published ones
    /// bind nobody.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let mut left: Vec<String> = self
            .activities
            .keys()
            .chain(self.timers.keys())
            .chain(self.signals.keys())
            .chain(self.children.keys())
            .cloned()
            .collect();
        left.sort_unstable();
        left.dedup();
        left
    }

    /// Whether everything that binds the workflow was asked for.
    pub(crate) fn is_spent(&self) -> bool {
        self.activities.is_empty()
            && self.timers.is_empty()
            && self.signals.is_empty()
            && self.children.is_empty()
    }

    fn apply(&mut self, kind: HistoryKind, label: &str, at: DateTime<Utc>, mut payload: Value) {
        let label = label.to_owned();
        match kind {
            HistoryKind::TimerStarted => {
                let due = payload["due"].as_str().and_then(|due| due.parse().ok());
                self.timers.insert(label, due);
            }
            HistoryKind::SideValue => {
                self.side_values.insert(label, payload["value"].take());
            }
            HistoryKind::SignalReceived => {
                let received = RecordedSignal::Received(payload["value"].take());
                self.signals.insert(label, received);
            }
            HistoryKind::SignalTimedOut => {
                self.signals.insert(label, RecordedSignal::TimedOut);
            }
            HistoryKind::StatePublished => {
                self.published.insert(label);
            }
            HistoryKind::ChildStarted | HistoryKind::ChildCompleted | HistoryKind::ChildFailed => {
                self.apply_to_child(kind, label, payload);
            }
            _ => {
                if kind == HistoryKind::ActivityStarted {
                    // It was looked for before this.
                    self.remnants.remove(&label);
                    self.first_begun.entry(label.clone()).or_insert(at);
                }
                self.activities
                    .entry(label)
                    .or_default()
                    .apply(kind, at, payload);
            }
        }
    }

    fn apply_to_child(&mut self, kind: HistoryKind, label: String, mut payload: Value) {
        let outcome = match kind {
            HistoryKind::ChildCompleted => Ok(payload["output"].take()),
            HistoryKind::ChildFailed => Err((text(&payload, "reason"), text(&payload, "message"))),
            _ => {
                if let Some(run) = payload["run"].as_str().and_then(|run| run.parse().ok()) {
                    let child = RecordedChild { run, outcome: None };
                    self.children.insert(label, child);
                }
                return;
            }
        };
        if let Some(child) = self.children.get_mut(&label) {
            child.outcome = Some(outcome);
        }
    }

    fn note_start(&mut self, kind: HistoryKind) {
        if kind == HistoryKind::RunStarted {
            let mut activities = self.activities.values();
            self.unknown_outcome |= activities.any(|recorded| recorded.open_intent.is_some());
        }
    }

    /// Being sent through again gives the activity that ended the run a new schedule. What it may have
    /// left in the outside world stays known.
    fn forgive(&mut self, label: Option<String>) {
        if let Some(recorded) = label.and_then(|label| self.activities.get_mut(&label)) {
            recorded.refused = None;
            recorded.failures = 0;
            recorded.throttles = 0;
        }
    }

    /// The attempt that a person asked for takes the place of the last one that failed.
    fn spare_an_attempt(&mut self, label: &str) {
        if let Some(recorded) = self.activities.get_mut(label) {
            recorded.failures = recorded.failures.saturating_sub(1);
        }
    }

    /// Forgets everything from an activity on. An effect that exists once was perhaps made: that it
    /// was begun stays known, so it is looked for before it is made again. A run that was told to
    /// stop is no longer.
    fn restart(&mut self, from: Option<&str>) {
        let since = from.map_or(Some(0), |from| self.first_seen.get(from).copied());
        let Some(since) = since else { return };
        let forgotten: Vec<String> = self
            .first_seen
            .extract_if(|_, seq| *seq >= since)
            .map(|(label, _)| label)
            .collect();
        for label in forgotten {
            self.timers.remove(&label);
            self.side_values.remove(&label);
            self.signals.remove(&label);
            self.children.remove(&label);
            self.published.remove(&label);
            if let Some(recorded) = self.activities.remove(&label)
                && let Some(begun) = recorded.begun
            {
                self.remnants.insert(label, begun);
            }
        }
        self.cancelled = None;
    }
}

impl Recorded {
    fn apply(&mut self, kind: HistoryKind, at: DateTime<Utc>, mut payload: Value) {
        match kind {
            HistoryKind::ActivityStarted => {
                self.open_intent = Some(at);
                self.begun = Some(at);
            }
            HistoryKind::ActivityCompleted => {
                self.output = Some(payload["output"].take());
                self.open_intent = None;
                self.throttles = 0;
            }
            HistoryKind::ActivityFailed => {
                self.failures += 1;
                self.close_intent(&payload);
                if payload["final"] == true {
                    self.refused = Some((text(&payload, "reason"), text(&payload, "message")));
                }
            }
            HistoryKind::ActivityThrottled => {
                self.throttles += 1;
                self.close_intent(&payload);
            }
            _ => {}
        }
    }

    /// A failure closes the intent when it says for certain that nothing happened.
    fn close_intent(&mut self, payload: &Value) {
        if payload["keeps_intent"] != true {
            self.open_intent = None;
        }
    }
}

fn text(payload: &Value, field: &str) -> String {
    payload[field].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
