//! Looks whether there is exactly one of what we made.

use leadrail_adapters::{AdapterError, AdapterResult, CustomerRef, LeadRef, activity};
use leadrail_engine::{
    Activity, ActivityError, ActivityOptions, ActivityResult, Attempt, Engine, RunId,
};
use leadrail_lead::Lead;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::access::{CrmAccess, OpenCrm};
use crate::destination::Destination;
use crate::duplicates;
use crate::filing::Filing;

/// What adapters answer when a list is longer than they read.
const INCOMPLETE: &str = "lookup_incomplete";

/// Looks by marker whether there is exactly one of what we made, and reports more than one. It
/// never deletes or merges anything: which one a dispatcher works with, only people know.
///
/// It only looks, so it may run again.
pub struct LeadAudit {
    /// The way into the CRM.
    pub access: CrmAccess,
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
    /// Its customer in the CRM.
    pub customer: CustomerRef,
    /// Whether that customer was made for it.
    pub customer_is_new: bool,
    /// The lead in the CRM.
    pub filed: LeadRef,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFindings {
    /// In short.
    pub outcome: AuditOutcome,
    /// The leads that carry our marker, oldest first.
    pub leads: Vec<LeadRef>,
    /// The customers that carry our marker, oldest first; `None` where that was not looked for or
    /// the CRM's list is too long to tell.
    pub customers: Option<Vec<CustomerRef>>,
}

/// What a look found, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// One of each, as it should be.
    Single,
    /// More than one of something.
    Duplicate,
    /// The lead is not there any more: somebody deleted or converted it.
    Gone,
}

impl Activity for LeadAudit {
    const NAME: &'static str = "lead_audit";
    type Input = AuditInput;
    type Output = AuditFindings;

    fn options(&self, input: &AuditInput) -> ActivityOptions {
        input.destination.looking()
    }

    async fn run(&self, attempt: &Attempt, input: &AuditInput) -> ActivityResult<AuditFindings> {
        let filing = Filing {
            destination: input.destination.clone(),
            lead: Arc::new(self.lead_of(input.run_id).await?),
        };
        let crm = self.access.open(attempt, &input.destination).await?;
        let leads = crm
            .judge(leads(&crm, &filing, &input.customer).await)
            .await?;
        let customers = match input.customer_is_new {
            true => crm.judge(customers(&crm, &filing).await).await?,
            false => None,
        };
        duplicates::report(attempt, activity::LEAD_CREATE, leads.len());
        let made = customers.as_ref().map_or(0, Vec::len);
        duplicates::report(attempt, activity::CUSTOMER_CREATE, made);
        let outcome = outcome(leads.len(), made);
        Ok(AuditFindings {
            outcome,
            leads,
            customers,
        })
    }
}

impl LeadAudit {
    /// The lead as the run that filed it was given it.
    async fn lead_of(&self, run: RunId) -> ActivityResult<Lead> {
        let run = self.engine.run(run).await.map_err(|_| {
            crate::failure::of_our_database("the run of the lead could not be read")
        })?;
        let lead = run.and_then(|run| Lead::from_value(run.input).ok());
        lead.ok_or_else(|| {
            ActivityError::rejected(
                "lead_gone",
                "the run that filed the lead is not kept any more",
            )
        })
    }
}

async fn leads(
    crm: &OpenCrm<'_>,
    filing: &Filing,
    customer: &CustomerRef,
) -> AdapterResult<Vec<LeadRef>> {
    let marker = filing.marker(activity::LEAD_CREATE);
    crm.adapter
        .find_leads(&crm.session, &filing.lead, customer, &marker)
        .await
}

/// A busy account has more new customers in a day than an adapter reads; that alone is no reason
/// to bother anybody.
async fn customers(crm: &OpenCrm<'_>, filing: &Filing) -> AdapterResult<Option<Vec<CustomerRef>>> {
    let marker = filing.marker(activity::CUSTOMER_CREATE);
    match crm
        .adapter
        .find_created_customer(&crm.session, &filing.lead, &marker)
        .await
    {
        Ok(found) => Ok(Some(found)),
        Err(AdapterError::NotDone(failure)) if failure.reason == INCOMPLETE => Ok(None),
        Err(error) => Err(error),
    }
}

fn outcome(leads: usize, customers: usize) -> AuditOutcome {
    match (leads, customers) {
        (2.., _) | (_, 2..) => AuditOutcome::Duplicate,
        (0, _) => AuditOutcome::Gone,
        (1, _) => AuditOutcome::Single,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_one_of_anything_is_a_duplicate() {
        let table = [
            ((1, 1), AuditOutcome::Single),
            ((1, 0), AuditOutcome::Single),
            ((0, 0), AuditOutcome::Gone),
            ((2, 0), AuditOutcome::Duplicate),
            ((1, 2), AuditOutcome::Duplicate),
            ((0, 3), AuditOutcome::Duplicate),
        ];
        for ((leads, customers), expected) in table {
            assert_eq!(
                outcome(leads, customers),
                expected,
                "{leads} leads, {customers} customers"
            );
        }
    }
}
