//! A failed attempt: its evidence is written, and the run put where the decision says.

use super::Call;
use crate::activity::{Activity, ActivityError, Attempt, Effect, FailureKind};
use crate::decision::{Decision, Tried, decide};
use crate::history::HistoryKind;
use crate::jitter::roll;
use crate::state::RunState;
use crate::workflow::{WorkflowError, WorkflowResult};
use serde::Serialize;
use std::time::Duration;

/// What an attempt was doing when it failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Asking about an earlier attempt, whose outcome stays unknown.
    Looking,
    Running,
}

/// The payload of a failed attempt.
#[derive(Serialize)]
struct Failed<'a> {
    kind: &'static str,
    reason: &'a str,
    message: &'a str,
    #[serde(rename = "final")]
    last: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_in_ms: Option<u128>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    keeps_intent: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<serde_json::Value>,
}

impl<A: Activity> Call<'_, A> {
    /// Writes the evidence and puts the run where the decision says.
    pub(super) async fn fail(
        &self,
        attempt: &Attempt,
        error: &ActivityError,
        stage: Stage,
    ) -> WorkflowResult<A::Output> {
        let shared = &self.ctx.run.shared;
        let tried = Tried {
            failures: self.recorded.failures,
            throttles: self.recorded.throttles,
        };
        let schedule = self.options.schedule.as_ref().unwrap_or(&shared.schedule);
        let roll = roll();
        let decision = decide(error, tried, schedule, &shared.limits, roll);
        let (kind, next) = match &decision {
            Decision::Retry(wait) => (
                HistoryKind::ActivityFailed,
                Some(self.not_before_settled(*wait, attempt, error)),
            ),
            Decision::Pause(wait) | Decision::Block(_, wait) => {
                (HistoryKind::ActivityThrottled, Some(*wait))
            }
            Decision::GiveUp(_) => (HistoryKind::ActivityFailed, None),
        };
        self.add_failure(kind, attempt, error, next, stage);
        self.say(attempt, error, &decision);
        metrics::counter!("leadrail_activity_failures_total", "activity" => self.activity.label(self.input), "reason" => error.reason.to_string()).increment(1);
        let next = next.unwrap_or_default();
        match decision {
            Decision::Retry(_) | Decision::Pause(_) => {
                if let FailureKind::Throttled { after: Some(wait) } = error.kind {
                    self.hold_lane(wait).await;
                }
                self.ctx
                    .park(self.parked(RunState::Retrying, next, &error.reason))
                    .await
            }
            Decision::Block(gate, _) => {
                let mut waiting = self.parked(RunState::Waiting, next, &error.reason);
                waiting.gates = vec![gate];
                self.ctx.park(waiting).await
            }
            Decision::GiveUp(reason) => Err(WorkflowError {
                reason,
                message: error.message.clone(),
                activity: Some(self.label.to_string()),
            }),
        }
    }

    /// Ids, words of ours and times: what the other side wrote may be about somebody.
    fn say(&self, attempt: &Attempt, error: &ActivityError, decision: &Decision) {
        let (then, wait) = match decision {
            Decision::Retry(wait) => ("retrying", *wait),
            Decision::Pause(wait) => ("throttled", *wait),
            Decision::Block(_, wait) => ("waiting", *wait),
            // Said when the run is buried.
            Decision::GiveUp(_) => return,
        };
        tracing::info!(run.id = %self.ctx.run_id(), lane = %self.ctx.lane(), activity = %self.label, attempt = attempt.number, reason = %error.reason, then, next_in_s = wait.as_secs(), "An attempt failed: {} ({then})", error.reason);
    }

    /// The next look after an unknown outcome must come when it means something.
    fn not_before_settled(
        &self,
        wait: Duration,
        attempt: &Attempt,
        error: &ActivityError,
    ) -> Duration {
        if error.kind == FailureKind::Ambiguous && self.options.effect == Effect::Once {
            wait.max(attempt.time_left() + self.options.settle)
        } else {
            wait
        }
    }

    pub(super) fn add_failure(
        &self,
        kind: HistoryKind,
        attempt: &Attempt,
        error: &ActivityError,
        next: Option<Duration>,
        stage: Stage,
    ) {
        let failed = Failed {
            kind: match error.kind {
                FailureKind::NotDone => "not_done",
                FailureKind::Ambiguous => "ambiguous",
                FailureKind::Throttled { .. } => "throttled",
                FailureKind::Rejected => "rejected",
                FailureKind::Blocked { .. } => "blocked",
            },
            reason: &error.reason,
            message: &error.message,
            last: next.is_none(),
            next_in_ms: next.map(|wait| wait.as_millis()),
            keeps_intent: stage == Stage::Looking || error.kind == FailureKind::Ambiguous,
            evidence: attempt.take_evidence(),
        };
        let payload = serde_json::to_string(&failed).ok();
        self.ctx.add_row(
            kind,
            Some(self.label.clone()),
            Some(attempt.number),
            payload,
        );
    }
}
