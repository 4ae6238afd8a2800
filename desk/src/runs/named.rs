//! Which run an id means.

use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_engine::{RunId, RunView, Workflow as _};
use leadrail_workflows::PushLead;
use uuid::Uuid;

impl Desk {
    /// The run with this id, or the one that files the lead with this event id. `account` says whose,
    /// where several accounts have a lead under the same one.
    ///
    /// # Errors
    /// [`DeskError::NoSuchRun`], [`DeskError::SeveralLeads`], or when the database cannot be read.
    pub async fn run_named(&self, id: Uuid, account: Option<&str>) -> DeskResult<RunId> {
        let is_theirs = |run: &RunView| account.is_none_or(|account| run.scope == account);
        let run = RunId(id);
        let heads = self.engine().heads(&[run]).await?;
        if heads.iter().any(is_theirs) {
            return Ok(run);
        }
        let by_event = self.engine().runs_by_key(&id.to_string()).await?;
        let mut leads = by_event
            .into_iter()
            .filter(|run| run.workflow == PushLead::NAME && is_theirs(run));
        match (leads.next(), leads.next()) {
            (Some(lead), None) => Ok(lead.id),
            (None, _) => Err(DeskError::NoSuchRun { run }),
            (Some(_), Some(_)) => Err(DeskError::SeveralLeads),
        }
    }
}
