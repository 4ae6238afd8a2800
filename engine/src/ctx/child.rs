//! Child workflows: runs that a run starts, waits for, or lets go.

use super::Ctx;
use crate::history::HistoryKind;
use crate::ids::RunId;
use crate::journal::Transition;
use crate::names::end_gate;
use crate::past::RecordedChild;
use crate::size;
use crate::state::RunState;
use crate::store::children::{CHILD_CANCELLED, Standing};
use crate::workflow::{Workflow, WorkflowError, WorkflowResult, unreadable};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::marker::PhantomData;

/// How a child is started; what is `None` is as it is for its parent.
#[derive(Clone, Debug, Default)]
pub struct ChildOptions {
    /// What it queues behind.
    pub lane: Option<String>,
    /// 0 is the most urgent, 9 the least.
    pub priority: Option<i16>,
    /// It goes its own way: not cancelled with its parent, and the parent does not hear of its end.
    pub detached: bool,
}

/// A child that was started.
pub struct Child<W> {
    ctx: Ctx,
    label: Cow<'static, str>,
    recorded: RecordedChild,
    workflow: PhantomData<fn() -> W>,
}

/// The payload of `child_started`: what the journal starts the child from.
#[derive(Serialize)]
struct Started<'a, I> {
    run: RunId,
    workflow: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lane: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i16>,
    detached: bool,
    input: &'a I,
}

impl Ctx {
    /// Runs a workflow as a child of this run and hands out its output.
    ///
    /// # Errors
    /// The child gave up (its own reason) or was cancelled (`child_cancelled`); this run was asked
    /// to stop. A parent that stops takes its children with it.
    pub fn child<'a, W: Workflow>(
        &'a self,
        input: &'a W::Input,
    ) -> impl Future<Output = WorkflowResult<W::Output>> + Send + 'a
    where
        W::Input: Sync,
    {
        let start = self.start_child::<W>(input, ChildOptions::default());
        async move { start.await?.result().await }
    }

    /// Starts a child without waiting for it. It is there as soon as anything later of this run is
    /// committed, and never twice.
    ///
    /// # Errors
    /// This run was asked to stop, or the input cannot be written as JSON.
    pub fn start_child<'a, W: Workflow>(
        &'a self,
        input: &'a W::Input,
        options: ChildOptions,
    ) -> impl Future<Output = WorkflowResult<Child<W>>> + Send + 'a
    where
        W::Input: Sync,
    {
        let label = self.label(format!("child:{}", W::NAME));
        let recorded = self.progress().past.take_child(&label);
        async move {
            let recorded = match recorded {
                Some(recorded) => recorded,
                None => {
                    self.begin_child::<W>(label.clone(), input, &options)
                        .await?
                }
            };
            Ok(Child {
                ctx: self.clone(),
                label,
                recorded,
                workflow: PhantomData,
            })
        }
    }

    async fn begin_child<W: Workflow>(
        &self,
        label: Cow<'static, str>,
        input: &W::Input,
        options: &ChildOptions,
    ) -> WorkflowResult<RecordedChild> {
        let _at_work = self.at_work();
        self.begin_new(&label).await?;
        let run = RunId::new();
        let started = Started {
            run,
            workflow: W::NAME,
            lane: options.lane.as_deref(),
            priority: options.priority,
            detached: options.detached,
            input,
        };
        let payload =
            serde_json::to_string(&started).map_err(|error| unreadable("input", &error))?;
        size::check("child's input", &payload)?;
        self.add_row(HistoryKind::ChildStarted, Some(label), None, Some(payload));
        Ok(RecordedChild { run, outcome: None })
    }
}

impl<W: Workflow> Child<W> {
    /// The child's run.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.recorded.run
    }

    /// Waits for the child's end, in the database and not in memory.
    ///
    /// # Errors
    /// The child gave up (its own reason) or was cancelled (`child_cancelled`); this run was asked
    /// to stop.
    pub async fn result(self) -> WorkflowResult<W::Output> {
        let outcome = match self.recorded.outcome {
            Some(outcome) => outcome,
            None => {
                self.ctx
                    .wait_for_child(self.label.clone(), self.recorded.run)
                    .await?
            }
        };
        match outcome {
            Ok(output) => {
                serde_json::from_value(output).map_err(|error| unreadable("child's output", &error))
            }
            Err((reason, message)) => Err(WorkflowError {
                reason,
                message,
                activity: Some(self.label.into_owned()),
            }),
        }
    }
}

impl Ctx {
    async fn wait_for_child(
        &self,
        label: Cow<'static, str>,
        child: RunId,
    ) -> WorkflowResult<Result<Value, (String, String)>> {
        let _at_work = self.at_work();
        self.at_frontier(&label).await?;
        if !self.must_stop() {
            self.take_locks().await?;
        }
        // The child must be there before anybody can wait for it.
        let refused = |why| WorkflowError::new("not_storable", why);
        self.commit().await.map_err(refused)?;
        let shared = &self.run.shared;
        let last = match shared.store.child_standing(child, &shared.lost).await {
            None => return self.abandon().await,
            Some(Standing::Lives(last)) => last,
            Some(Standing::Ended(outcome)) => {
                if matches!(&outcome, Err((reason, _)) if reason == CHILD_CANCELLED) {
                    // Perhaps together with this run: then that is what the workflow hears.
                    self.check_cancelled()?;
                }
                self.record_outcome(label, &outcome);
                return Ok(outcome);
            }
        };
        self.check_cancelled()?;
        let mut transition = Transition::to(RunState::Waiting);
        transition.activity = Some(label);
        transition.reason = Some("child".to_owned());
        transition.gates = vec![end_gate(last)];
        self.park(transition).await
    }

    fn record_outcome(&self, label: Cow<'static, str>, outcome: &Result<Value, (String, String)>) {
        let (kind, payload) = match outcome {
            Ok(output) => (
                HistoryKind::ChildCompleted,
                serde_json::json!({ "output": output }),
            ),
            Err((reason, message)) => (
                HistoryKind::ChildFailed,
                serde_json::json!({ "reason": reason, "message": message }),
            ),
        };
        self.add_row(kind, Some(label), None, Some(payload.to_string()));
    }
}
