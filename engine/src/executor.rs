//! Executing one claimed run: read its past, run its workflow, write its end.

use crate::claim::ClaimedRun;
use crate::ctx::{Ctx, Parked};
use crate::failpoint;
use crate::history::HistoryKind;
use crate::ids::RunId;
use crate::journal::Transition;
use crate::names::end_gate;
use crate::past::Past;
use crate::shared::Shared;
use crate::state::RunState;
use crate::worker::isolation::admit;
use crate::workflow::{AnyWorkflow, WorkflowError, WorkflowResult};
use futures::FutureExt;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

/// The reason of a run whose workflow's own code panicked.
const PANIC: &str = "panic";

/// Carries a claimed run as far as it goes; returns when it ended, was parked or was lost.
pub(crate) async fn execute(claimed: ClaimedRun, shared: Arc<Shared>) {
    let (id, starts, reader) = (claimed.id, claimed.starts, shared.clone());
    let past = async move { read_past(id, starts, &reader).await };
    execute_from(claimed, shared, past).await;
}

/// The same from a past that is read elsewhere.
pub(crate) async fn execute_from(
    claimed: ClaimedRun,
    shared: Arc<Shared>,
    past: impl Future<Output = Option<Past>>,
) {
    let id = claimed.id;
    tokio::select! {
        biased;
        () = shared.lost.cancelled() => {}
        () = shared.grace_over.cancelled() => {}
        () = carry(claimed, past, &shared) => {}
    }
    shared.claims.finished(id);
    if shared.claims.want() > 0 {
        shared.journal.wake();
    }
}

async fn carry(
    claimed: ClaimedRun,
    past: impl Future<Output = Option<Past>>,
    shared: &Arc<Shared>,
) {
    let Some(past) = past.await else {
        return;
    };
    let crashes = past.crashes;
    let Some(workflow) = shared.registry.get(&claimed.workflow) else {
        return;
    };
    let input = claimed.input.clone();
    let ctx = Ctx::new(claimed, past, shared.clone());
    let story = async {
        if shared.is_draining() {
            return ctx.release().await;
        }
        let _admission = admit(&ctx, shared, crashes).await;
        let result = if crashes.is_poison() {
            Err(poison(crashes.all))
        } else {
            let result = run_guarded(workflow.as_ref(), &ctx, &input).await;
            if !matches!(&result, Err(error) if error.reason == PANIC) {
                ctx.match_with_past("its end").await;
            }
            result
        };
        finish(&ctx, result).await;
    };
    if let Some(Parked::At(place)) = until_parked(&ctx, story).await {
        // Nobody but a takeover ends this early; then nothing of the run counts any more.
        until_parked(&ctx, put_down(&ctx, place)).await;
    }
}

/// Commits where the run stops for now.
async fn put_down(ctx: &Ctx, place: Transition) {
    if let Err(why) = ctx.commit_move(place).await {
        ctx.give_up_unwritten(&why).await;
    }
}

/// A run that was never started before has no past to read.
async fn read_past(run: RunId, starts: i32, shared: &Shared) -> Option<Past> {
    if starts <= 1 {
        return Some(Past::default());
    }
    failpoint!("history.before_read");
    let events = shared.store.history_patiently(run, &shared.lost).await?;
    failpoint!("history.after_read");
    Some(Past::read(events))
}

/// Drives a future of the run until it is ready (`None`) or the run is to be put down.
pub(crate) async fn until_parked(ctx: &Ctx, future: impl Future<Output = ()>) -> Option<Parked> {
    let mut future = std::pin::pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => ctx
            .parked()
            .map_or(Poll::Pending, |parked| Poll::Ready(Some(parked))),
    })
    .await
}

pub(crate) async fn run_guarded(
    workflow: &dyn AnyWorkflow,
    ctx: &Ctx,
    input: &str,
) -> WorkflowResult<String> {
    let run = AssertUnwindSafe(workflow.run_json(ctx.clone(), input)).catch_unwind();
    run.await.unwrap_or_else(|_| {
        Err(WorkflowError::new(
            PANIC,
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
    let mut transition = match (ctx.refusal(), result) {
        (Some(why), _) => bury(ctx, WorkflowError::new("not_storable", why)),
        (None, Ok(output)) => {
            let payload = format!(r#"{{"output":{output}}}"#);
            ctx.add_row(HistoryKind::RunCompleted, None, None, Some(payload));
            Transition::to(RunState::Completed)
        }
        (None, Err(error)) => end_badly(ctx, error),
    };
    if ctx.run.claimed.parent.is_some() {
        transition.opens = Some(end_gate(ctx.run_id()));
    }
    failpoint!("run.before_end");
    let state = transition.state.as_str();
    put_down(ctx, transition).await;
    failpoint!("run.after_end");
    metrics::counter!("leadrail_runs_ended_total", "state" => state).increment(1);
}

/// Not every error is a failure: a run may have been asked to stop, or go on as a new one.
fn end_badly(ctx: &Ctx, error: WorkflowError) -> Transition {
    if ctx.add_successor(&error) {
        return Transition::to(RunState::Completed);
    }
    if let (true, Some(why)) = (error.is_cancelled(), ctx.cancel_why()) {
        let payload = serde_json::json!({ "why": why });
        ctx.add_row(
            HistoryKind::RunCancelled,
            None,
            None,
            Some(payload.to_string()),
        );
        let mut transition = Transition::to(RunState::Cancelled);
        transition.reason = Some(error.reason);
        return transition;
    }
    bury(ctx, error)
}

fn bury(ctx: &Ctx, error: WorkflowError) -> Transition {
    tracing::warn!(run.id = %ctx.run_id(), lane = %ctx.lane(), activity = error.activity.as_deref(), reason = %error.reason, "The run is a dead letter: {}", error.reason);
    let payload = serde_json::json!({ "reason": error.reason, "message": error.message });
    ctx.add_row(HistoryKind::RunDead, None, None, Some(payload.to_string()));
    let mut transition = Transition::to(RunState::Dead);
    transition.reason = Some(error.reason);
    transition.activity = error.activity.map(Into::into);
    transition
}
