//! One lead, and everything that happened to it.

use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_engine::{RunView, Workflow as _};
use leadrail_lead::EventId;
use leadrail_workflows::{LeadTimeline, PushLead, timeline};
use serde_json::Value;

/// A lead and everything that happened to it.
#[derive(Clone, Debug)]
pub struct LeadStory {
    /// Where it stands, what happened, and what came of it.
    pub told: LeadTimeline,
    /// The payload as it was accepted. Holds personal data.
    pub payload: Value,
}

impl Desk {
    /// The one run that files this lead; second looks have keys of their own. `account` says whose lead,
    /// where several accounts have one under the same id.
    ///
    /// # Errors
    /// [`DeskError::NoSuchLead`], [`DeskError::SeveralLeads`], or when the database cannot be read.
    pub async fn lead(&self, event_id: EventId, account: Option<&str>) -> DeskResult<RunView> {
        let lead = self.lead_keyed(&event_id.to_string(), account).await?;
        lead.ok_or(DeskError::NoSuchLead { event_id })
    }

    /// The one run of this key that files a lead, of this account if one is named.
    pub(crate) async fn lead_keyed(
        &self,
        key: &str,
        account: Option<&str>,
    ) -> DeskResult<Option<RunView>> {
        let runs = self.engine().runs_by_key(key).await?;
        let mut runs = runs
            .into_iter()
            .filter(|run| run.workflow == PushLead::NAME)
            .filter(|run| account.is_none_or(|account| run.scope == account));
        match (runs.next(), runs.next()) {
            (Some(_), Some(_)) => Err(DeskError::SeveralLeads),
            (lead, _) => Ok(lead),
        }
    }

    /// A lead's story.
    ///
    /// # Errors
    /// As [`Desk::lead`].
    pub async fn story(&self, event_id: EventId, account: Option<&str>) -> DeskResult<LeadStory> {
        let run = self.lead(event_id, account).await?;
        let history = self.engine().history(run.id).await?;
        let line = self.engine().line(std::slice::from_ref(&run)).await?;
        let told = timeline(&run, &history, self.schedule(), line.held(&run));
        Ok(LeadStory {
            told,
            payload: run.input,
        })
    }
}
