//! Leads page by page, the newest first.

use crate::desk::Desk;
use crate::error::{DeskError, DeskResult, has_nul};
use leadrail_engine::{RunFilter, RunId, RunState, Workflow as _};
use leadrail_workflows::{LeadView, PushLead};

/// Which leads; what is not given does not matter.
#[derive(Clone, Debug, Default)]
pub struct LeadFilter {
    /// Only leads in this state.
    pub state: Option<RunState>,
    /// Only this account's.
    pub account: Option<String>,
    /// Only those for this CRM.
    pub crm: Option<String>,
}

/// A page of leads.
#[derive(Clone, Debug)]
pub struct LeadPage {
    /// The leads, the newest first. A page may be short, even empty, and not be the last.
    pub leads: Vec<LeadView>,
    /// Where the next page begins; none after the last one.
    pub next: Option<RunId>,
}

impl Desk {
    /// Leads older than the run `before`, at most `limit` (1 to 1,000) of them. One page looks at a
    /// bounded number of runs, however few of them the filter lets through.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for a filter with NUL in it, or when the database cannot be read.
    pub async fn leads(
        &self,
        filter: &LeadFilter,
        before: Option<RunId>,
        limit: u32,
    ) -> DeskResult<LeadPage> {
        let (leads, next) = match filter.of_runs()? {
            Some(runs) => {
                let page = self.engine().runs_before(&runs, before, limit).await?;
                let leads = page.runs.iter().map(LeadView::of).collect();
                (leads, page.next)
            }
            None => (Vec::new(), None),
        };
        Ok(LeadPage { leads, next })
    }
}

impl LeadFilter {
    /// The runs of such leads; `None` where there can be none.
    fn of_runs(&self) -> DeskResult<Option<RunFilter>> {
        let texts = [&self.account, &self.crm].into_iter().flatten();
        if texts.into_iter().any(|text| has_nul(text)) {
            return Err(DeskError::refused(
                "filter",
                "account and crm must not hold NUL",
            ));
        }
        // A lane is `account/crm`. An account may have a slash in it, a CRM may not.
        if self.crm.as_ref().is_some_and(|crm| crm.contains('/')) {
            return Ok(None);
        }
        Ok(Some(RunFilter {
            states: self.state.into_iter().collect(),
            scopes: self.account.clone().into_iter().collect(),
            lane_end: self.crm.as_ref().map(|crm| format!("/{crm}")),
            workflow: Some(PushLead::NAME.to_owned()),
            ..RunFilter::default()
        }))
    }
}
