//! `/crm/v2/tenant/{tenant}/customers`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::books::Company;
use super::listing::{Listing, application};
use super::locations::read_location;
use super::parts::{
    CUSTOMER_TYPES, contacts, done, external, no_custom_fields, references, required_address,
};
use super::presets::TAG_TYPES;
use super::problem::{check, not_found, read};
use super::record::{Draft, Record};
use super::{ServiceTitan, ok, path_id};
use crate::clock;
use crate::form::Form;
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

/// Of the documented filters those for name, parts of the address and phone are here too.
pub(super) fn list(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let listing = Listing::read(visit.call)?;
    let phone = visit.call.parameter("phone").unwrap_or("");
    let slice = crm.with(visit.company, |company| {
        let mut found = match phone {
            "" => company.customers.all(),
            phone => company.customers_by_phone(phone),
        };
        found.retain(|customer| has_texts(customer, visit));
        listing.cut(found)
    });
    ok(&listing.show(&slice))
}

pub(super) fn show(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let application = application(visit.call)?;
    let id = path_id(visit, 1)?;
    let customer = crm.with(visit.company, |company| {
        company.customers.records.get(&id).cloned()
    });
    let customer = customer.ok_or_else(|| not_found("The customer"))?;
    ok(&customer.show(application))
}

/// A customer comes with at least one location. The answer holds both, and the contacts.
pub(super) fn create(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let mut form = read(visit.call)?;
    let draft = read_customer(&mut form);
    let contacts = contacts(&mut form);
    let locations = read_locations(&mut form);
    check(form)?;
    let shown = crm.with(visit.company, |company| {
        let customer = company.add_customer(draft, contacts, locations);
        show_created(company, &customer)
    });
    ok(&shown)
}

/// `active`, `name` and `type` can be changed; other fields of the document are refused.
pub(super) fn update(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let id = path_id(visit, 1)?;
    let mut form = read(visit.call)?;
    let (active, name) = (form.flag("active"), form.text("name"));
    let kind = form.one_of("type", CUSTOMER_TYPES);
    check(form)?;
    let shown = crm.with(visit.company, |company| {
        let customer = company.customers.records.get_mut(&id)?;
        customer.active = active.or(customer.active);
        let changes = [
            ("name", name.map(Value::from)),
            ("type", kind.map(Value::from)),
        ];
        for (field, value) in changes {
            if let Some(value) = value {
                customer.fields.insert(field.to_owned(), value);
            }
        }
        customer.modified_on = clock::now();
        Some(customer.show(None))
    });
    ok(&shown.ok_or_else(|| not_found("The customer"))?)
}

fn read_customer(form: &mut Form) -> Draft {
    let kind = form.one_of("type", CUSTOMER_TYPES);
    no_custom_fields(form);
    Draft::of(json!({
        "name": form.required_text("name"),
        "type": kind.unwrap_or("Residential"),
        "address": required_address(form, "address"),
        "doNotMail": form.flag("doNotMail").unwrap_or(false),
        "doNotService": form.flag("doNotService").unwrap_or(false),
        "tagTypeIds": references(form, "tagTypeIds", TAG_TYPES),
        "customFields": [],
        "balance": 0,
        "mergedToId": null,
    }))
    .with_external(external(form))
    .active()
}

fn read_locations(form: &mut Form) -> Vec<(Draft, Vec<Draft>)> {
    form.require("locations");
    let mut locations = Vec::new();
    let is_list = form.is_list("locations");
    for mut part in form.forms("locations") {
        locations.push(read_location(&mut part));
        done(form, part);
    }
    if is_list && locations.is_empty() {
        form.invalid("locations", "must hold at least one");
    }
    locations
}

fn show_created(company: &Company, customer: &Arc<Record>) -> Value {
    let theirs = customer.external.as_ref();
    let mut shown = customer.show(theirs.map(|external| external.application.as_str()));
    let locations = company.locations.of(customer.id);
    shown["locations"] = locations
        .into_iter()
        .map(|location| super::locations::show_created(company, location))
        .collect();
    shown["contacts"] = super::contacts::show_all(company, customer.id);
    shown
}

fn has_texts(customer: &Record, visit: &Visit<'_>) -> bool {
    let holds = |name: &str, value: Option<&str>| {
        let wanted = visit.call.parameter(name).unwrap_or("").to_lowercase();
        value.unwrap_or("").to_lowercase().contains(&wanted)
    };
    let address = &customer.fields["address"];
    let in_address = |name: &str| holds(name, address[name].as_str());
    holds("name", customer.text("name"))
        && ["street", "unit", "city", "state", "zip", "country"]
            .into_iter()
            .all(in_address)
}

/// 400 unless a customer is there and active, for bodies that name one.
pub(super) fn must_exist(company: &Company, id: i64) -> Result<(), Reply> {
    let known = company.customers.active(id);
    known
        .map(|_| ())
        .ok_or_else(|| super::problem::bad_request("customerId", "does not exist or is not active"))
}
