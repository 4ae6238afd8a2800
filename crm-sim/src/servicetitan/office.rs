//! What people at the company do with what was filed, as the control API tells it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::books::Company;
use super::jobs::file;
use super::presets::{BUSINESS_UNITS, CAMPAIGNS, JOB_TYPES};
use super::record::{Draft, Record};
use crate::clock;

/// Something that happens at the company; every id is the API's.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Event {
    /// A customer is merged into another: it is inactive from then on and says into which.
    MergeCustomer { id: i64, into: i64 },
    /// A customer is inactive from then on, as one that was deleted.
    DeactivateCustomer { id: i64 },
    /// The office books the job of a booking, for a new customer of its name.
    ConvertBooking { id: i64 },
    /// The office sets a booking aside.
    DismissBooking { id: i64 },
    /// The work is done.
    CompleteJob { id: i64 },
}

/// Lets an event happen; the error says in a sentence why it cannot.
pub(super) fn happen(company: &mut Company, event: &Value) -> Result<(), String> {
    let event = Event::deserialize(event).map_err(|wrong| wrong.to_string())?;
    let happened = match event {
        Event::MergeCustomer { id, into } => merge(company, id, into),
        Event::DeactivateCustomer { id } => deactivate(company, id),
        Event::ConvertBooking { id } => convert(company, id),
        Event::DismissBooking { id } => settle(company, id, &[("status", json!("Dismissed"))]),
        Event::CompleteJob { id } => complete(company, id),
    };
    happened.ok_or_else(|| "there is no such record in that state".to_owned())
}

fn deactivate(company: &mut Company, id: i64) -> Option<()> {
    company.customers.active(id)?;
    company.customers.records.get_mut(&id)?.active = Some(false);
    Some(())
}

/// Locations and contacts stay the merged customer's.
fn merge(company: &mut Company, id: i64, into: i64) -> Option<()> {
    company.customers.active(into).filter(|_| id != into)?;
    company.customers.active(id)?;
    let customer = company.customers.records.get_mut(&id)?;
    customer.active = Some(false);
    change(customer, &[("mergedToId", json!(into))]);
    Some(())
}

fn convert(company: &mut Company, id: i64) -> Option<()> {
    let booking = new_booking(company, id)?;
    let contacts = company.contacts.of(id).into_iter();
    let contacts = contacts.map(|contact| Draft::of(Value::Object(contact.fields.clone())));
    let contacts = contacts.collect();
    let site = json!({"name": booking.fields["name"], "address": booking.fields["address"]});
    let person = Draft::of(site.clone()).active();
    let site = (Draft::of(site).active(), Vec::new());
    let customer = company.add_customer(person, contacts, vec![site]);
    let location = company.locations.of(customer.id).first()?.id;
    let job = file(company, draft_job(&booking, location), customer.id);
    settle(
        company,
        id,
        &[("status", json!("Converted")), ("jobId", json!(job.id))],
    )
}

/// What the booking leaves open is the office's first choice.
fn draft_job(booking: &Record, location: i64) -> Draft {
    let chosen = |name: &str, first: i64| booking.number(name).unwrap_or(first);
    Draft::of(json!({
        "jobStatus": "Scheduled",
        "locationId": location,
        "businessUnitId": chosen("businessUnitId", BUSINESS_UNITS[0].id),
        "jobTypeId": chosen("jobTypeId", JOB_TYPES[0].id),
        "campaignId": chosen("campaignId", CAMPAIGNS[0].id),
        "priority": booking.text("priority").unwrap_or("Normal"),
        "summary": booking.fields["summary"],
        "bookingId": booking.id,
        "completedOn": null,
    }))
}

fn complete(company: &mut Company, id: i64) -> Option<()> {
    let job = company.jobs.records.get_mut(&id)?;
    (job.text("jobStatus") == Some("Scheduled")).then_some(())?;
    let now = json!(clock::now());
    change(
        job,
        &[("jobStatus", json!("Completed")), ("completedOn", now)],
    );
    Some(())
}

fn settle(company: &mut Company, id: i64, changes: &[(&str, Value)]) -> Option<()> {
    new_booking(company, id)?;
    change(company.bookings.records.get_mut(&id)?, changes);
    Some(())
}

fn new_booking(company: &Company, id: i64) -> Option<Arc<Record>> {
    let booking = company.bookings.records.get(&id)?;
    (booking.text("status") == Some("New")).then(|| Arc::clone(booking))
}

fn change(record: &mut Record, changes: &[(&str, Value)]) {
    for (name, value) in changes {
        record.fields.insert((*name).to_owned(), value.clone());
    }
    record.modified_on = clock::now();
}
