//! One activity of a run: take its stored result, or look, or run it, and write down what came of it.

use super::Ctx;
use crate::activity::{Activity, ActivityError, ActivityOptions, Attempt, Effect, FailureKind};
use crate::deadline::{Deadline, boottime};
use crate::failpoint;
use crate::history::HistoryKind;
use crate::journal::Transition;
use crate::past::Recorded;
use crate::size;
use crate::state::RunState;
use crate::workflow::{CANCELLED, WorkflowError, WorkflowResult, unreadable};
use chrono::{DateTime, Utc};
use futures::FutureExt;
use serde::Serialize;
use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::time::Duration;

mod failure;
mod lane;
mod look;

use failure::Stage;

/// In bytes.
const LONGEST_LABEL: usize = 100;

/// One activity call of a run.
struct Call<'a, A: Activity> {
    ctx: &'a Ctx,
    activity: &'a A,
    input: &'a A::Input,
    label: Cow<'static, str>,
    options: ActivityOptions,
    recorded: Recorded,
}

/// The checkpoint's payload.
#[derive(Serialize)]
struct Completed<'a, T> {
    output: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    /// How far back it was looked for, where that is before the run: it may be another run's effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
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
        let name = activity.label(input);
        let call = fits_history(&name).then(|| {
            let label = self.label(name);
            let recorded = self.progress().past.take(&label);
            Call {
                ctx: self,
                activity,
                input,
                label,
                options: activity.options(input),
                recorded,
            }
        });
        async move {
            let call = call.ok_or_else(|| misnamed(A::NAME))?;
            call.recall_or_execute().await
        }
    }
}

/// Whether calls can be told apart by this label and what the engine adds to it.
fn fits_history(label: &str) -> bool {
    let means_something = |c: char| c.is_control() || matches!(c, '/' | '#');
    (1..=LONGEST_LABEL).contains(&label.len()) && !label.contains(means_something)
}

/// The label is not shown: nobody knows what is in it.
fn misnamed(activity: &str) -> WorkflowError {
    WorkflowError::new(
        "invalid",
        format!(
            "a call of the activity {activity} has a label that is empty, longer than {LONGEST_LABEL} bytes, or has a control character, `/` or `#` in it"
        ),
    )
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
        if may_begin.is_ok() {
            self.ctx.take_locks().await?;
        }
        let doubt = match self.recorded.open_intent {
            None if self.options.effect == Effect::Once => self.ctx.suspected_since().await,
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
        let attempt = self.begin_in_time().await?;
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

    /// Begins again where writing the intent took all the time there was: a database that was away, or
    /// full, is no failed attempt, for nothing was sent. Not for ever, though: no time at all may be
    /// what somebody has set.
    async fn begin_in_time(&self) -> WorkflowResult<Attempt> {
        let patience = self.ctx.run.shared.limits.throttles;
        for _ in self.recorded.throttles..patience {
            let attempt = self.begin().await?;
            if !attempt.time_left().is_zero() {
                return Ok(attempt);
            }
            let late = too_late("its intent was written too late; nothing was sent");
            let (kind, again) = (HistoryKind::ActivityThrottled, Some(Duration::ZERO));
            self.add_failure(kind, &attempt, &late, again, Stage::Running);
        }
        self.begin().await
    }

    /// Commits the intent (and what was kept back) before anything leaves this process.
    async fn begin(&self) -> WorkflowResult<Attempt> {
        let attempt = self.attempt();
        if self.options.effect == Effect::Once {
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
            effect_since: self
                .recorded
                .first_begun
                .unwrap_or_else(|| self.ctx.effects_since()),
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
            return Err(too_late(
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
        let kind = match self.options.effect {
            Effect::Once => FailureKind::Ambiguous,
            Effect::Repeatable => FailureKind::NotDone,
        };
        ActivityError::new(kind, reason, message)
    }

    /// The checkpoint; it is committed with the next intent or the end.
    fn complete(
        &self,
        attempt: &Attempt,
        output: A::Output,
        source: Option<&'static str>,
    ) -> WorkflowResult<A::Output> {
        let evidence = attempt.take_evidence();
        let since = source.map(|_| attempt.effect_since);
        let payload = serde_json::to_string(&Completed {
            output: &output,
            source,
            since: since.filter(|since| *since < attempt.enqueued_at),
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

fn too_late(message: &'static str) -> ActivityError {
    ActivityError::not_done("too_late", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_holds_nothing_that_the_engine_adds() {
        for label in [
            "customer_create",
            "note.attach",
            "schöner Schritt",
            &"x".repeat(100),
        ] {
            assert!(fits_history(label), "{label}");
        }
        for label in ["", "1/make", "make#2", "ma\nke", "\0", &"x".repeat(101)] {
            assert!(!fits_history(label), "{label:?}");
        }
    }
}
