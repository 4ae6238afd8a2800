//! History: what happened to a run, and what a resumed run may take from it.

use crate::ids::RunId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// What one line of history says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "leadrail.history_kind", rename_all = "snake_case")]
pub enum HistoryKind {
    /// A worker claimed the run.
    RunStarted,
    /// The worker died or was cut off; the run went back, no attempt used up.
    RunLost,
    /// The worker shut down in order; the run went back, no attempt used up.
    RunReleased,
    /// Parked until a time or a gate.
    RunWaiting,
    /// Gave up.
    RunDead,
    /// Sent through again by a person.
    RunReplayed,
    /// Ended well.
    RunCompleted,
    /// Ended by a person.
    RunCancelled,
    /// The intent: an attempt at an effect that must exist once is about to begin.
    ActivityStarted,
    /// The checkpoint: the result.
    ActivityCompleted,
    /// The evidence of a failed attempt.
    ActivityFailed,
    /// A pause asked for by the other side, or a gate: no attempt used up.
    ActivityThrottled,
    /// The run sleeps until a time.
    TimerStarted,
    /// A value that the workflow must see again as it was.
    SideValue,
}

impl HistoryKind {
    /// The name in SQL and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunStarted => "run_started",
            Self::RunLost => "run_lost",
            Self::RunReleased => "run_released",
            Self::RunWaiting => "run_waiting",
            Self::RunDead => "run_dead",
            Self::RunReplayed => "run_replayed",
            Self::RunCompleted => "run_completed",
            Self::RunCancelled => "run_cancelled",
            Self::ActivityStarted => "activity_started",
            Self::ActivityCompleted => "activity_completed",
            Self::ActivityFailed => "activity_failed",
            Self::ActivityThrottled => "activity_throttled",
            Self::TimerStarted => "timer_started",
            Self::SideValue => "side_value",
        }
    }
}

/// One line of a run's history.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// The run it belongs to.
    pub run_id: RunId,
    /// Its place, from 0, without gaps.
    pub seq: i32,
    /// When it was committed, on the database's clock.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: HistoryKind,
    /// The activity, with `#n` after its name from its second use in the run on.
    pub activity: Option<String>,
    /// The attempt, from 1.
    pub attempt: Option<i16>,
    /// Output, evidence, reason, worker: whatever the kind needs.
    pub payload: Option<Value>,
}

/// What is known of one activity of a run that is being resumed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorded {
    /// Its stored result.
    pub(crate) output: Option<Value>,
    /// It failed for good and the workflow went on regardless: (reason, message).
    pub(crate) refused: Option<(String, String)>,
    /// Attempts used up since the last replay.
    pub(crate) failures: u32,
    /// Pauses since the last result.
    pub(crate) throttles: u32,
    /// An attempt began at this time and nobody knows how it ended.
    pub(crate) open_intent: Option<DateTime<Utc>>,
}

/// A run's past, as a resumed run needs it.
#[derive(Debug, Default)]
pub(crate) struct Past {
    activities: HashMap<String, Recorded>,
    timers: HashMap<String, DateTime<Utc>>,
    side_values: HashMap<String, Value>,
    /// How often in a row a worker died with this run before anything was achieved.
    pub(crate) crashes: u32,
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
            past.note_start_or_crash(event.kind);
            match (event.kind, event.activity) {
                (HistoryKind::RunReplayed, _) => {
                    if let Some(label) = last_refused.take() {
                        past.forgive(&label);
                    }
                }
                (HistoryKind::TimerStarted, Some(label)) => {
                    last_refused = None;
                    past.note_timer(label, event.payload);
                }
                (HistoryKind::SideValue, Some(label)) => {
                    last_refused = None;
                    let value = event
                        .payload
                        .map_or(Value::Null, |mut payload| payload["value"].take());
                    past.side_values.insert(label, value);
                }
                (_, Some(label)) => {
                    last_refused = None;
                    let recorded = past.activities.entry(label.clone()).or_default();
                    recorded.apply(event.kind, event.at, event.payload);
                    if recorded.refused.is_some() {
                        last_refused = Some(label);
                    }
                }
                (_, None) => {}
            }
        }
        past
    }

    /// Takes what is known of an activity.
    pub(crate) fn take(&mut self, label: &str) -> Recorded {
        self.activities.remove(label).unwrap_or_default()
    }

    /// Takes a timer's due time, if it was started.
    pub(crate) fn take_timer(&mut self, label: &str) -> Option<DateTime<Utc>> {
        self.timers.remove(label)
    }

    /// Takes a recorded side value.
    pub(crate) fn take_side_value(&mut self, label: &str) -> Option<Value> {
        self.side_values.remove(label)
    }

    fn note_timer(&mut self, label: String, payload: Option<Value>) {
        let due = payload.and_then(|payload| payload["due"].as_str()?.parse().ok());
        if let Some(due) = due {
            self.timers.insert(label, due);
        }
    }

    fn note_start_or_crash(&mut self, kind: HistoryKind) {
        match kind {
            HistoryKind::RunLost => self.crashes += 1,
            HistoryKind::RunStarted => {
                let mut activities = self.activities.values();
                self.unknown_outcome |= activities.any(|recorded| recorded.open_intent.is_some());
            }
            HistoryKind::ActivityStarted => {}
            _ => self.crashes = 0,
        }
    }

    /// A replay gives the activity that ended the run a new schedule. What it may have left in the
    /// outside world stays known.
    fn forgive(&mut self, label: &str) {
        if let Some(recorded) = self.activities.get_mut(label) {
            recorded.refused = None;
            recorded.failures = 0;
            recorded.throttles = 0;
        }
    }
}

impl Recorded {
    fn apply(&mut self, kind: HistoryKind, at: DateTime<Utc>, payload: Option<Value>) {
        let mut payload = payload.unwrap_or(Value::Null);
        match kind {
            HistoryKind::ActivityStarted => self.open_intent = Some(at),
            HistoryKind::ActivityCompleted => {
                self.output = Some(payload["output"].take());
                self.open_intent = None;
                self.throttles = 0;
            }
            HistoryKind::ActivityFailed => {
                self.failures += 1;
                self.close_intent(&payload);
                if payload["final"] == true {
                    let text = |field: &str| payload[field].as_str().unwrap_or("").to_owned();
                    self.refused = Some((text("reason"), text("message")));
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Log(Vec<Event>);

    impl Log {
        fn new() -> Self {
            Self(Vec::new())
        }

        fn add(mut self, kind: HistoryKind, activity: Option<&str>, payload: Value) -> Self {
            let seq = i32::try_from(self.0.len()).unwrap();
            self.0.push(Event {
                run_id: RunId::new(),
                seq,
                at: DateTime::from_timestamp(1_000 + i64::from(seq), 0).unwrap(),
                kind,
                activity: activity.map(str::to_owned),
                attempt: activity.map(|_| 1),
                payload: Some(payload),
            });
            self
        }

        fn read(self) -> Past {
            Past::read(self.0)
        }
    }

    #[test]
    fn a_completed_activity_hands_out_its_result_again() {
        let mut past = Log::new()
            .add(HistoryKind::RunStarted, None, json!({}))
            .add(HistoryKind::ActivityStarted, Some("make"), json!(null))
            .add(
                HistoryKind::ActivityCompleted,
                Some("make"),
                json!({"output": {"id": 7}}),
            )
            .read();
        let recorded = past.take("make");
        assert_eq!(recorded.output, Some(json!({"id": 7})));
        assert_eq!(recorded.open_intent, None);
        assert_eq!(past.next_seq, 3);
    }

    #[test]
    fn a_result_of_null_is_a_result() {
        let mut past = Log::new()
            .add(
                HistoryKind::ActivityCompleted,
                Some("look"),
                json!({"output": null}),
            )
            .read();
        assert_eq!(past.take("look").output, Some(Value::Null));
    }

    #[test]
    fn an_intent_stays_open_through_ambiguity_and_closes_on_certainty() {
        let open = |keeps: bool| {
            Log::new()
                .add(HistoryKind::ActivityStarted, Some("make"), json!(null))
                .add(
                    HistoryKind::ActivityFailed,
                    Some("make"),
                    json!({"keeps_intent": keeps}),
                )
                .read()
                .take("make")
                .open_intent
                .is_some()
        };
        assert!(open(true));
        assert!(!open(false));
    }

    #[test]
    fn a_replay_forgives_only_the_activity_that_ended_the_run() {
        let refusal =
            json!({"kind": "rejected", "final": true, "reason": "http_422", "message": "no"});
        let mut past = Log::new()
            .add(
                HistoryKind::ActivityFailed,
                Some("optional"),
                refusal.clone(),
            )
            .add(
                HistoryKind::ActivityCompleted,
                Some("other"),
                json!({"output": 1}),
            )
            .add(HistoryKind::ActivityFailed, Some("make"), refusal)
            .add(HistoryKind::RunDead, None, json!({}))
            .add(HistoryKind::RunReplayed, None, json!({}))
            .read();
        assert!(past.take("optional").refused.is_some());
        let make = past.take("make");
        assert_eq!((make.refused, make.failures), (None, 0));
    }

    #[test]
    fn crashes_count_only_while_nothing_is_achieved() {
        let mut log = Log::new();
        for _ in 0..4 {
            log = log
                .add(HistoryKind::RunStarted, None, json!({}))
                .add(HistoryKind::ActivityStarted, Some("make"), json!(null))
                .add(HistoryKind::RunLost, None, json!({}));
        }
        assert_eq!(Past::read(log.0.clone()).crashes, 4);
        let log = log.add(
            HistoryKind::ActivityCompleted,
            Some("make"),
            json!({"output": 1}),
        );
        assert_eq!(log.read().crashes, 0);
    }
}
