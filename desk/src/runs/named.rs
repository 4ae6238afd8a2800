//! Which run an id means.

use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_engine::{RunId, RunView};
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
        let lead = self.lead_keyed(&id.to_string(), account).await?;
        lead.map(|lead| lead.id).ok_or(DeskError::NoSuchRun { run })
    }
}
