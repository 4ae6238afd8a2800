//! Files one phone call's lead in the contractor's CRM.
//!
//! Every step's result is stored, so after a crash the run goes on at the first step without one.
//! Nothing here may read the clock, the network or the database: activities do that.

use std::sync::Arc;

use leadrail_activities::{
    Destination, FindConnection, FindConnectionInput, FindStep, MakeStep, ScheduleAudit,
    ScheduleAuditInput, StepInput, caller_lock,
};
use leadrail_adapters::{Made, RECORD_GONE, Slot, StepKey, Verb};
use leadrail_connections::Doors;
use leadrail_engine::{Ctx, Engine, Workflow, WorkflowError, WorkflowResult};
use leadrail_lead::{CrmName, Lead, LeadEvent, PayloadFaults};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Finds the way into the CRM, then takes the steps of its plan: the caller, then the lead.
pub struct PushLead {
    find_connection: FindConnection,
    find_step: FindStep,
    make_step: MakeStep,
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
        /// What it is there: `customer`, `site`, `lead` and `note`, where the CRM has such records.
        #[serde(flatten)]
        made: Box<Made>,
    },
}

/// A lead on its way through its CRM's plan.
struct Journey {
    destination: Arc<Destination>,
    lead: Arc<Lead>,
    /// What was found or made.
    made: Made,
    /// The steps that made something.
    makers: Vec<StepKey>,
}

impl PushLead {
    /// The workflow with everything its steps need.
    #[must_use]
    pub fn new(engine: Engine, doors: Doors) -> Self {
        Self {
            find_connection: FindConnection {
                doors: doors.clone(),
            },
            find_step: FindStep {
                doors: doors.clone(),
            },
            make_step: MakeStep { doors },
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
        let lead = Lead::received(payload, ctx.created_at()).map_err(|faults| invalid(&faults))?;
        let crm = lead.routing.destination_crm.clone();
        let ended = self.push(&ctx, lead).await;
        count(crm.as_ref(), &ended);
        ended
    }
}

/// One lead that came to its end, by CRM and what became of it.
fn count(crm: Option<&CrmName>, ended: &WorkflowResult<PushLeadOutput>) {
    let (outcome, reason) = match ended {
        Ok(PushLeadOutput::Recorded) => ("recorded", String::new()),
        Ok(PushLeadOutput::Delivered { .. }) => ("delivered", String::new()),
        Err(error) if error.is_cancelled() => ("cancelled", String::new()),
        Err(error) => ("dead", error.reason.clone()),
    };
    let crm = crm.map_or_else(String::new, ToString::to_string);
    metrics::counter!("leadrail_leads_ended_total", "crm" => crm, "outcome" => outcome, "reason" => reason).increment(1);
}

impl PushLead {
    /// All of it.
    async fn push(&self, ctx: &Ctx, lead: Lead) -> WorkflowResult<PushLeadOutput> {
        if lead.event == LeadEvent::Unqualified {
            return Ok(PushLeadOutput::Recorded);
        }
        let destination = Arc::new(self.destination(ctx, &lead).await?);
        let lead = Arc::new(destination.shown(lead));
        let again = destination.clone();
        let journey = match self.file(ctx, destination, lead.clone()).await {
            // Whom we found or made is gone: the caller is looked for once more.
            Err(error) if is_without_caller(&error) => self.file(ctx, again, lead).await?,
            filed => filed?,
        };
        if journey.made.lead.is_none() {
            return Err(WorkflowError::new(
                "not_filed",
                "every step was taken and the CRM has no lead of it; nothing was delivered",
            ));
        }
        self.audit(ctx, &journey).await?;
        Ok(PushLeadOutput::Delivered {
            crm: journey.destination.crm.clone(),
            made: Box::new(journey.made),
        })
    }

    /// The steps of the plan, from the first.
    async fn file(
        &self,
        ctx: &Ctx,
        destination: Arc<Destination>,
        lead: Arc<Lead>,
    ) -> WorkflowResult<Journey> {
        let journey = Journey {
            destination,
            lead,
            made: Made::default(),
            makers: Vec::new(),
        };
        let journey = self.caller(ctx, journey).await?;
        self.call(ctx, journey).await
    }

    async fn destination(&self, ctx: &Ctx, lead: &Lead) -> WorkflowResult<Destination> {
        let wanted = FindConnectionInput::of(lead).ok_or_else(|| {
            WorkflowError::new(
                "invalid",
                "/routing/destination_crm: is required for lead.qualified",
            )
        })?;
        ctx.activity(&self.find_connection, &wanted).await
    }

    /// The caller and the site, as far as the plan has them. Two leads of one caller at once would
    /// both find nobody, so where something may be made only one of them looks at a time.
    async fn caller(&self, ctx: &Ctx, journey: Journey) -> WorkflowResult<Journey> {
        let steps = journey.steps(|slot| slot < Slot::Lead);
        if steps.iter().all(|step| step.verb == Verb::Find) {
            return self.take(ctx, journey, &steps).await;
        }
        let lock = caller_lock(&journey.destination, &journey.lead);
        ctx.under_lock(&lock, async |ctx| self.take(&ctx, journey, &steps).await)
            .await
    }

    /// The lead, and its note where that is a record of its own.
    async fn call(&self, ctx: &Ctx, journey: Journey) -> WorkflowResult<Journey> {
        let steps = journey.steps(|slot| slot >= Slot::Lead);
        self.take(ctx, journey, &steps).await
    }

    /// Takes steps in order. What is found need not be made.
    async fn take(
        &self,
        ctx: &Ctx,
        mut journey: Journey,
        steps: &[StepKey],
    ) -> WorkflowResult<Journey> {
        for &step in steps {
            if journey.made.get(step.slot).is_some() {
                continue;
            }
            let input = journey.at(step);
            let record = match step.verb {
                Verb::Find => ctx.activity(&self.find_step, &input).await?,
                Verb::Make | Verb::Upsert => ctx.activity(&self.make_step, &input).await?,
            };
            if step.verb != Verb::Find && record.is_some() {
                journey.makers.push(step);
            }
            journey.made.set(step.slot, record);
        }
        Ok(journey)
    }

    /// Plans second looks if an outcome was unknown for a while.
    async fn audit(&self, ctx: &Ctx, journey: &Journey) -> WorkflowResult<()> {
        if !ctx.had_unknown_outcome() {
            return Ok(());
        }
        let audit = ScheduleAuditInput {
            event_id: journey.lead.event_id,
            destination: Destination::clone(&journey.destination),
            lane: ctx.lane().to_owned(),
            made: journey.made.clone(),
            steps: journey.makers.clone(),
        };
        ctx.activity(&self.schedule_audit, &audit).await.map(drop)
    }
}

impl Journey {
    fn steps(&self, wanted: impl Fn(Slot) -> bool) -> Vec<StepKey> {
        let steps = self.destination.steps.iter().copied();
        steps.filter(|step| wanted(step.slot)).collect()
    }

    fn at(&self, step: StepKey) -> StepInput {
        StepInput {
            destination: self.destination.clone(),
            lead: self.lead.clone(),
            step,
            made: self.made.clone(),
        }
    }
}

/// Whether a step before the lead was filed met a record that is not there any more. A note's is the
/// lead itself: whoever deleted that does not want it again.
fn is_without_caller(error: &WorkflowError) -> bool {
    let label = error.activity.as_deref().unwrap_or_default();
    let step = StepKey::of_label(label.split('#').next().unwrap_or_default());
    error.reason == RECORD_GONE && step.is_some_and(|step| step.slot <= Slot::Lead)
}

/// Names every fault by its JSON pointer and repeats no value.
fn invalid(faults: &PayloadFaults) -> WorkflowError {
    WorkflowError::new("invalid", faults.to_string())
}

#[cfg(test)]
mod tests {
    use leadrail_adapters::Record;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_output_is_the_published_one() {
        let written = |output: PushLeadOutput| serde_json::to_value(output).unwrap();
        assert_eq!(
            written(PushLeadOutput::Recorded),
            json!({"outcome": "recorded"})
        );
        let mut made = Made::default();
        made.set(Slot::Customer, Some(Record::new("cus_1")));
        let lead = Record {
            url: Some("https://crm.example/lea_1".into()),
            ..Record::new("lea_1")
        };
        made.set(Slot::Lead, Some(lead));
        let delivered = PushLeadOutput::Delivered {
            crm: CrmName::HOUSECALL_PRO,
            made: Box::new(made),
        };
        let published = json!({
            "outcome": "delivered", "crm": "housecall_pro", "customer": {"id": "cus_1"},
            "lead": {"id": "lea_1", "url": "https://crm.example/lea_1"},
        });
        assert_eq!(written(delivered.clone()), published);
        let read: PushLeadOutput = serde_json::from_value(published).unwrap();
        assert_eq!(read, delivered);
    }

    #[test]
    fn an_invalid_payload_names_every_fault_and_no_value() {
        let mut payload = leadrail_lead::example();
        payload["event_id"] = "canary-1".into();
        payload["schema_version"] = "canary-2".into();
        let error = invalid(&Lead::from_value(payload).unwrap_err());
        assert_eq!(error.reason, "invalid");
        for pointer in ["/event_id: ", "/schema_version: "] {
            assert!(error.message.contains(pointer), "{}", error.message);
        }
        assert!(!error.message.contains("canary"), "{}", error.message);
    }
}
