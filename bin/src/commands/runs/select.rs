//! Which runs a command is about: by id, or by filter.

use super::named::run_named;
use crate::failure::usage;
use leadrail_desk::{Desk, Selection};
use leadrail_engine::{RunFilter, RunId, RunState};

/// One selection, for the plan and for what is then done.
#[derive(clap::Args)]
pub(crate) struct SelectionArgs {
    /// The runs, by run id or by a lead's event id; or select them by a filter.
    #[arg(value_name = "ID")]
    runs: Vec<RunId>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Every run that has not ended; the only way to say so.
    #[arg(long, conflicts_with_all = ["runs", "state", "workflow", "lane", "reason", "account"])]
    all: bool,
}

/// What runs are filtered by.
#[derive(clap::Args)]
pub(crate) struct FilterArgs {
    /// Only runs in this state.
    #[arg(long)]
    state: Option<RunState>,
    /// Only runs of this workflow.
    #[arg(long)]
    workflow: Option<String>,
    /// Only this account's; beside ids it says whose lead is meant.
    #[arg(long)]
    account: Option<String>,
    /// Only runs of this lane.
    #[arg(long)]
    lane: Option<String>,
    /// Only runs that retry, wait or are dead for this reason.
    #[arg(long)]
    reason: Option<String>,
}

impl FilterArgs {
    /// The same for the engine.
    pub(crate) fn filter(&self) -> RunFilter {
        RunFilter {
            states: self.state.into_iter().collect(),
            scopes: self.account.iter().cloned().collect(),
            lane: self.lane.clone(),
            workflow: self.workflow.clone(),
            reason: self.reason.clone(),
        }
    }

    fn has_more_than_account(&self) -> bool {
        let texts = [&self.workflow, &self.lane, &self.reason];
        self.state.is_some() || texts.iter().any(|text| text.is_some())
    }
}

impl SelectionArgs {
    /// Whether it names runs one by one, so that nobody is surprised by what it means.
    pub(crate) fn is_by_id(&self) -> bool {
        !self.runs.is_empty()
    }

    /// What is selected.
    pub(crate) async fn selection(&self, desk: &Desk) -> anyhow::Result<Selection> {
        let account = self.filter.account.as_deref();
        let filtered = self.filter.has_more_than_account();
        if !self.is_by_id() {
            return match filtered || self.all || account.is_some() {
                true => Ok(Selection::Matching(self.filter.filter())),
                false => Err(usage(
                    "say which runs: their ids, a filter such as --state dead, or --all",
                )),
            };
        }
        if filtered || self.all {
            return Err(usage("name runs or filter them, not both"));
        }
        let mut runs = Vec::with_capacity(self.runs.len());
        for id in &self.runs {
            runs.push(run_named(desk, *id, account).await?);
        }
        Ok(Selection::Ids(runs))
    }
}
