//! Attaches the note to a filed lead, where the CRM takes notes by themselves.

use leadrail_adapters::{LeadRef, NoteRef, activity};
use leadrail_engine::{Activity, ActivityOptions, ActivityResult, Attempt};
use serde::{Deserialize, Serialize};

use crate::access::CrmAccess;
use crate::filing::Filing;

/// Attaches the note to a filed lead. For CRMs whose note is a record of its own.
///
/// No adapter can look for a note, so a lost answer is what the connection's `on_unknown_outcome`
/// is for: attach it again, or ask a person.
pub struct NoteAttach {
    /// The way into the CRM.
    pub access: CrmAccess,
}

/// A lead, and what became of it in the CRM.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NoteAttachInput {
    /// The lead and where it went.
    pub filing: Filing,
    /// The lead in the CRM.
    pub filed: LeadRef,
}

impl Activity for NoteAttach {
    const NAME: &'static str = activity::NOTE_ATTACH;
    type Input = NoteAttachInput;
    type Output = NoteRef;

    fn options(&self, input: &NoteAttachInput) -> ActivityOptions {
        input.filing.destination.making()
    }

    async fn run(&self, attempt: &Attempt, input: &NoteAttachInput) -> ActivityResult<NoteRef> {
        let NoteAttachInput { filing, filed } = input;
        let crm = self.access.open(attempt, &filing.destination).await?;
        let marker = filing.marker(activity::NOTE_ATTACH);
        let links = filing.links(attempt);
        let lead = &filing.lead;
        let attached = crm
            .adapter
            .attach_note(&crm.session, lead, filed, &marker, links)
            .await;
        crm.judge(attached).await
    }
}
