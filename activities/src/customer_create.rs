//! Makes a customer of a caller whom the CRM does not know.

use leadrail_adapters::{CustomerRef, ReconcileClass, activity};
use leadrail_engine::{Activity, ActivityOptions, ActivityResult, Attempt, Found};

use crate::access::CrmAccess;
use crate::duplicates;
use crate::filing::Filing;

/// Makes a customer of the caller.
///
/// The customer carries a marker. Where an earlier attempt's answer was lost, the customer with
/// that marker is adopted; only where there is none is one made.
pub struct CustomerCreate {
    /// The way into the CRM.
    pub access: CrmAccess,
}

impl Activity for CustomerCreate {
    const NAME: &'static str = activity::CUSTOMER_CREATE;
    type Input = Filing;
    type Output = CustomerRef;

    fn options(&self, filing: &Filing) -> ActivityOptions {
        filing.destination.making()
    }

    async fn run(&self, attempt: &Attempt, filing: &Filing) -> ActivityResult<CustomerRef> {
        let crm = self.access.open(attempt, &filing.destination).await?;
        let marker = filing.marker(activity::CUSTOMER_CREATE);
        let made = crm
            .adapter
            .create_customer(&crm.session, &filing.lead, &marker)
            .await;
        crm.judge(made).await
    }

    async fn reconcile(
        &self,
        attempt: &Attempt,
        filing: &Filing,
    ) -> ActivityResult<Found<CustomerRef>> {
        let crm = self.access.open(attempt, &filing.destination).await?;
        if crm.adapter.crm().class == ReconcileClass::D {
            return Ok(Found::Unknowable);
        }
        let marker = filing.marker(activity::CUSTOMER_CREATE);
        let made = crm
            .adapter
            .find_created_customer(&crm.session, &filing.lead, &marker)
            .await;
        Ok(duplicates::oldest(
            attempt,
            Self::NAME,
            crm.judge(made).await?,
        ))
    }
}
