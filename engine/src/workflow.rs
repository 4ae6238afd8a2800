//! Workflows: code that only orchestrates, and why one of them ended badly.

use crate::ctx::Ctx;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

/// A durable story of activities, told top to bottom.
///
/// After a crash it is run again from the top: completed activities hand out their stored results
/// and are not executed again. So nothing here may read the clock, the network or the database, or
/// make a random choice: activities do that.
pub trait Workflow: Send + Sync + 'static {
    /// Stored with every run: a rename strands the runs in flight.
    const NAME: &'static str;
    /// Stored as JSON when the run is enqueued.
    type Input: Serialize + DeserializeOwned + Send;
    /// Stored as JSON when it ends.
    type Output: Serialize + DeserializeOwned + Send;

    /// The story.
    fn run(
        &self,
        ctx: Ctx,
        input: Self::Input,
    ) -> impl Future<Output = WorkflowResult<Self::Output>> + Send;
}

/// What a workflow gives back.
pub type WorkflowResult<T> = Result<T, WorkflowError>;

/// Why a run cannot go on: it becomes a dead letter with this reason.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct WorkflowError {
    /// Stable and short, such as `http_422` or `invalid`.
    pub reason: String,
    /// One sentence without secrets or personal data.
    pub message: String,
    /// The activity that failed, if one did.
    pub activity: Option<String>,
}

impl WorkflowError {
    /// The workflow itself gives up.
    pub fn new(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            message: message.into(),
            activity: None,
        }
    }
}

impl WorkflowError {
    /// Whether the workflow was told to stop; handing this error on ends the run as cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.reason == CANCELLED
    }
}

/// The reason of the error that tells a workflow to stop.
pub(crate) const CANCELLED: &str = "cancelled";

/// A workflow with its types hidden: JSON in, JSON out.
pub(crate) trait AnyWorkflow: Send + Sync {
    fn run_json<'a>(&'a self, ctx: Ctx, input: &'a str) -> BoxFuture<'a, WorkflowResult<String>>;
}

impl<W: Workflow> AnyWorkflow for W {
    fn run_json<'a>(&'a self, ctx: Ctx, input: &'a str) -> BoxFuture<'a, WorkflowResult<String>> {
        Box::pin(async move {
            let input = serde_json::from_str(input).map_err(|error| unreadable("input", &error))?;
            let output = self.run(ctx, input).await?;
            serde_json::to_string(&output).map_err(|error| unreadable("output", &error))
        })
    }
}

/// What does not fit the types: only position and kind are told, never the text itself.
pub(crate) fn unreadable(what: &str, error: &serde_json::Error) -> WorkflowError {
    let (category, line, column) = (error.classify(), error.line(), error.column());
    WorkflowError::new(
        "invalid",
        format!(
            "the stored {what} does not fit this version of the workflow ({category:?} error at line {line}, column {column})"
        ),
    )
}

/// The workflows that a worker can run, by name.
#[derive(Clone, Default)]
pub struct Registry {
    workflows: HashMap<&'static str, Arc<dyn AnyWorkflow>>,
}

impl Registry {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a workflow.
    ///
    /// # Panics
    /// If another workflow of that name is there: a mistake in the program.
    #[must_use]
    pub fn with<W: Workflow>(mut self, workflow: W) -> Self {
        let before = self.workflows.insert(W::NAME, Arc::new(workflow));
        assert!(before.is_none(), "two workflows are named {}", W::NAME);
        self
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn AnyWorkflow>> {
        self.workflows.get(name).cloned()
    }

    /// The names, for claims.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.workflows.keys().map(|&name| name.to_owned()).collect()
    }
}
