//! Which runs an operation is about: by id, or by filter. They are read page by page, so that it does
//! not matter how many there are.

use crate::desk::Desk;
use crate::error::{DeskError, DeskResult, has_nul};
use leadrail_engine::{RunFilter, RunId, RunState, RunView};
use std::collections::BTreeMap;

/// How many heads are read at a time: to be counted, and to be acted on one by one.
const COUNTED: u32 = 10_000;
pub(super) const ACTED_ON: u32 = 1_000;

/// One selection, for the plan and for what is then done.
#[derive(Clone, Debug)]
pub enum Selection {
    /// These runs, one by one.
    Ids(Vec<RunId>),
    /// Every run that matches; where no state is asked for, of those that have not ended well or by a
    /// person.
    Matching(RunFilter),
}

/// What a selection means at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// How many there are of each workflow and state, by workflow.
    pub sums: Vec<(String, RunState, u64)>,
    /// How many there are in all.
    pub total: u64,
    /// The youngest of them: what is enqueued later is not part of the plan.
    pub(super) youngest: Option<RunId>,
}

impl Desk {
    /// What a selection means now; each run is told to `each`, the oldest first where a filter selects.
    /// Changes nothing.
    ///
    /// # Errors
    /// [`DeskError::NoSuchRun`] for an id, [`DeskError::Refused`] for a filter with NUL in it, or when the
    /// database cannot be read.
    pub async fn plan(
        &self,
        selection: &Selection,
        mut each: impl FnMut(RunId),
    ) -> DeskResult<Plan> {
        let mut sums = Sums::default();
        let mut pages = Pages::of(self, selection, None, COUNTED)?;
        while let Some(page) = pages.next().await? {
            for run in &page {
                each(run.id);
                sums.add(run);
            }
        }
        Ok(sums.plan())
    }
}

/// The runs of a selection, page by page, the oldest first.
pub(super) struct Pages<'a> {
    desk: &'a Desk,
    left: Left<'a>,
    size: u32,
}

enum Left<'a> {
    Ids(std::slice::Iter<'a, RunId>),
    Matching {
        filter: RunFilter,
        after: Option<RunId>,
        until: Option<RunId>,
    },
    Nothing,
}

impl<'a> Pages<'a> {
    /// Where a filter selects, no run younger than `until`, and `size` at a time.
    pub(super) fn of(
        desk: &'a Desk,
        selection: &'a Selection,
        until: Option<RunId>,
        size: u32,
    ) -> DeskResult<Self> {
        let left = match selection {
            Selection::Ids(ids) => Left::Ids(ids.iter()),
            Selection::Matching(filter) => Left::Matching {
                filter: checked(filter)?,
                after: None,
                until,
            },
        };
        Ok(Self { desk, left, size })
    }

    /// The next page, which may be empty; `None` after the last one.
    pub(super) async fn next(&mut self) -> DeskResult<Option<Vec<RunView>>> {
        match &mut self.left {
            Left::Nothing => Ok(None),
            Left::Ids(ids) => {
                let Some(&run) = ids.next() else {
                    return Ok(None);
                };
                let found = self.desk.engine().run(run).await?;
                found
                    .map(|found| Some(vec![found]))
                    .ok_or(DeskError::NoSuchRun { run })
            }
            Left::Matching {
                filter,
                after,
                until,
            } => {
                let engine = self.desk.engine();
                let page = engine.runs_after(filter, *after, self.size).await?;
                let (mut runs, until) = (page.runs, *until);
                runs.retain(|run| until.is_none_or(|until| run.id <= until));
                let within = |next: &RunId| until.is_none_or(|until| *next < until);
                match page.next.filter(within) {
                    Some(next) => *after = Some(next),
                    None => self.left = Left::Nothing,
                }
                Ok(Some(runs))
            }
        }
    }
}

/// What PostgreSQL would refuse, said before.
pub(super) fn refuse_nul(filter: &RunFilter) -> DeskResult<()> {
    let one = [&filter.lane, &filter.workflow, &filter.reason];
    let mut texts = one.into_iter().flatten().chain(&filter.scopes);
    match texts.any(|text| has_nul(text)) {
        true => Err(DeskError::refused("filter", "a filter has no NUL in it")),
        false => Ok(()),
    }
}

fn checked(filter: &RunFilter) -> DeskResult<RunFilter> {
    refuse_nul(filter)?;
    let mut filter = filter.clone();
    if filter.states.is_empty() {
        let over = |state: &RunState| matches!(state, RunState::Completed | RunState::Cancelled);
        filter.states = RunState::ALL
            .into_iter()
            .filter(|state| !over(state))
            .collect();
    }
    Ok(filter)
}

#[derive(Default)]
struct Sums {
    by: BTreeMap<(String, &'static str), (RunState, u64)>,
    youngest: Option<RunId>,
}

impl Sums {
    fn add(&mut self, run: &RunView) {
        let key = (run.workflow.clone(), run.state.as_str());
        self.by.entry(key).or_insert((run.state, 0)).1 += 1;
        self.youngest = self.youngest.max(Some(run.id));
    }

    fn plan(self) -> Plan {
        let total = self.by.values().map(|(_, runs)| runs).sum();
        let each = self.by.into_iter();
        Plan {
            sums: each
                .map(|((workflow, _), (state, runs))| (workflow, state, runs))
                .collect(),
            total,
            youngest: self.youngest,
        }
    }
}
