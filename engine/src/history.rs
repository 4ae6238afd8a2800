//! History: what happened to a run, line by line.

use crate::ids::RunId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// Sent through again by a person, from its last checkpoint.
    RunRevived,
    /// The same by a replay, when its turn came.
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
    /// A signal that the workflow waited for.
    SignalReceived,
    /// No signal came within the time limit.
    SignalTimedOut,
    /// Another run was started by this one.
    ChildStarted,
    /// The child ended well: its output.
    ChildCompleted,
    /// The child gave up or was cancelled.
    ChildFailed,
    /// The workflow heard that it should stop.
    CancelRequested,
    /// A value that the workflow shows to whoever asks.
    StatePublished,
    /// Ended, and goes on as a new run with a history of its own.
    RunContinued,
    /// A person would not wait; the attempt that follows uses up none.
    RunTriedNow,
    /// Sent through again by a person from an activity on.
    RunRestarted,
    /// Executed alone from here, because its workers died before it achieved anything.
    RunIsolated,
}

impl HistoryKind {
    /// Whether it binds the workflow: code that does not ask for it does not fit this history.
    pub(crate) fn binds(self) -> bool {
        match self {
            Self::ActivityStarted
            | Self::ActivityCompleted
            | Self::ActivityFailed
            | Self::ActivityThrottled
            | Self::TimerStarted
            | Self::SignalReceived
            | Self::SignalTimedOut
            | Self::ChildStarted
            | Self::ChildCompleted
            | Self::ChildFailed => true,
            Self::RunStarted
            | Self::RunLost
            | Self::RunReleased
            | Self::RunWaiting
            | Self::RunDead
            | Self::RunRevived
            | Self::RunReplayed
            | Self::RunCompleted
            | Self::RunCancelled
            | Self::SideValue
            | Self::CancelRequested
            | Self::StatePublished
            | Self::RunContinued
            | Self::RunTriedNow
            | Self::RunRestarted
            | Self::RunIsolated => false,
        }
    }

    /// The name in SQL and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunStarted => "run_started",
            Self::RunLost => "run_lost",
            Self::RunReleased => "run_released",
            Self::RunWaiting => "run_waiting",
            Self::RunDead => "run_dead",
            Self::RunRevived => "run_revived",
            Self::RunReplayed => "run_replayed",
            Self::RunCompleted => "run_completed",
            Self::RunCancelled => "run_cancelled",
            Self::ActivityStarted => "activity_started",
            Self::ActivityCompleted => "activity_completed",
            Self::ActivityFailed => "activity_failed",
            Self::ActivityThrottled => "activity_throttled",
            Self::TimerStarted => "timer_started",
            Self::SideValue => "side_value",
            Self::SignalReceived => "signal_received",
            Self::SignalTimedOut => "signal_timed_out",
            Self::ChildStarted => "child_started",
            Self::ChildCompleted => "child_completed",
            Self::ChildFailed => "child_failed",
            Self::CancelRequested => "cancel_requested",
            Self::StatePublished => "state_published",
            Self::RunContinued => "run_continued",
            Self::RunTriedNow => "run_tried_now",
            Self::RunRestarted => "run_restarted",
            Self::RunIsolated => "run_isolated",
        }
    }
}

/// One line of a run's history.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
