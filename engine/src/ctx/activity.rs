//! One activity of a run: take its stored result, or look, or run it, and write down what came of it.

use super::Ctx;
use crate::activity::{
    Activity, ActivityError, ActivityOptions, Attempt, Budget, Effect, FailureKind, Found,
    OnUnknown,
};
use crate::deadline::{Deadline, boottime};
use crate::decision::{Decision, Tried, decide};
use crate::failpoint;
use crate::history::HistoryKind;
use crate::jitter::roll;
use crate::journal::Transition;
use crate::past::Recorded;
use crate::size;
use crate::state::RunState;
use crate::store::lanes;
use crate::workflow::{CANCELLED, WorkflowError, WorkflowResult, unreadable};
use chrono::{DateTime, Utc};
use futures::FutureExt;
use serde::Serialize;
use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::Duration;

/// One activity call of a run.
struct Call<'a, A: Activity> {
    ctx: &'a Ctx,
    activity: &'a A,
    input: &'a A::Input,
    label: Cow<'static, str>,
    options: ActivityOptions,
    recorded: Recorded,
}

/// What an attempt was doing when it failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Asking about an earlier attempt, whose outcome stays unknown.
    Looking,
    Running,
}

/// The checkpoint's payload.
#[derive(Serialize)]
struct Completed<'a, T> {
    output: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<serde_json::Value>,
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

impl Ctx {
    /// Runs an activity once in the life of the run and hands out its result, now and after every
    /// restart.
    ///
    /// # Errors
    /// The activity failed for good. `?` makes the run a dead letter; a workflow may also go on.
    /// Everything else (retries, waits, a lost worker) does not come back here.
    pub fn activity<'a, A: Activity>(
        &'a self,
        activity: &'a A,
        input: &'a A::Input,
    ) -> impl Future<Output = WorkflowResult<A::Output>> + Send + 'a {
        let label = self.label(A::NAME);
        let recorded = self.progress().past.take(&label);
        let options = activity.options(input);
        let call = Call {
            ctx: self,
            activity,
            input,
            label,
            options,
            recorded,
        };
        call.recall_or_execute()
    }
}

impl<A: Activity> Call<'_, A> {
    async fn recall_or_execute(mut self) -> WorkflowResult<A::Output> {
        let recorded = &mut self.recorded;
        if let Some(output) = recorded.output.take() {
            return serde_json::from_value(output).map_err(|error| unreadable("result", &error));
        }
        if let Some((reason, message)) = recorded.refused.take() {
            let activity = Some(self.label.into_owned());
            return Err(WorkflowError {
                reason,
                message,
                activity,
            });
        }
        let _at_work = self.ctx.at_work();
        if self.recorded.open_intent.is_none() {
            self.ctx.check_was_cancelled()?;
        }
        self.ctx.at_frontier(&self.label).await?;
        self.execute().await
    }

    async fn execute(self) -> WorkflowResult<A::Output> {
        if self.ctx.run.shared.is_draining() {
            return self.ctx.release().await;
        }
        let may_begin = self.ctx.check_cancelled();
        let doubt = match self.recorded.open_intent {
            None if A::EFFECT == Effect::Once => self.ctx.suspected_since().await,
            known => known,
        };
        if let Some(began) = doubt {
            self.wait_until_settled(began).await;
            if let Some(found) = self.look_first().await? {
                return Ok(found);
            }
        }
        if let Err(cancelled) = may_begin {
            return Err(self.never_began(cancelled));
        }
        let attempt = self.begin().await?;
        failpoint!("activity.before_run", self.ctx.key());
        let result = self.run_guarded(&attempt).await;
        self.heed_budget(&attempt).await;
        failpoint!("activity.after_run");
        match result {
            Ok(output) => self.complete(&attempt, output, None),
            Err(error) => self.fail(&attempt, &error, Stage::Running).await,
        }
    }

    /// Writes down that an activity which might have begun did not, so that nobody looks again.
    fn never_began(&self, cancelled: WorkflowError) -> WorkflowError {
        if self.recorded.open_intent.is_some() {
            let error = ActivityError::not_done(CANCELLED, cancelled.message.clone());
            let attempt = self.attempt();
            self.add_failure(
                HistoryKind::ActivityFailed,
                &attempt,
                &error,
                None,
                Stage::Running,
            );
        }
        cancelled
    }

    /// Commits the intent (and what was kept back) before anything leaves this process.
    async fn begin(&self) -> WorkflowResult<Attempt> {
        let attempt = self.attempt();
        if A::EFFECT == Effect::Once {
            self.ctx.add_row(
                HistoryKind::ActivityStarted,
                Some(self.label.clone()),
                Some(attempt.number),
                None,
            );
        }
        self.ctx
            .commit()
            .await
            .map_err(|why| self.not_storable(why))?;
        Ok(attempt)
    }

    /// The attempt at hand; its time runs from now.
    fn attempt(&self) -> Attempt {
        let claimed = &self.ctx.run.claimed;
        Attempt {
            run_id: claimed.id,
            key: claimed.key.clone(),
            number: self.recorded.failures + 1,
            enqueued_at: claimed.created_at,
            claimed_at: claimed.claimed_at,
            deadline: Deadline::after(boottime(), self.options.timeout),
            evidence: Mutex::default(),
            budget: Mutex::default(),
        }
    }

    /// Runs the activity under its deadline; a panic is an error like any other.
    async fn run_guarded(&self, attempt: &Attempt) -> Result<A::Output, ActivityError> {
        let left = attempt.time_left();
        if left.is_zero() {
            // The process was frozen between the intent and here: sending now could come after
            // somebody else has already looked.
            return Err(ActivityError::not_done(
                "too_late",
                "the worker was suspended before the call; nothing was sent",
            ));
        }
        let work = AssertUnwindSafe(self.activity.run(attempt, self.input)).catch_unwind();
        match tokio::time::timeout(left, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(self.unknown_outcome("panic", "the activity panicked")),
            Err(_) => Err(self.unknown_outcome("timeout", "the activity did not end in time")),
        }
    }

    fn unknown_outcome(&self, reason: &'static str, message: &str) -> ActivityError {
        let kind = match A::EFFECT {
            Effect::Once => FailureKind::Ambiguous,
            Effect::Repeatable => FailureKind::NotDone,
        };
        ActivityError::new(kind, reason, message)
    }

    /// A look-up proves nothing before the earlier attempt can no longer take effect.
    async fn wait_until_settled(&self, began: DateTime<Utc>) {
        let elapsed = (self.ctx.run.claimed.claimed_at - began)
            .to_std()
            .unwrap_or_default();
        let Some(rest) = (self.options.timeout + self.options.settle).checked_sub(elapsed) else {
            return;
        };
        if rest.is_zero() {
            return;
        }
        let payload = serde_json::json!({ "reason": "settling", "next_in_ms": rest.as_millis() });
        self.ctx.add_row(
            HistoryKind::RunWaiting,
            Some(self.label.clone()),
            None,
            Some(payload.to_string()),
        );
        self.ctx
            .park(self.parked(RunState::Waiting, rest, "settling"))
            .await
    }

    /// Asks whether the earlier attempt took effect; its result if so.
    async fn look_first(&self) -> WorkflowResult<Option<A::Output>> {
        self.ctx
            .commit()
            .await
            .map_err(|why| self.not_storable(why))?;
        let attempt = self.attempt();
        let look = AssertUnwindSafe(self.activity.reconcile(&attempt, self.input)).catch_unwind();
        let found = tokio::time::timeout(attempt.time_left(), look).await;
        let error = match found {
            Ok(Ok(Ok(Found::Yes(output)))) => {
                return self
                    .complete(&attempt, output, Some("reconciled"))
                    .map(Some);
            }
            Ok(Ok(Ok(Found::No))) => return Ok(None),
            Ok(Ok(Ok(Found::Unknowable))) if self.options.on_unknown == OnUnknown::Retry => {
                return Ok(None);
            }
            Ok(Ok(Ok(Found::Unknowable))) => ActivityError::rejected(
                "ambiguous",
                "nobody can know whether the earlier attempt took effect; a person must look",
            ),
            Ok(Ok(Err(error))) => stays_ambiguous(error),
            Ok(Err(_)) => {
                ActivityError::new(FailureKind::Ambiguous, "panic", "the look-up panicked")
            }
            Err(_) => ActivityError::new(
                FailureKind::Ambiguous,
                "timeout",
                "the look-up did not end in time",
            ),
        };
        self.fail(&attempt, &error, Stage::Looking).await.map(Some)
    }

    /// The checkpoint; it is committed with the next intent or the end.
    fn complete(
        &self,
        attempt: &Attempt,
        output: A::Output,
        source: Option<&'static str>,
    ) -> WorkflowResult<A::Output> {
        let evidence = attempt.take_evidence();
        let payload = serde_json::to_string(&Completed {
            output: &output,
            source,
            evidence,
        })
        .map_err(|error| unreadable("result", &error))?;
        size::check("result", &payload)?;
        self.ctx.add_row(
            HistoryKind::ActivityCompleted,
            Some(self.label.clone()),
            Some(attempt.number),
            Some(payload),
        );
        Ok(output)
    }

    /// Writes the evidence and puts the run where the decision says.
    async fn fail(
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
        metrics::counter!("leadrail_activity_failures_total", "activity" => A::NAME, "reason" => error.reason.to_string()).increment(1);
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

    /// A budget that runs out is everybody's in the lane.
    async fn heed_budget(&self, attempt: &Attempt) {
        let scarce = |budget: &Budget| budget.left <= Budget::SCARCE && !self.ctx.lane().is_empty();
        let Some(budget) = attempt.take_budget().filter(scarce) else {
            return;
        };
        let pool = &self.ctx.run.shared.store.pool;
        if let Err(error) = lanes::spend(pool, self.ctx.lane(), budget).await {
            tracing::warn!(run.id = %self.ctx.run_id(), error = %error, "The lane's budget could not be noted; its other runs may be throttled");
        }
    }

    /// The other side wants to be left alone: by all runs of the lane, not by this one only.
    async fn hold_lane(&self, wait: Duration) {
        let lane = self.ctx.lane();
        if lane.is_empty() {
            return;
        }
        if let Err(error) = lanes::hold(&self.ctx.run.shared.store.pool, lane, wait).await {
            tracing::warn!(run.id = %self.ctx.run_id(), error = %error, "The lane could not be held back; its other runs may be throttled too");
        }
    }

    /// The next look after an unknown outcome must come when it means something.
    fn not_before_settled(
        &self,
        wait: Duration,
        attempt: &Attempt,
        error: &ActivityError,
    ) -> Duration {
        if error.kind == FailureKind::Ambiguous && A::EFFECT == Effect::Once {
            wait.max(attempt.time_left() + self.options.settle)
        } else {
            wait
        }
    }

    fn add_failure(
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

    fn parked(&self, state: RunState, wait: Duration, reason: &str) -> Transition {
        let mut transition = Transition::to(state);
        transition.delay = Some(wait);
        transition.activity = Some(self.label.clone());
        transition.attempt = i16::try_from(self.recorded.failures + 1).ok();
        transition.reason = Some(reason.to_owned());
        transition
    }

    fn not_storable(&self, why: String) -> WorkflowError {
        WorkflowError {
            reason: "not_storable".into(),
            message: why,
            activity: Some(self.label.to_string()),
        }
    }
}

/// A look-up that fails proves nothing: whatever its kind, the earlier outcome stays unknown.
fn stays_ambiguous(error: ActivityError) -> ActivityError {
    match error.kind {
        FailureKind::NotDone => ActivityError {
            kind: FailureKind::Ambiguous,
            ..error
        },
        _ => error,
    }
}
