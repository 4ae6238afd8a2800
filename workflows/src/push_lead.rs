//! Files one phone call's lead in the contractor's CRM.
//!
//! Every step's result is stored, so after a crash the run goes on at the first step without one.
//! Nothing here may read the clock, the network or the database: activities do that.

use std::sync::Arc;

use leadrail_activities::{
    CrmAccess, CustomerCreate, DedupLookup, Destination, Filing, FindConnection,
    FindConnectionInput, LeadCreate, LeadCreateInput, NoteAttach, NoteAttachInput, ScheduleAudit,
    ScheduleAuditInput,
};
use leadrail_adapters::{CustomerRef, LeadRef, NotePlacement, NoteRef};
use leadrail_engine::{Ctx, Engine, Workflow, WorkflowError, WorkflowResult};
use leadrail_lead::{CrmName, Lead, LeadEvent, PayloadFaults};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Finds the way into the CRM, then the customer, then files the lead.
pub struct PushLead {
    find_connection: FindConnection,
    dedup_lookup: DedupLookup,
    customer_create: CustomerCreate,
    lead_create: LeadCreate,
    note_attach: NoteAttach,
    schedule_audit: ScheduleAudit,
}

/// How a lead ended well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum PushLeadOutput {
    /// An unqualified lead: kept here, never shown to a CRM.
    Recorded,
    /// It is in the CRM.
    Delivered {
        /// Which one.
        crm: CrmName,
        /// The caller there.
        customer: CustomerRef,
        /// The lead there.
        lead: LeadRef,
        /// The note there.
        note: FiledNote,
    },
}

/// Where the note went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FiledNote {
    /// Not into a record of its own: `with_lead`, or `none`.
    Placed(NotePlacement),
    /// Into this one.
    Attached(NoteRef),
}

impl PushLead {
    /// The workflow with everything its steps need.
    #[must_use]
    pub fn new(engine: Engine, access: CrmAccess) -> Self {
        Self {
            find_connection: FindConnection {
                access: access.clone(),
            },
            dedup_lookup: DedupLookup {
                access: access.clone(),
            },
            customer_create: CustomerCreate {
                access: access.clone(),
            },
            lead_create: LeadCreate {
                access: access.clone(),
            },
            note_attach: NoteAttach { access },
            schedule_audit: ScheduleAudit { engine },
        }
    }
}

impl Workflow for PushLead {
    /// Stored with every run: a rename strands the runs in flight.
    const NAME: &'static str = "push_lead";
    /// The payload as it was given: what cannot be read becomes a dead letter, not a lost lead.
    type Input = Value;
    type Output = PushLeadOutput;

    async fn run(&self, ctx: Ctx, payload: Value) -> WorkflowResult<PushLeadOutput> {
        let lead = Lead::from_value(payload).map_err(|faults| invalid(&faults))?;
        if lead.event == LeadEvent::Unqualified {
            return Ok(PushLeadOutput::Recorded);
        }
        let destination = self.destination(&ctx, &lead).await?;
        let lead = Arc::new(lead);
        let filing = Filing { destination, lead };

        let (customer, customer_is_new) = self.customer(&ctx, &filing).await?;
        let made = LeadCreateInput { filing, customer };
        let filed = ctx.activity(&self.lead_create, &made).await?;
        let LeadCreateInput { filing, customer } = made;
        let note = self.note(&ctx, &filing, &filed).await?;

        if ctx.had_unknown_outcome() {
            let audit = ScheduleAuditInput {
                filing: filing.clone(),
                lane: ctx.lane().to_owned(),
                customer: customer.clone(),
                customer_is_new,
                filed: filed.clone(),
            };
            ctx.activity(&self.schedule_audit, &audit).await?;
        }
        let crm = filing.destination.crm;
        Ok(PushLeadOutput::Delivered {
            crm,
            customer,
            lead: filed,
            note,
        })
    }
}

impl PushLead {
    async fn destination(&self, ctx: &Ctx, lead: &Lead) -> WorkflowResult<Destination> {
        let wanted = FindConnectionInput::of(lead).ok_or_else(|| {
            WorkflowError::new(
                "invalid",
                "/routing/destination_crm: is required for lead.qualified",
            )
        })?;
        ctx.activity(&self.find_connection, &wanted).await
    }

    /// The caller as a customer, and whether it was made for this lead. Two leads of one caller at
    /// once would both find nobody, so only one of them may look at a time.
    async fn customer(&self, ctx: &Ctx, filing: &Filing) -> WorkflowResult<(CustomerRef, bool)> {
        let name = filing.customer_lock();
        let one_caller = async |ctx: Ctx| match ctx.activity(&self.dedup_lookup, filing).await? {
            Some(known) => Ok((known, false)),
            None => Ok((ctx.activity(&self.customer_create, filing).await?, true)),
        };
        ctx.under_lock(&name, one_caller).await
    }

    async fn note(&self, ctx: &Ctx, filing: &Filing, filed: &LeadRef) -> WorkflowResult<FiledNote> {
        match filing.destination.note {
            NotePlacement::Separate => {
                let (filing, filed) = (filing.clone(), filed.clone());
                let note = NoteAttachInput { filing, filed };
                Ok(FiledNote::Attached(
                    ctx.activity(&self.note_attach, &note).await?,
                ))
            }
            placed @ (NotePlacement::WithLead | NotePlacement::None) => {
                Ok(FiledNote::Placed(placed))
            }
        }
    }
}

/// Names every fault by its JSON pointer and repeats no value.
fn invalid(faults: &PayloadFaults) -> WorkflowError {
    WorkflowError::new("invalid", faults.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_output_is_the_published_one() {
        let written = |output: PushLeadOutput| serde_json::to_value(output).unwrap();
        assert_eq!(
            written(PushLeadOutput::Recorded),
            json!({"outcome": "recorded"})
        );
        let delivered = |note| PushLeadOutput::Delivered {
            crm: CrmName::HOUSECALL_PRO,
            customer: CustomerRef { id: "cus_1".into() },
            lead: LeadRef { id: "lea_1".into() },
            note,
        };
        let with_lead = json!({
            "outcome": "delivered", "crm": "housecall_pro", "customer": {"id": "cus_1"},
            "lead": {"id": "lea_1"}, "note": "with_lead",
        });
        assert_eq!(
            written(delivered(FiledNote::Placed(NotePlacement::WithLead))),
            with_lead
        );
        let attached = delivered(FiledNote::Attached(NoteRef { id: "n1".into() }));
        assert_eq!(written(attached.clone())["note"], json!({"id": "n1"}));
        let read: PushLeadOutput = serde_json::from_value(written(attached.clone())).unwrap();
        assert_eq!(read, attached);
    }

    #[test]
    fn an_invalid_payload_names_every_fault_and_no_value() {
        let mut payload = leadrail_lead::example();
        payload["contact"]["phone"] = "canary-1".into();
        payload["timestamp_utc"] = "canary-2".into();
        let error = invalid(&Lead::from_value(payload).unwrap_err());
        assert_eq!(error.reason, "invalid");
        for pointer in ["/contact/phone: ", "/timestamp_utc: "] {
            assert!(error.message.contains(pointer), "{}", error.message);
        }
        assert!(!error.message.contains("canary"), "{}", error.message);
    }
}
