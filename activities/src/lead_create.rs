//! Files the call as a lead of a customer.

use leadrail_adapters::{CustomerRef, LeadRef, ReconcileClass, activity};
use leadrail_engine::{Activity, ActivityOptions, ActivityResult, Attempt, Found};
use serde::{Deserialize, Serialize};

use crate::access::CrmAccess;
use crate::duplicates;
use crate::filing::Filing;

/// Files the call as a lead of the customer.
///
/// The lead carries a marker. Where an earlier attempt's answer was lost, the lead with that marker
/// is adopted; only where there is none is one made.
pub struct LeadCreate {
    /// The way into the CRM.
    pub access: CrmAccess,
}

/// A lead, and the customer that its caller is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LeadCreateInput {
    /// The lead and where it goes.
    pub filing: Filing,
    /// Whose lead it becomes.
    pub customer: CustomerRef,
}

impl Activity for LeadCreate {
    const NAME: &'static str = activity::LEAD_CREATE;
    type Input = LeadCreateInput;
    type Output = LeadRef;

    fn options(&self, input: &LeadCreateInput) -> ActivityOptions {
        input.filing.destination.making()
    }

    async fn run(&self, attempt: &Attempt, input: &LeadCreateInput) -> ActivityResult<LeadRef> {
        let LeadCreateInput { filing, customer } = input;
        let crm = self.access.open(attempt, &filing.destination).await?;
        let marker = filing.marker(activity::LEAD_CREATE);
        let links = filing.links(attempt);
        let lead = &filing.lead;
        let made = crm
            .adapter
            .create_lead(&crm.session, lead, customer, &marker, links)
            .await;
        crm.judge(made).await
    }

    async fn reconcile(
        &self,
        attempt: &Attempt,
        input: &LeadCreateInput,
    ) -> ActivityResult<Found<LeadRef>> {
        let LeadCreateInput { filing, customer } = input;
        let crm = self.access.open(attempt, &filing.destination).await?;
        if crm.adapter.crm().class == ReconcileClass::D {
            return Ok(Found::Unknowable);
        }
        let marker = filing.marker(activity::LEAD_CREATE);
        let made = crm
            .adapter
            .find_leads(&crm.session, &filing.lead, customer, &marker)
            .await;
        Ok(duplicates::oldest(
            attempt,
            Self::NAME,
            crm.judge(made).await?,
        ))
    }
}
