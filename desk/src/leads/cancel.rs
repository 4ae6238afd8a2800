//! Asks a lead's run to stop.

use crate::actor::Actor;
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_engine::{Cancelled, RunId};
use leadrail_lead::EventId;

impl Desk {
    /// Asks a lead's run to stop. What may have reached the CRM already is looked up first. `why` is for
    /// whoever looks at it later, at most 500 characters.
    ///
    /// # Errors
    /// [`DeskError::Refused`](crate::DeskError::Refused) for `why`; else as [`Desk::lead`].
    pub async fn cancel_lead(
        &self,
        who: &Actor,
        event_id: EventId,
        account: Option<&str>,
        why: &str,
    ) -> DeskResult<(RunId, Cancelled)> {
        let run = self.lead(event_id, account).await?;
        Ok((run.id, self.cancel_run(who, &run, why).await?))
    }
}
