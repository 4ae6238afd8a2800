//! After an unknown outcome: wait until it must show, then ask before anything is made again.

use super::Call;
use super::failure::Stage;
use crate::activity::{Activity, ActivityError, FailureKind, Found, OnUnknown};
use crate::failpoint;
use crate::history::HistoryKind;
use crate::state::RunState;
use crate::workflow::WorkflowResult;
use chrono::{DateTime, Utc};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;

impl<A: Activity> Call<'_, A> {
    /// A look-up proves nothing before the earlier attempt can no longer take effect.
    pub(super) async fn wait_until_settled(&self, began: DateTime<Utc>) {
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
    pub(super) async fn look_first(&self) -> WorkflowResult<Option<A::Output>> {
        self.ctx
            .commit()
            .await
            .map_err(|why| self.not_storable(why))?;
        let attempt = self.attempt();
        let look = AssertUnwindSafe(self.activity.reconcile(&attempt, self.input)).catch_unwind();
        failpoint!("look.before_run");
        let found = tokio::time::timeout(attempt.time_left(), look).await;
        self.heed_budget(&attempt).await;
        failpoint!("look.after_run");
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
