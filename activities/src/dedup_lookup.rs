//! Asks the CRM whether the caller is a customer already.

use leadrail_adapters::{CustomerRef, activity};
use leadrail_engine::{Activity, ActivityOptions, ActivityResult, Attempt};

use crate::access::CrmAccess;
use crate::filing::Filing;

/// Asks the CRM whether the caller is a customer already.
///
/// It only looks, so it may run again. A look-up that fails is an error, never "unknown".
pub struct DedupLookup {
    /// The way into the CRM.
    pub access: CrmAccess,
}

impl Activity for DedupLookup {
    const NAME: &'static str = activity::DEDUP_LOOKUP;
    type Input = Filing;
    type Output = Option<CustomerRef>;

    fn options(&self, filing: &Filing) -> ActivityOptions {
        filing.destination.looking()
    }

    async fn run(&self, attempt: &Attempt, filing: &Filing) -> ActivityResult<Option<CustomerRef>> {
        let crm = self.access.open(attempt, &filing.destination).await?;
        let known = crm.adapter.find_customer(&crm.session, &filing.lead).await;
        crm.judge(known).await
    }
}
