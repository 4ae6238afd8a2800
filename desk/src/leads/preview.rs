//! What would be sent for a lead, without sending it.

use crate::crm;
use crate::error::DeskResult;
use leadrail_adapters::{LinkState, PlannedRequest, Target};
use leadrail_lead::Lead;

/// The exact HTTP requests that filing this lead in this CRM would send, with secrets masked. Needs no
/// database and calls nobody. `base_url` takes the place of the CRM's own address; `known_customer` is
/// what the look-up would have found.
///
/// # Errors
/// [`DeskError`](crate::DeskError) where the CRM or the address is none.
pub fn preview(
    crm: &str,
    base_url: Option<&str>,
    lead: &Lead,
    links: LinkState,
    known_customer: Option<&str>,
) -> DeskResult<Vec<PlannedRequest>> {
    let adapter = crm::adapter(crm)?;
    let mut target = Target::new(adapter.crm())?;
    if let Some(url) = base_url {
        target = target.with_base_url(url)?;
    }
    Ok(leadrail_adapters::preview(
        adapter,
        &target,
        lead,
        links,
        known_customer,
    ))
}
