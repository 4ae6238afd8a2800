//! `/crm/v2/tenant/{tenant}/locations`.

use serde_json::{Value, json};

use super::books::Company;
use super::customers::must_exist;
use super::listing::{Listing, application, read_number};
use super::parts::{contacts, external, no_custom_fields, references, required_address};
use super::presets::TAG_TYPES;
use super::problem::{bad_request, check, not_found, read};
use super::record::{Draft, Record};
use super::{ServiceTitan, ok, path_id};
use crate::form::Form;
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

pub(super) fn list(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let listing = Listing::read(visit.call)?;
    let customer = read_number(visit.call, "customerId")?;
    let slice = crm.with(visit.company, |company| {
        listing.cut(match customer {
            Some(customer) => company.locations.of(customer),
            None => company.locations.all(),
        })
    });
    ok(&listing.show(&slice))
}

pub(super) fn show(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let application = application(visit.call)?;
    let id = path_id(visit, 1)?;
    let location = crm.with(visit.company, |company| {
        company.locations.records.get(&id).cloned()
    });
    let location = location.ok_or_else(|| not_found("The location"))?;
    ok(&location.show(application))
}

pub(super) fn create(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let mut form = read(visit.call)?;
    form.require("customerId");
    let customer = form.whole_number("customerId").unwrap_or_default();
    let (draft, contacts) = read_location(&mut form);
    check(form)?;
    let shown = crm.with(visit.company, |company| {
        must_exist(company, customer)?;
        let location = company.add_location(customer, draft, contacts);
        Ok::<_, Reply>(show_created(company, &location))
    });
    ok(&shown?)
}

/// A location and its contacts, without whose it is.
pub(super) fn read_location(form: &mut Form) -> (Draft, Vec<Draft>) {
    no_custom_fields(form);
    let draft = Draft::of(json!({
        "name": form.required_text("name"),
        "address": required_address(form, "address"),
        "tagTypeIds": references(form, "tagTypeIds", TAG_TYPES),
        "customFields": [],
        "mergedToId": null,
        "zoneId": null,
        "taxZoneId": null,
    }));
    let draft = draft.with_external(external(form)).active();
    (draft, contacts(form))
}

/// A new location is shown with its contacts and its external data.
pub(super) fn show_created(company: &Company, location: &Record) -> Value {
    let theirs = location.external.as_ref();
    let mut shown = location.show(theirs.map(|external| external.application.as_str()));
    shown["contacts"] = super::contacts::show_all(company, location.id);
    shown
}

/// 400 unless a location is there, active and the customer's own, for bodies that name one.
pub(super) fn must_belong(company: &Company, id: i64, customer: Option<i64>) -> Result<(), Reply> {
    let location = company.locations.active(id);
    let location =
        location.ok_or_else(|| bad_request("locationId", "does not exist or is not active"))?;
    match customer {
        Some(customer) if location.number("customerId") != Some(customer) => {
            Err(bad_request("locationId", "is another customer's"))
        }
        _ => Ok(()),
    }
}
