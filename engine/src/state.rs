//! The states of a run and the legal moves between them.
//!
//! One table, here and in SQL (`leadrail.may_become`); a test compares the two.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where a run stands. Every run is in exactly one of these at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "leadrail.run_state", rename_all = "snake_case")]
pub enum RunState {
    /// Ready, or will be at its due time.
    Queued,
    /// A worker holds it.
    Running,
    /// An activity failed; the next attempt has a time.
    Retrying,
    /// Waits for a gate, a lock or the time after which a look-up means something.
    Waiting,
    /// Was dead and is sent through again, by a person or a replay; no worker has taken it up yet.
    Replaying,
    /// Ended well.
    Completed,
    /// Gave up: a dead letter that waits for a person.
    Dead,
    /// Ended by a person.
    Cancelled,
}

impl RunState {
    /// All states, in the order of the SQL enum.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Retrying,
        Self::Waiting,
        Self::Replaying,
        Self::Completed,
        Self::Dead,
        Self::Cancelled,
    ];

    /// Whether the run may go from `self` to `next`.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use RunState::{Cancelled, Completed, Dead, Queued, Replaying, Retrying, Running, Waiting};
        match self {
            Queued => matches!(next, Running | Cancelled),
            Running => matches!(
                next,
                Queued | Retrying | Waiting | Completed | Dead | Cancelled
            ),
            Retrying | Waiting => matches!(next, Running | Queued | Cancelled),
            Replaying => matches!(next, Running | Queued | Dead | Cancelled),
            Dead => matches!(next, Replaying | Cancelled),
            Completed | Cancelled => false,
        }
    }

    /// Whether nothing more happens by itself.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Dead | Self::Cancelled)
    }

    /// The name in SQL, JSON and on screen.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Waiting => "waiting",
            Self::Replaying => "replaying",
            Self::Completed => "completed",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no state.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a state; use queued, running, retrying, waiting, replaying, completed, dead or cancelled"
)]
pub struct UnknownState(pub String);

impl FromStr for RunState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_run_never_moves_except_a_dead_letter() {
        for next in RunState::ALL {
            assert!(!RunState::Completed.may_become(next));
            assert!(!RunState::Cancelled.may_become(next));
            let revived_or_cancelled = matches!(next, RunState::Replaying | RunState::Cancelled);
            assert_eq!(RunState::Dead.may_become(next), revived_or_cancelled);
        }
    }

    #[test]
    fn every_live_state_can_reach_every_end() {
        fn reach(from: RunState, seen: &mut Vec<RunState>) {
            for next in RunState::ALL.into_iter().filter(|n| from.may_become(*n)) {
                if !seen.contains(&next) {
                    seen.push(next);
                    reach(next, seen);
                }
            }
        }
        for state in RunState::ALL.into_iter().filter(|s| !s.is_terminal()) {
            let mut seen = Vec::new();
            reach(state, &mut seen);
            for end in [RunState::Completed, RunState::Dead, RunState::Cancelled] {
                assert!(seen.contains(&end), "{state} never reaches {end}");
            }
        }
    }

    #[test]
    fn names_read_back() {
        for state in RunState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert_eq!("done".parse::<RunState>(), Err(UnknownState("done".into())));
    }
}
