//! Plans second looks at a lead whose outcome was unknown for a while.

use std::time::Duration;

use leadrail_adapters::{CustomerRef, LeadRef};
use leadrail_engine::{Activity, ActivityError, ActivityResult, Attempt, Engine, NewRun, RunId};
use serde::{Deserialize, Serialize};

use crate::filing::Filing;
use crate::lead_audit::AuditInput;

/// The name of the workflow that looks again.
pub const AUDIT_LEAD: &str = "audit_lead";

/// When to look: after most late effects have landed, and after the slowest have.
const LOOKS: [(&str, Duration); 2] = [
    ("10m", Duration::from_secs(600)),
    ("24h", Duration::from_secs(24 * 3600)),
];
/// Behind every lead that still has to be filed, before those that need not be.
const PRIORITY: i16 = 4;

/// Plans the second looks, ten minutes and a day from now: an effect that landed later than the
/// settle time would otherwise be a double that nobody knows of.
///
/// Each look has a key of its own, so a second run plans nothing new.
pub struct ScheduleAudit {
    /// Where the runs are enqueued.
    pub engine: Engine,
}

/// What was made for a lead.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScheduleAuditInput {
    /// The lead and where it went.
    pub filing: Filing,
    /// The lane of its run.
    pub lane: String,
    /// Its customer in the CRM.
    pub customer: CustomerRef,
    /// Whether that customer was made for it.
    pub customer_is_new: bool,
    /// The lead in the CRM.
    pub filed: LeadRef,
}

impl Activity for ScheduleAudit {
    const NAME: &'static str = "schedule_audit";
    type Input = ScheduleAuditInput;
    type Output = Vec<RunId>;

    async fn run(
        &self,
        attempt: &Attempt,
        input: &ScheduleAuditInput,
    ) -> ActivityResult<Vec<RunId>> {
        let runs = looks(attempt.run_id, input).map_err(|_| {
            ActivityError::rejected(
                "not_storable",
                "the audit's input cannot be written as JSON",
            )
        })?;
        let enqueued = self
            .engine
            .enqueue(&runs)
            .await
            .map_err(|_| crate::failure::of_our_database("the audits could not be enqueued"))?;
        Ok(enqueued.iter().map(|run| run.run_id).collect())
    }
}

fn looks(of: RunId, input: &ScheduleAuditInput) -> serde_json::Result<Vec<NewRun>> {
    let Filing { destination, lead } = &input.filing;
    let audit = serde_json::to_string(&AuditInput {
        run_id: of,
        destination: destination.clone(),
        customer: input.customer.clone(),
        customer_is_new: input.customer_is_new,
        filed: input.filed.clone(),
    })?;
    let look = |(name, delay): (&str, Duration)| NewRun {
        workflow: AUDIT_LEAD.to_owned(),
        scope: lead.callsetter_account_id.as_str().to_owned(),
        key: Some(format!("audit/{}/{name}", lead.event_id)),
        // The key says everything: one lead, one look.
        fingerprint: AUDIT_LEAD.to_owned(),
        lane: input.lane.clone(),
        priority: PRIORITY,
        delay,
        input: audit.clone(),
    };
    Ok(LOOKS.map(look).into())
}
