//! Which runs a command is about: by id, or by filter.

use crate::failure::usage;
use leadrail_desk::Selection;
use leadrail_engine::{RunFilter, RunId, RunState};

/// One selection, for the plan and for what is then done.
#[derive(clap::Args)]
pub(crate) struct SelectionArgs {
    /// The runs, by id; or select them by a filter.
    #[arg(value_name = "RUN")]
    runs: Vec<RunId>,
    /// Only runs in this state.
    #[arg(long)]
    state: Option<RunState>,
    /// Only runs of this workflow.
    #[arg(long)]
    workflow: Option<String>,
    /// Only runs of this lane.
    #[arg(long)]
    lane: Option<String>,
    /// Only runs that retry, wait or are dead for this reason.
    #[arg(long)]
    reason: Option<String>,
    /// Every run that has not ended; the only way to say so.
    #[arg(long, conflicts_with_all = ["runs", "state", "workflow", "lane", "reason"])]
    all: bool,
}

impl SelectionArgs {
    /// Whether it names runs one by one, so that nobody is surprised by what it means.
    pub(crate) fn is_by_id(&self) -> bool {
        !self.runs.is_empty()
    }

    /// What is selected.
    pub(crate) fn selection(&self) -> anyhow::Result<Selection> {
        let filters = [&self.workflow, &self.lane, &self.reason];
        let filtered = self.state.is_some() || filters.iter().any(|filter| filter.is_some());
        match (self.is_by_id(), filtered || self.all) {
            (true, true) => Err(usage("name runs or filter them, not both")),
            (false, false) => Err(usage(
                "say which runs: their ids, a filter such as --state dead, or --all",
            )),
            (true, false) => Ok(Selection::Ids(self.runs.clone())),
            (false, true) => Ok(Selection::Matching(RunFilter {
                states: self.state.into_iter().collect(),
                workflow: self.workflow.clone(),
                lane: self.lane.clone(),
                reason: self.reason.clone(),
                ..RunFilter::default()
            })),
        }
    }
}
