//! `/crm/v2/tenant/{tenant}/leads`: callers whom somebody has to follow up.

use serde_json::json;

use super::customers::must_exist;
use super::listing::{Listing, read_choice, read_number};
use super::locations::must_belong;
use super::parts::{PRIORITIES, reference, references};
use super::presets::{BUSINESS_UNITS, CALL_REASONS, CAMPAIGNS, JOB_TYPES, TAG_TYPES};
use super::problem::{check, not_found, read};
use super::record::Draft;
use super::{ServiceTitan, ok, path_id};
use crate::form::Form;
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

pub(super) fn list(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let listing = Listing::read(visit.call)?;
    let customer = read_number(visit.call, "customerId")?;
    let statuses = ["", "Open", "Dismissed", "Converted"];
    let status = read_choice(visit.call, "status", &statuses)?;
    let slice = crm.with(visit.company, |company| {
        let mut found = match customer {
            Some(customer) => company.leads.of(customer),
            None => company.leads.all(),
        };
        found.retain(|lead| status.is_empty() || lead.text("status") == Some(status));
        listing.cut(found)
    });
    ok(&listing.show(&slice))
}

pub(super) fn show(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let id = path_id(visit, 1)?;
    let lead = crm.with(visit.company, |company| {
        company.leads.records.get(&id).cloned()
    });
    ok(&lead.ok_or_else(|| not_found("The lead"))?.show(None))
}

/// A lead has no external id: who must find it again writes a mark into its summary.
pub(super) fn create(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let mut form = read(visit.call)?;
    let draft = read_lead(&mut form);
    check(form)?;
    let number = |name: &str| draft.fields[name].as_i64();
    let (customer, location) = (number("customerId"), number("locationId"));
    let lead = crm.with(visit.company, |company| {
        if let Some(customer) = customer {
            must_exist(company, customer)?;
        }
        if let Some(location) = location {
            must_belong(company, location, customer)?;
        }
        let lead = company.record(draft);
        company.leads.add(lead.clone(), customer);
        Ok::<_, Reply>(lead)
    });
    ok(&lead?.show(None))
}

fn read_lead(form: &mut Form) -> Draft {
    form.require("campaignId");
    let reason = reference(form, "callReasonId", CALL_REASONS);
    let follow_up = form.time("followUpDate");
    if reason.is_none() && follow_up.is_none() {
        form.missing("callReasonId");
    }
    let priority = form.one_of("priority", PRIORITIES);
    Draft::of(json!({
        "status": "Open",
        "customerId": form.whole_number("customerId"),
        "locationId": form.whole_number("locationId"),
        "campaignId": reference(form, "campaignId", CAMPAIGNS),
        "businessUnitId": reference(form, "businessUnitId", BUSINESS_UNITS),
        "jobTypeId": reference(form, "jobTypeId", JOB_TYPES),
        "priority": priority.unwrap_or("Normal"),
        "summary": form.required_text("summary"),
        "tagTypeIds": references(form, "tagTypeIds", TAG_TYPES),
        "callReasonId": reason,
        "followUpDate": follow_up,
        "bookingId": null,
        "callId": null,
    }))
}
