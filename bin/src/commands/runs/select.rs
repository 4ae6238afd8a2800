//! Which runs a command is about: by id, or by filter.

use crate::failure::usage;
use anyhow::Context as _;
use leadrail_engine::{Engine, RunFilter, RunId, RunState, RunView, list};
use std::collections::BTreeMap;

/// How many heads are read at a time.
const PAGE: u32 = 1_000;

/// One selection, for the plan and for what is then done.
#[derive(clap::Args)]
pub(crate) struct Selection {
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

impl Selection {
    /// Whether it names runs one by one, so that nobody is surprised by what it means.
    pub(crate) fn is_by_id(&self) -> bool {
        !self.runs.is_empty()
    }

    /// The runs, the oldest first.
    pub(crate) async fn find(&self, engine: &Engine) -> anyhow::Result<Vec<RunView>> {
        let filters = [&self.workflow, &self.lane, &self.reason];
        let filtered = self.state.is_some() || filters.iter().any(|filter| filter.is_some());
        if filters
            .iter()
            .copied()
            .flatten()
            .any(|text| text.contains('\0'))
        {
            return Err(usage("a filter has no NUL in it"));
        }
        match (self.is_by_id(), filtered || self.all) {
            (true, true) => Err(usage("name runs or filter them, not both")),
            (false, false) => Err(usage(
                "say which runs: their ids, a filter such as --state dead, or --all",
            )),
            (true, false) => self.by_id(engine).await,
            (false, true) => self.by_filter(engine).await,
        }
    }

    async fn by_id(&self, engine: &Engine) -> anyhow::Result<Vec<RunView>> {
        let mut found = Vec::with_capacity(self.runs.len());
        for id in &self.runs {
            let run = engine.run(*id).await?;
            found.push(run.with_context(|| {
                format!("there is no run {id}; `leadrail lead show` tells a lead's run")
            })?);
        }
        Ok(found)
    }

    async fn by_filter(&self, engine: &Engine) -> anyhow::Result<Vec<RunView>> {
        let mut filter = RunFilter {
            state: self.state,
            workflow: self.workflow.clone(),
            lane: self.lane.clone(),
            limit: PAGE,
            ..RunFilter::default()
        };
        let mut found = Vec::new();
        loop {
            let page = list(engine.pool(), &filter).await?;
            let full = page.len() == PAGE as usize;
            filter.before = page.last().map(|run| run.id);
            found.extend(page.into_iter().filter(|run| self.matches(run)));
            if !full {
                found.reverse();
                return Ok(found);
            }
        }
    }

    fn matches(&self, run: &RunView) -> bool {
        let ended = matches!(run.state, RunState::Completed | RunState::Cancelled);
        let wanted = self
            .reason
            .as_ref()
            .is_none_or(|reason| run.reason.as_ref() == Some(reason));
        wanted && (self.state.is_some() || !ended)
    }
}

/// How many there are of each workflow and state.
pub(crate) fn sums(runs: &[RunView]) -> Vec<(String, RunState, usize)> {
    let mut sums: BTreeMap<(String, &str), (RunState, usize)> = BTreeMap::new();
    for run in runs {
        let key = (run.workflow.clone(), run.state.as_str());
        sums.entry(key).or_insert((run.state, 0)).1 += 1;
    }
    sums.into_iter()
        .map(|((workflow, _), (state, runs))| (workflow, state, runs))
        .collect()
}
