//! The apalis backend: a stream of claimed runs.
//!
//! apalis drives the runs and gives them tower layers; what a run achieved is committed by the
//! journal, together with the advance of its head, so apalis has nothing to acknowledge.

use crate::claim::{ClaimedRun, Claims};
use crate::shared::Shared;
use apalis::prelude::{Backend, Task, WorkerContext};
use apalis_core::backend::BackendConfig;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc::UnboundedReceiver;
use tower::layer::util::Identity;

/// Hands the runs that one worker incarnation claimed to apalis.
pub(crate) struct ClaimedRuns {
    runs: UnboundedReceiver<ClaimedRun>,
    shared: Arc<Shared>,
}

impl ClaimedRuns {
    pub(crate) fn new(runs: UnboundedReceiver<ClaimedRun>, shared: Arc<Shared>) -> Self {
        Self { runs, shared }
    }

    fn claims(&self) -> &Claims {
        &self.shared.claims
    }
}

impl Backend for ClaimedRuns {
    type Task = Task<ClaimedRun>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// Ends when the incarnation is over or, while draining, when everything claimed was handed out.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Infallible>>> {
        match self.runs.poll_recv(cx) {
            Poll::Ready(Some(run)) => Poll::Ready(Some(Ok(Task::new(run)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_close(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        self.claims().close();
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for ClaimedRuns {
    type Args = ClaimedRun;
    type Id = apalis::prelude::RandomId;
    type Kind = apalis_core::backend::finalize::Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
