//! Contacts: `CreateContactDto`, and what stands in the way of one.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::books::Company;
use super::form;
use super::records::{Contact, has_user, new_id};
use super::refusal::{bad_request, no_contact};
use super::{GoHighLevel, created, ok};
use crate::clock;
use crate::form::Form;
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

/// Fields that are taken and mean nothing here.
const UNUSED: [&str; 5] = ["name", "gender", "website", "timezone", "dateOfBirth"];

pub(super) fn create(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    let contact = read(form::read(visit.call)?)?;
    crm.enter(visit, Some(&contact.location_id), "contacts.write")?;
    if contact.name().is_empty() && contact.phone.is_none() && contact.email.is_none() {
        return Err(bad_request("A name, an email or a phone is required."));
    }
    if contact
        .assigned_to
        .as_deref()
        .is_some_and(|id| !has_user(id))
    {
        return Err(bad_request("The user id is invalid."));
    }
    let made = crm.with(visit.company, |company| {
        double(company, &contact)?;
        Ok::<_, Reply>(company.add_contact(contact))
    })?;
    created(&json!({"contact": *made}))
}

fn read(mut form: Form) -> Result<Contact, Reply> {
    for name in UNUSED {
        form.text(name);
    }
    let contact = Contact {
        id: new_id(),
        location_id: form.required_text("locationId"),
        first_name: form.text("firstName"),
        last_name: form.text("lastName"),
        email: form::email(&mut form, "email"),
        phone: form::phone(&mut form, "phone"),
        address1: form.text("address1"),
        city: form.text("city"),
        state: form.text("state"),
        postal_code: form.text("postalCode"),
        country: form::country(&mut form, "country"),
        source: form.text("source"),
        assigned_to: form.text("assignedTo"),
        company_name: form.text("companyName"),
        tags: form.texts("tags"),
        custom_fields: form::custom_fields(&mut form, "contact"),
        additional_phones: Vec::new(),
        date_added: clock::now(),
    };
    form::check(form)?;
    Ok(contact)
}

/// 400 where the location forbids a second contact of this address or number.
fn double(company: &Company, new: &Contact) -> Result<(), Reply> {
    if company.settings.allow_duplicate_contact {
        return Ok(());
    }
    let email = new.email.as_deref().map(|email| company.with_email(email));
    let phone = new.phone.as_deref().map(|phone| company.with_phone(phone));
    let matches = [("email", email), ("phone", phone)].into_iter();
    let mut matches = matches.filter_map(|(field, known)| {
        let known = known?.into_iter().next().cloned()?;
        Some((field, known))
    });
    match matches.next() {
        Some((field, known)) => Err(named(company, field, &known)),
        None => Ok(()),
    }
}

fn named(company: &Company, field: &str, known: &Arc<Contact>) -> Reply {
    let mut body = json!({
        "statusCode": 400,
        "message": "This location does not allow duplicated contacts.",
    });
    if company.settings.names_duplicates {
        body["meta"] = json!({
            "contactId": known.id, "contactName": known.name(), "matchingField": field,
        });
    }
    Reply::json(StatusCode::BAD_REQUEST, &body)
}

pub(super) fn show(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    crm.permit(visit, "contacts.readonly")?;
    let id = visit.ids[0];
    let known: Option<Value> = crm.with(visit.company, |company| {
        company.contact(id).map(|contact| json!(**contact))
    });
    let known = known.ok_or_else(|| no_contact(id))?;
    ok(&json!({"contact": known}))
}
