//! Plans second looks at a lead whose outcome was unknown for a while.

use std::fmt::Display;
use std::time::Duration;

use leadrail_adapters::{Made, StepKey};
use leadrail_engine::{Activity, ActivityError, ActivityResult, Attempt, Engine, NewRun, RunId};
use leadrail_lead::EventId;
use serde::{Deserialize, Serialize};

use crate::destination::Destination;
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
    /// The lead's key.
    pub event_id: EventId,
    /// Where it went.
    pub destination: Destination,
    /// The lane of its run.
    pub lane: String,
    /// What was found or made for it.
    pub made: Made,
    /// The steps that made something, in order.
    pub steps: Vec<StepKey>,
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

/// The keys of the looks at the lead with this event id.
#[must_use]
pub fn second_looks(event_id: &dyn Display) -> Vec<String> {
    LOOKS.iter().map(|(name, _)| key(event_id, name)).collect()
}

fn key(event_id: &dyn Display, name: &str) -> String {
    format!("audit/{event_id}/{name}")
}

fn looks(of: RunId, input: &ScheduleAuditInput) -> serde_json::Result<Vec<NewRun>> {
    let audit = serde_json::to_string(&AuditInput {
        run_id: of,
        destination: input.destination.clone(),
        made: input.made.clone(),
        steps: input.steps.clone(),
    })?;
    let look = |(name, delay): (&str, Duration)| NewRun {
        workflow: AUDIT_LEAD.to_owned(),
        scope: input.destination.account.clone(),
        key: Some(key(&input.event_id, name)),
        // The key says everything: one lead, one look.
        fingerprint: AUDIT_LEAD.to_owned(),
        lane: input.lane.clone(),
        priority: PRIORITY,
        delay,
        input: audit.clone(),
    };
    Ok(LOOKS.map(look).into())
}
