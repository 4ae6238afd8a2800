//! Notes on customers, locations, leads and jobs. Bookings take none.

use serde_json::{Value, json};

use super::books::{Company, Kind};
use super::listing::Listing;
use super::problem::{check, not_found, read};
use super::record::{Draft, Record};
use super::{ServiceTitan, ok, path_id};
use crate::routes::{Answer, Visit};

/// What notes are written on: its records, and the name under which the books keep its id.
struct Subject {
    kind: fn(&Company) -> &Kind,
    owner: &'static str,
}

const CUSTOMER: Subject = Subject {
    kind: |company| &company.customers,
    owner: "customerId",
};
const LOCATION: Subject = Subject {
    kind: |company| &company.locations,
    owner: "locationId",
};
const LEAD: Subject = Subject {
    kind: |company| &company.leads,
    owner: "leadId",
};
const JOB: Subject = Subject {
    kind: |company| &company.jobs,
    owner: "jobId",
};

pub(super) fn list_of_customer(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    list(crm, visit, &CUSTOMER)
}

pub(super) fn list_of_location(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    list(crm, visit, &LOCATION)
}

pub(super) fn list_of_lead(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    list(crm, visit, &LEAD)
}

pub(super) fn list_of_job(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    list(crm, visit, &JOB)
}

/// `addToLocations` puts the same text on the customer's active locations.
pub(super) fn add_to_customer(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    add(crm, visit, &CUSTOMER)
}

pub(super) fn add_to_location(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    add(crm, visit, &LOCATION)
}

pub(super) fn add_to_lead(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    add(crm, visit, &LEAD)
}

pub(super) fn add_to_job(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    add(crm, visit, &JOB)
}

fn list(crm: &ServiceTitan, visit: &Visit<'_>, subject: &Subject) -> Answer {
    let listing = Listing::read(visit.call)?;
    let id = path_id(visit, 1)?;
    let slice = crm.with(visit.company, |company| {
        (subject.kind)(company).records.get(&id)?;
        Some(listing.cut(company.notes.of(id)))
    });
    let slice = slice.ok_or_else(|| not_found("The record"))?;
    ok(&listing.envelope(&slice, |note| show(note, subject)))
}

fn add(crm: &ServiceTitan, visit: &Visit<'_>, subject: &Subject) -> Answer {
    let id = path_id(visit, 1)?;
    let mut form = read(visit.call)?;
    let text = form.required_text("text");
    let is_pinned = form.flag("pinToTop").unwrap_or(false);
    let is_customer = subject.owner == CUSTOMER.owner;
    let is_spread = is_customer && form.flag("addToLocations").unwrap_or(false);
    check(form)?;
    let fields = json!({"text": text, "isPinned": is_pinned});
    let note = crm.with(visit.company, |company| {
        (subject.kind)(company).active(id)?;
        let note = file(company, &fields, subject, id);
        let locations = company.locations.of(id).into_iter();
        let active = locations.filter(|location| is_spread && location.active == Some(true));
        let active: Vec<i64> = active.map(|location| location.id).collect();
        for location in active {
            file(company, &fields, &LOCATION, location);
        }
        Some(show(&note, subject))
    });
    ok(&note.ok_or_else(|| not_found("The record"))?)
}

fn file(company: &mut Company, fields: &Value, subject: &Subject, id: i64) -> Record {
    let owner = json!({subject.owner: id});
    let note = company.record(Draft::of(fields.clone()).keeping(owner));
    company.notes.add(note.clone(), Some(id));
    Record::clone(&note)
}

/// A job's notes have no id.
fn show(note: &Record, subject: &Subject) -> Value {
    let mut shown = note.show(None);
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("externalData");
        if subject.owner == JOB.owner {
            fields.remove("id");
        }
    }
    shown
}
