//! Executing one claimed run: read its past, run its workflow, write its end.

use crate::claim::ClaimedRun;
use crate::ctx::Ctx;
use crate::failpoint;
use crate::history::{HistoryKind, Past};
use crate::journal::Transition;
use crate::state::RunState;
use crate::worker::Shared;
use crate::workflow::{AnyWorkflow, WorkflowError, WorkflowResult};
use futures::FutureExt;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

/// A run that killed its worker so often in a row without achieving anything is not tried again.
const CRASHES_UNTIL_POISON: u32 = 5;

/// Carries a claimed run as far as it goes; returns when it ended, was parked or was lost.
pub(crate) async fn execute(claimed: ClaimedRun, shared: Arc<Shared>) {
    let id = claimed.id;
    tokio::select! {
        biased;
        () = shared.lost.cancelled() => {}
        () = shared.grace_over.cancelled() => {}
        () = carry(claimed, &shared) => {}
    }
    shared.claims.finished(id);
    if shared.claims.want() > 0 {
        shared.journal.wake();
    }
}

async fn carry(claimed: ClaimedRun, shared: &Arc<Shared>) {
    let Some(past) = read_past(&claimed, shared).await else {
        return;
    };
    let crashes = past.crashes;
    let Some(workflow) = shared.registry.get(&claimed.workflow) else {
        return;
    };
    let input = claimed.input.clone();
    let ctx = Ctx::new(claimed, past, shared.clone());
    if shared.is_draining() {
        return until_parked(&ctx, ctx.release()).await.unwrap_or(());
    }
    let result = if crashes >= CRASHES_UNTIL_POISON {
        Err(poison(crashes))
    } else {
        match until_parked(&ctx, run_guarded(workflow.as_ref(), &ctx, &input)).await {
            Some(result) => result,
            None => return,
        }
    };
    until_parked(&ctx, finish(&ctx, result)).await.unwrap_or(());
}

/// A run that was never started before has no past to read.
async fn read_past(claimed: &ClaimedRun, shared: &Shared) -> Option<Past> {
    if claimed.starts <= 1 {
        return Some(Past::default());
    }
    let events = shared
        .store
        .history_patiently(claimed.id, &shared.lost)
        .await?;
    Some(Past::read(events))
}

/// Drives a future of the run until it is ready (`Some`) or the run was put down (`None`).
async fn until_parked<T>(ctx: &Ctx, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending if ctx.is_parked() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

async fn run_guarded(workflow: &dyn AnyWorkflow, ctx: &Ctx, input: &str) -> WorkflowResult<String> {
    let run = AssertUnwindSafe(workflow.run_json(ctx.clone(), input)).catch_unwind();
    run.await.unwrap_or_else(|_| {
        Err(WorkflowError::new(
            "panic",
            "the workflow's own code panicked",
        ))
    })
}

fn poison(crashes: u32) -> WorkflowError {
    let message = format!(
        "the run's worker died {crashes} times in a row without achieving anything; it is quarantined"
    );
    WorkflowError::new("poison", message)
}

async fn finish(ctx: &Ctx, result: WorkflowResult<String>) {
    let transition = match result {
        Ok(output) => {
            let payload = format!(r#"{{"output":{output}}}"#);
            ctx.add_row(HistoryKind::RunCompleted, None, None, Some(payload));
            Transition::to(RunState::Completed)
        }
        Err(error) => bury(ctx, error),
    };
    failpoint!("run.before_end");
    let state = transition.state.as_str();
    if let Err(why) = ctx.commit(Some(transition)).await {
        ctx.give_up_unwritten(&why).await;
    }
    metrics::counter!("leadrail_runs_ended_total", "state" => state).increment(1);
}

fn bury(ctx: &Ctx, error: WorkflowError) -> Transition {
    tracing::warn!(run.id = %ctx.run_id(), reason = %error.reason, "The run is a dead letter");
    let payload = serde_json::json!({ "reason": error.reason, "message": error.message });
    ctx.add_row(HistoryKind::RunDead, None, None, Some(payload.to_string()));
    let mut transition = Transition::to(RunState::Dead);
    transition.reason = Some(error.reason);
    transition.activity = error.activity.map(Into::into);
    transition
}
