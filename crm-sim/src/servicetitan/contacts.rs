//! Contacts of customers, locations and bookings.

use serde_json::{Value, json};

use super::bookings::of_provider;
use super::books::{Company, Kind};
use super::listing::{Listing, read_ids};
use super::parts::contact;
use super::problem::{bad_request, check, not_found, read};
use super::record::{Draft, Record};
use super::{ServiceTitan, ok, path_id};
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

pub(super) fn list_of_customer(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    list(crm, visit, path_id(visit, 1)?, |company| &company.customers)
}

pub(super) fn list_of_location(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    list(crm, visit, path_id(visit, 1)?, |company| &company.locations)
}

pub(super) fn list_of_booking(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    list(crm, visit, path_id(visit, 1)?, |company| &company.bookings)
}

pub(super) fn list_of_providers_booking(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let (provider, id) = (path_id(visit, 1)?, path_id(visit, 2)?);
    crm.with(visit.company, |company| {
        of_provider(company, provider, id).map(|_| ())
    })?;
    list(crm, visit, id, |company| &company.bookings)
}

/// Contacts of several customers at once; without `customerIds` a time of change must be given.
pub(super) fn list_of_customers(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let listing = Listing::read(visit.call)?;
    let owners = read_ids(visit.call, "customerIds")?;
    let has_time = ["modifiedOnOrAfter", "modifiedBefore"]
        .iter()
        .any(|name| visit.call.parameter(name).is_some());
    if owners.is_none() && !has_time {
        return Err(bad_request(
            "customerIds",
            "or a time of change must be provided",
        ));
    }
    let slice = crm.with(visit.company, |company| {
        let mut found = match &owners {
            Some(owners) => owners
                .iter()
                .flat_map(|owner| company.contacts.of(*owner))
                .collect(),
            None => company.contacts.all(),
        };
        found.retain(|contact| contact.kept.contains_key("customerId"));
        found.sort_by_key(|contact| contact.id);
        found.dedup_by_key(|contact| contact.id);
        listing.cut(found)
    });
    ok(&listing.envelope(&slice, |contact| {
        let mut shown = show(contact);
        shown["customerId"] = contact.kept["customerId"].clone();
        shown
    }))
}

pub(super) fn add_to_customer(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let (id, draft) = (path_id(visit, 1)?, read_contact(visit)?);
    let added = crm.with(visit.company, |company| {
        company.customers.active(id)?;
        Some(company.add_customer_contact(id, draft))
    });
    ok(&show(&*added.ok_or_else(|| not_found("The customer"))?))
}

pub(super) fn add_to_location(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let (id, draft) = (path_id(visit, 1)?, read_contact(visit)?);
    let added = crm.with(visit.company, |company| {
        company.locations.active(id)?;
        Some(company.add_contact("locationId", id, draft))
    });
    ok(&show(&*added.ok_or_else(|| not_found("The location"))?))
}

pub(super) fn add_to_booking(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let (provider, id) = (path_id(visit, 1)?, path_id(visit, 2)?);
    let draft = read_contact(visit)?;
    let added = crm.with(visit.company, |company| {
        of_provider(company, provider, id)?;
        Ok::<_, Reply>(company.add_contact("bookingId", id, draft))
    });
    ok(&show(&*added?))
}

/// The contacts of a new customer or location, within its own answer.
pub(super) fn show_all(company: &Company, owner: i64) -> Value {
    let contacts = company.contacts.of(owner);
    contacts.into_iter().map(|contact| show(contact)).collect()
}

fn list(crm: &ServiceTitan, visit: &Visit<'_>, owner: i64, kind: fn(&Company) -> &Kind) -> Answer {
    let listing = Listing::read(visit.call)?;
    let slice = crm.with(visit.company, |company| {
        kind(company).records.get(&owner)?;
        Some(listing.cut(company.contacts.of(owner)))
    });
    let slice = slice.ok_or_else(|| not_found("The record"))?;
    ok(&listing.envelope(&slice, show))
}

fn read_contact(visit: &Visit<'_>) -> Result<Draft, Reply> {
    let mut form = read(visit.call)?;
    let draft = contact(&mut form);
    check(form)?;
    Ok(draft)
}

fn show(contact: &Record) -> Value {
    let mut shown = contact.show(None);
    if contact.text("type") != Some("Email") {
        let number = contact.text("value");
        shown["phoneSettings"] = json!({"phoneNumber": number, "doNotText": false});
    }
    shown
}
