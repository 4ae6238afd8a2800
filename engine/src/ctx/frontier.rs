//! Where a run's past ends and something new begins.
//!
//! Nothing new begins while something recorded was never asked for: the history was written by other
//! code than today's. Such a run is put down with both sides shown, and looked at again when a worker
//! starts (a deploy) or a person says so. It is neither failed blindly nor tried for ever.

use super::Ctx;
use crate::history::HistoryKind;
use crate::journal::Transition;
use crate::names::code_gate;
use crate::state::RunState;
use crate::workflow::{WorkflowError, WorkflowResult};

/// Why such a run waits, in its head and its history.
pub(crate) const NONDETERMINISM: &str = "nondeterminism";

impl Ctx {
    /// Comes back when all that binds the run was asked for and the locks that `asked` needs are
    /// taken, so that it may begin.
    ///
    /// # Errors
    /// The run was told to stop, or the call overlaps another of its branch.
    pub(super) async fn begin_new(&self, asked: &str) -> WorkflowResult<()> {
        self.check_was_cancelled()?;
        self.at_frontier(asked).await?;
        self.check_cancelled()?;
        self.take_locks().await
    }

    /// The first of it alone, for a call that may have begun before.
    pub(super) async fn at_frontier(&self, asked: &str) -> WorkflowResult<()> {
        if self.progress().overlap {
            return Err(overlap(asked));
        }
        if !self.progress().past.is_spent() {
            // Calls side by side first get to where each of them stands.
            yield_once().await;
        }
        self.match_with_past(asked).await;
        if self.run.rehearsal {
            self.abandon().await
        }
        Ok(())
    }

    /// Comes back unless something recorded was not asked for by a workflow that has come to `asked`.
    pub(crate) async fn match_with_past(&self, asked: &str) {
        let recorded = self.progress().past.leftovers();
        if recorded.is_empty() {
            return;
        }
        let shown = serde_json::json!({
            "reason": NONDETERMINISM,
            "asked": asked,
            "recorded": recorded,
            "message": mismatch(asked, &recorded),
        });
        self.progress().mismatch = Some(mismatch(asked, &recorded));
        if self.run.rehearsal {
            return self.abandon().await;
        }
        tracing::error!(run.id = %self.run_id(), asked, "A run's history does not fit this build's workflow; it waits for one that fits");
        self.add_row(HistoryKind::RunWaiting, None, None, Some(shown.to_string()));
        self.wait_for_code().await
    }

    /// What did not fit, if something did not.
    pub(crate) fn mismatch(&self) -> Option<String> {
        self.progress().mismatch.clone()
    }

    async fn wait_for_code(&self) {
        let mut transition = Transition::to(RunState::Waiting);
        transition.reason = Some(NONDETERMINISM.to_owned());
        transition.gates = vec![code_gate(&self.run.claimed.workflow)];
        self.park(transition).await
    }
}

fn overlap(asked: &str) -> WorkflowError {
    WorkflowError {
        reason: "overlapping_calls".to_owned(),
        message: "a call was made while another of the same branch was at work; give each branch its own ctx.branch()".to_owned(),
        activity: Some(asked.to_owned()),
    }
}

fn mismatch(asked: &str, recorded: &[String]) -> String {
    format!(
        "the workflow comes to {asked}, but its history has {} which it did not ask for; deploy a version that does, or use ctx.version",
        recorded.join(", ")
    )
}

/// Lets everything else of the run be polled once.
async fn yield_once() {
    let mut waited = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
