//! Continuing as a new run: the same key, a new history.

use super::Ctx;
use crate::history::HistoryKind;
use crate::ids::RunId;
use crate::size;
use crate::workflow::{Workflow, WorkflowError, WorkflowResult, unreadable};

/// The error by which a workflow's code leaves; it never reaches a person.
const CONTINUED: &str = "continued_as_new";

impl Ctx {
    /// Ends this run and goes on as a new one of the same workflow, key, lane and priority, with an
    /// empty history: `return ctx.continue_as_new::<Self>(&input)`. Signals that were not taken, and
    /// whoever waits for this run, go over to the new one. Both happen in one commit.
    ///
    /// # Errors
    /// Always: it is to be returned at once.
    pub fn continue_as_new<W: Workflow>(&self, input: &W::Input) -> WorkflowResult<W::Output> {
        let input = serde_json::to_string(input).map_err(|error| unreadable("input", &error))?;
        size::check("input", &input)?;
        self.progress().successor = Some((RunId::new(), input));
        Err(WorkflowError::new(
            CONTINUED,
            "the run goes on as a new one",
        ))
    }

    /// Writes down the run that follows, if the workflow left for one.
    pub(crate) fn add_successor(&self, left_by: &WorkflowError) -> bool {
        if left_by.reason != CONTINUED {
            return false;
        }
        let Some((next, input)) = self.progress().successor.take() else {
            return false;
        };
        let payload = format!(r#"{{"next":"{next}","input":{input}}}"#);
        self.add_row(HistoryKind::RunContinued, None, None, Some(payload));
        true
    }
}
