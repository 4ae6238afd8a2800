//! Hands leads over.

use crate::actor::{Action, Actor, say};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_engine::{NotEnqueued, Outcome};
use leadrail_workflows::{Submission, Submitted};

impl Desk {
    /// Hands leads over in one commit: they are kept when it returns, one answer a lead, in order.
    /// Bytes become a [`Submission`] by [`Submission::from_slice`].
    ///
    /// # Errors
    /// When the database cannot be written; then none of them is there.
    pub async fn submit(&self, who: &Actor, leads: &[Submission]) -> DeskResult<Vec<Submitted>> {
        if leads.is_empty() {
            return Ok(Vec::new());
        }
        let submitted = leadrail_workflows::submit(self.engine(), leads).await?;
        for lead in &submitted {
            self.note_submitted(who, lead);
        }
        Ok(submitted)
    }

    /// Hands one lead over. Leads that come at the same time share a commit; it is kept when this
    /// returns.
    ///
    /// # Errors
    /// Why it was not kept.
    pub async fn submit_shared(
        &self,
        who: &Actor,
        lead: Submission,
    ) -> Result<Submitted, NotEnqueued> {
        let submitted = self
            .lead_door()
            .submit(lead, self.engine().access().sees())
            .await?;
        self.note_submitted(who, &submitted);
        Ok(submitted)
    }

    fn note_submitted(&self, who: &Actor, lead: &Submitted) {
        let outcome = match lead.outcome {
            Outcome::Created => "created",
            Outcome::Duplicate => "duplicate",
            Outcome::Conflict => "conflict",
        };
        say(who, Action::LeadSubmit, &lead.event_id, &outcome);
    }
}
