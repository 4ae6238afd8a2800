//! What follows from a failed attempt: decided here and nowhere else, without input or output.

use crate::activity::{ActivityError, FailureKind};
use crate::retry::RetrySchedule;
use std::time::Duration;

/// How often an activity has failed so far, this attempt not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Attempts used up.
    pub failures: u32,
    /// Times the other side asked for a pause.
    pub throttles: u32,
}

/// Bounds on waits that use up no attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// After so many pauses in a row a further one counts as a failure.
    pub throttles: u32,
    /// The longest pause that is honored.
    pub throttle_wait: Duration,
    /// The pause when the other side names none.
    pub throttle_default: Duration,
    /// How often a run that waits for a gate looks again by itself.
    pub gate_recheck: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            throttles: 100,
            throttle_wait: Duration::from_secs(24 * 3600),
            throttle_default: Duration::from_secs(30),
            gate_recheck: Duration::from_secs(600),
        }
    }
}

/// What the run does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// State `retrying`: the next attempt after this wait. Uses up an attempt.
    Retry(Duration),
    /// State `retrying`, no attempt used up.
    Pause(Duration),
    /// State `waiting` until the gate opens, looking again by itself after the wait.
    Block(String, Duration),
    /// A dead letter with this reason.
    GiveUp(String),
}

/// Decides what follows. `roll` is uniform in -1.0..=1.0 and decides the jitter.
#[must_use]
pub fn decide(
    error: &ActivityError,
    tried: Tried,
    schedule: &RetrySchedule,
    limits: &Limits,
    roll: f64,
) -> Decision {
    match &error.kind {
        FailureKind::Rejected => Decision::GiveUp(error.reason.to_string()),
        FailureKind::Blocked { gate } => {
            Decision::Block(gate.clone(), jittered(limits.gate_recheck, roll))
        }
        FailureKind::Throttled { after } if tried.throttles < limits.throttles => {
            let asked = after.unwrap_or(limits.throttle_default);
            Decision::Pause(with_late_jitter(asked.min(limits.throttle_wait), roll))
        }
        FailureKind::NotDone | FailureKind::Ambiguous | FailureKind::Throttled { .. } => {
            match schedule.wait_after(tried.failures + 1, roll) {
                Some(wait) => Decision::Retry(wait),
                None => Decision::GiveUp(error.reason.to_string()),
            }
        }
    }
}

/// Never earlier than asked, at most a tenth plus one second later, so that a lane's runs do not
/// come back as one.
fn with_late_jitter(asked: Duration, roll: f64) -> Duration {
    let spread = asked.as_secs_f64() / 10.0 + 1.0;
    asked + Duration::from_secs_f64(spread * f64::midpoint(roll.clamp(-1.0, 1.0), 1.0))
}

fn jittered(middle: Duration, roll: f64) -> Duration {
    Duration::from_secs_f64(middle.as_secs_f64() * (1.0 + 0.2 * roll.clamp(-1.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(kind: FailureKind) -> ActivityError {
        ActivityError::new(kind, "http_503", "the service is down")
    }

    fn decide_with(kind: FailureKind, tried: Tried, roll: f64) -> Decision {
        decide(
            &error(kind),
            tried,
            &RetrySchedule::default(),
            &Limits::default(),
            roll,
        )
    }

    #[test]
    fn a_rejection_is_final_at_once() {
        let decision = decide_with(FailureKind::Rejected, Tried::default(), 0.0);
        assert_eq!(decision, Decision::GiveUp("http_503".into()));
    }

    #[test]
    fn the_sixth_failure_is_final_whatever_its_kind() {
        let tried = Tried {
            failures: 5,
            throttles: 0,
        };
        for kind in [FailureKind::NotDone, FailureKind::Ambiguous] {
            assert_eq!(
                decide_with(kind, tried, 0.0),
                Decision::GiveUp("http_503".into())
            );
        }
    }

    #[test]
    fn a_pause_asked_for_is_honored_even_on_the_last_attempt() {
        let tried = Tried {
            failures: 5,
            throttles: 3,
        };
        let after = Some(Duration::from_secs(90));
        let decision = decide_with(FailureKind::Throttled { after }, tried, -1.0);
        assert_eq!(decision, Decision::Pause(Duration::from_secs(90)));
    }

    #[test]
    fn a_pause_is_up_to_a_tenth_and_a_second_longer() {
        for (roll, seconds) in [(-1.0, 60.0), (0.0, 63.5), (1.0, 67.0), (7.0, 67.0)] {
            let after = Some(Duration::from_secs(60));
            let decision = decide_with(FailureKind::Throttled { after }, Tried::default(), roll);
            assert_eq!(
                decision,
                Decision::Pause(Duration::from_secs_f64(seconds)),
                "{roll}"
            );
        }
    }

    #[test]
    fn a_blocked_run_looks_again_by_itself_after_ten_minutes_give_or_take_two() {
        for (roll, seconds) in [(-7.0, 480), (-1.0, 480), (0.0, 600), (0.5, 660), (1.0, 720)] {
            let gate = String::from("crm");
            let decision = decide_with(FailureKind::Blocked { gate }, Tried::default(), roll);
            let wait = Duration::from_secs(seconds);
            assert_eq!(decision, Decision::Block("crm".into(), wait), "{roll}");
        }
    }

    #[test]
    fn endless_throttling_is_a_failure_in_the_end() {
        let tried = Tried {
            failures: 0,
            throttles: 100,
        };
        let decision = decide_with(FailureKind::Throttled { after: None }, tried, 0.0);
        assert_eq!(decision, Decision::Retry(Duration::from_secs(30)));
    }

    proptest! {
        #[test]
        fn a_pause_is_never_shorter_than_asked(asked in 0u64..200_000, roll in -1.0f64..=1.0) {
            let after = Some(Duration::from_secs(asked));
            let Decision::Pause(wait) = decide_with(FailureKind::Throttled { after }, Tried::default(), roll)
            else { panic!("not a pause") };
            let honored = Duration::from_secs(asked.min(86_400));
            prop_assert!(wait >= honored);
            prop_assert!(wait <= honored + honored / 10 + Duration::from_millis(1_001));
        }

        #[test]
        fn failures_walk_down_the_schedule_and_then_end(roll in -1.0f64..=1.0) {
            let waits: Vec<Decision> = (0..8)
                .map(|failures| decide_with(FailureKind::NotDone, Tried { failures, throttles: 0 }, roll))
                .collect();
            for decision in &waits[..5] {
                prop_assert!(matches!(decision, Decision::Retry(_)));
            }
            for decision in &waits[5..] {
                prop_assert!(matches!(decision, Decision::GiveUp(_)));
            }
        }
    }
}
