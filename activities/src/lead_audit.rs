//! Looks whether there is exactly one of what we made.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use leadrail_adapters::{AdapterResult, Made, Record, StepKey};
use leadrail_connections::Doors;
use leadrail_engine::{
    Activity, ActivityError, ActivityOptions, ActivityResult, Attempt, Engine, Event, HistoryKind,
    RunId,
};
use leadrail_lead::Lead;
use serde::{Deserialize, Serialize};

use crate::access::OpenCrm;
use crate::destination::Destination;
use crate::duplicates;
use crate::step::StepInput;

/// Looks by marker whether there is exactly one of what we made, and reports more than one. It
/// never deletes or merges anything: which one a dispatcher works with, only people know.
///
/// It only looks, so it may run again.
pub struct LeadAudit {
    /// The ways into the CRMs.
    pub doors: Doors,
    /// Where the lead's own run is.
    pub engine: Engine,
}

/// What to look for. The lead itself is in the run that filed it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditInput {
    /// The run that filed the lead.
    pub run_id: RunId,
    /// Where it went.
    pub destination: Destination,
    /// What was found or made for it.
    pub made: Made,
    /// The steps that made something, in order.
    pub steps: Vec<StepKey>,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFindings {
    /// In short.
    pub outcome: AuditOutcome,
    /// Step by step.
    pub found: Vec<StepFindings>,
}

/// What carries the marker of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFindings {
    /// The step.
    pub step: StepKey,
    /// The records, oldest first; `None` where the CRM cannot be asked, or its list is too long to
    /// tell.
    pub records: Option<Vec<Record>>,
}

/// What a look found, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// One of each: as it should be.
    Single,
    /// More than one of something.
    Duplicate,
    /// None of something: somebody deleted, merged or converted it, or it is not where we look.
    Gone,
    /// Of something nobody can tell, and what can be told is as it should be.
    Unknown,
}

impl Activity for LeadAudit {
    const NAME: &'static str = "lead_audit";
    type Input = AuditInput;
    type Output = AuditFindings;

    fn options(&self, input: &AuditInput) -> ActivityOptions {
        let looks = u32::try_from(input.steps.len()).unwrap_or(1);
        input.destination.looking(looks)
    }

    async fn run(&self, attempt: &Attempt, input: &AuditInput) -> ActivityResult<AuditFindings> {
        let (destination, made) = (Arc::new(input.destination.clone()), &input.made);
        let lead = destination.shown(self.lead_of(input.run_id).await?);
        let lead = Arc::new(lead);
        let begun = self.begun(input.run_id).await?;
        let crm = OpenCrm::open(&self.doors, attempt, &destination, Self::NAME).await?;
        let mut found = Vec::new();
        for &step in &input.steps {
            let step = StepInput {
                destination: destination.clone(),
                lead: lead.clone(),
                step,
                made: made.clone(),
            };
            let since = begun.since(step.step);
            let records = crm.judge(look(&crm, &step, since).await).await?;
            let count = records.as_ref().map_or(0, Vec::len);
            duplicates::report(attempt, step.step.label(), count);
            found.push(StepFindings {
                step: step.step,
                records,
            });
        }
        Ok(AuditFindings {
            outcome: outcome(&found),
            found,
        })
    }
}

impl LeadAudit {
    /// The lead as the run that filed it was given it.
    async fn lead_of(&self, run: RunId) -> ActivityResult<Lead> {
        let run = self.engine.run(run).await.map_err(|_| {
            crate::failure::of_our_database("the run of the lead could not be read")
        })?;
        let lead = run.and_then(|run| Lead::received(run.input, run.created_at).ok());
        lead.ok_or_else(lead_gone)
    }

    /// When the run that filed the lead began what it made.
    async fn begun(&self, run: RunId) -> ActivityResult<Begun> {
        let history = self.engine.history(run).await.map_err(|_| {
            crate::failure::of_our_database("the history of the lead could not be read")
        })?;
        Begun::of(&history).ok_or_else(lead_gone)
    }
}

/// When the steps of a run began, on our database's clock.
struct Begun {
    run: DateTime<Utc>,
    steps: Vec<(String, DateTime<Utc>)>,
}

impl Begun {
    fn of(history: &[Event]) -> Option<Self> {
        let run = history.iter().map(|event| event.at).min()?;
        let steps = history
            .iter()
            .filter_map(|event| Some((event.activity.clone()?, begun_by(event)?)));
        Some(Self {
            run,
            steps: steps.collect(),
        })
    }

    /// Since when a step can have taken effect; an intent that was lost was no earlier than its run,
    /// unless the step says that it found what another run had made.
    fn since(&self, step: StepKey) -> DateTime<Utc> {
        let of_step = |label: &str| label.split('#').next() == Some(step.label());
        let begun = self.steps.iter().filter(|(label, _)| of_step(label));
        begun.map(|(_, at)| *at).min().unwrap_or(self.run)
    }
}

/// When the step of this line began: its intent says so, or the result that was found.
fn begun_by(event: &Event) -> Option<DateTime<Utc>> {
    match event.kind {
        HistoryKind::ActivityStarted => Some(event.at),
        HistoryKind::ActivityCompleted => {
            let since = &event.payload.as_ref()?["since"];
            since.as_str()?.parse().ok()
        }
        _ => None,
    }
}

fn lead_gone() -> ActivityError {
    ActivityError::rejected(
        "lead_gone",
        "the run that filed the lead is not kept any more",
    )
}

/// Everything that carries the step's marker. A busy account has more new records in a day than an
/// adapter reads; that alone is no reason to bother anybody.
async fn look(
    crm: &OpenCrm<'_>,
    step: &StepInput,
    since: DateTime<Utc>,
) -> AdapterResult<Option<Vec<Record>>> {
    let Ok(taken) = crm.step(step.step) else {
        return Ok(None);
    };
    let borrowed = step.borrowed_since(crm.door.session.settings(), since);
    match taken.look(&crm.door.session, &borrowed.filing()).await {
        Err(error) if error.is_incomplete_lookup() => Ok(None),
        looked => looked,
    }
}

/// The worst of what was found: several of anything, none of anything, something that nobody can tell.
fn outcome(found: &[StepFindings]) -> AuditOutcome {
    let counts = found.iter().map(|step| step.records.as_ref().map(Vec::len));
    let verdict = |count| match count {
        Some(0) => AuditOutcome::Gone,
        Some(1) => AuditOutcome::Single,
        Some(_) => AuditOutcome::Duplicate,
        None => AuditOutcome::Unknown,
    };
    let verdicts: Vec<AuditOutcome> = counts.map(verdict).collect();
    [
        AuditOutcome::Duplicate,
        AuditOutcome::Gone,
        AuditOutcome::Unknown,
    ]
    .into_iter()
    .find(|bad| verdicts.contains(bad))
    .unwrap_or(AuditOutcome::Single)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(step: StepKey, records: Option<usize>) -> StepFindings {
        let records = records.map(|count| (0..count).map(|n| Record::new(n.to_string())).collect());
        StepFindings { step, records }
    }

    #[test]
    fn none_one_and_several_are_told_apart_and_the_worst_counts() {
        let (customer, lead) = (StepKey::CUSTOMER_CREATE, StepKey::LEAD_CREATE);
        let table = [
            (
                vec![found(customer, Some(1)), found(lead, Some(1))],
                AuditOutcome::Single,
            ),
            (vec![found(lead, Some(1))], AuditOutcome::Single),
            (
                vec![found(customer, Some(0)), found(lead, Some(1))],
                AuditOutcome::Gone,
            ),
            (
                vec![found(customer, None), found(lead, Some(1))],
                AuditOutcome::Unknown,
            ),
            (
                vec![found(customer, Some(0)), found(lead, Some(0))],
                AuditOutcome::Gone,
            ),
            (
                vec![found(customer, Some(3)), found(lead, Some(0))],
                AuditOutcome::Duplicate,
            ),
            (
                vec![found(customer, Some(1)), found(lead, Some(2))],
                AuditOutcome::Duplicate,
            ),
            (
                vec![found(customer, None), found(lead, Some(0))],
                AuditOutcome::Gone,
            ),
            (vec![found(lead, None)], AuditOutcome::Unknown),
            (vec![], AuditOutcome::Single),
        ];
        for (findings, expected) in table {
            assert_eq!(outcome(&findings), expected, "{findings:?}");
        }
    }
}
