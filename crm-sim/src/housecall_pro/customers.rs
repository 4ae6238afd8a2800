//! `/customers` and `/customers/{customer_id}/addresses`.

use std::sync::Arc;

use serde_json::json;

use super::page::{self, one_of};
use super::records::{Address, Customer, CustomerFields};
use super::{HousecallPro, bad_request, created, form, not_found, ok};
use crate::form::Form;
use crate::names::new_id;
use crate::routes::{Answer, Visit};

/// Of all parameters only `q`, paging, sorting and `location_ids` do anything.
pub(super) fn list(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let page = page::read(visit.call)?;
    let sort_by = one_of(visit.call, "sort_by", SORTABLE)?;
    let query = visit.call.parameter("q").unwrap_or("");
    let is_here = is_own_location(visit);
    let slice = crm.with(visit.company, |company| {
        let mut found = company.search_customers(query);
        found.retain(|customer| is_here && visit.call.is_indexed(customer.created_at));
        if sort_by != "created_at" {
            found.sort_by_cached_key(|customer| sort_key(customer, sort_by));
        }
        page.slice(&found)
    });
    ok(&page::show(page, "customers", &slice, |customer| {
        json!(customer)
    }))
}

pub(super) fn show(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    ok(&json!(*find(crm, visit)?))
}

pub(super) fn create(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let mut form = form::read(visit.call)?;
    let (fields, addresses) = read(&mut form);
    form::check(form)?;
    if !names_anybody(&fields) {
        let needed = "One of first_name, last_name, email, mobile_number, home_number, \
                      work_number is required";
        return Err(bad_request("base", needed));
    }
    let customer = crm.with(visit.company, |company| {
        company.add_customer(fields, addresses)
    });
    created(&json!(*customer))
}

pub(super) fn list_addresses(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let page = page::read(visit.call)?;
    let customer = find(crm, visit)?;
    let addresses: Vec<_> = customer.addresses.iter().cloned().map(Arc::new).collect();
    let slice = page.slice(&addresses.iter().collect::<Vec<_>>());
    ok(&page::show(page, "addresses", &slice, |address| {
        json!(address)
    }))
}

/// The document gives 200 for this one, not 201.
pub(super) fn add_address(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let mut form = form::read(visit.call)?;
    for name in ["street", "city", "state", "zip", "country"] {
        form.require(name);
    }
    let address = read_address(&mut form);
    form::check(form)?;
    let body = json!(address);
    crm.with(visit.company, |company| {
        company.add_address(visit.ids[0], address)
    })
    .ok_or_else(|| not_found("customer not found"))?;
    ok(&body)
}

/// Reads `CustomerCreate`. There is no `address` among its fields.
pub(super) fn read(form: &mut Form) -> (CustomerFields, Vec<Address>) {
    let fields = CustomerFields {
        first_name: form.text("first_name"),
        last_name: form.text("last_name"),
        email: form.text("email"),
        mobile_number: form.phone("mobile_number"),
        home_number: form.phone("home_number"),
        work_number: form.phone("work_number"),
        company: form.text("company"),
        notifications_enabled: form.flag("notifications_enabled").unwrap_or(false),
        lead_source: form.text("lead_source"),
        notes: form.text("notes"),
        tags: form.texts("tags"),
    };
    let mut addresses = Vec::new();
    for mut part in form.forms("addresses") {
        addresses.push(read_address(&mut part));
        form.absorb(part);
    }
    (fields, addresses)
}

pub(super) fn read_address(form: &mut Form) -> Address {
    Address {
        id: new_id("adr"),
        purpose: "service",
        street: form.text("street"),
        street_line_2: form.text("street_line_2"),
        city: form.text("city"),
        state: form.text("state"),
        zip: form.text("zip"),
        country: form.text("country"),
    }
}

/// Whether there is a name, an e-mail or a phone number.
pub(super) fn names_anybody(fields: &CustomerFields) -> bool {
    let CustomerFields {
        first_name,
        last_name,
        email,
        ..
    } = fields;
    let CustomerFields {
        mobile_number,
        home_number,
        work_number,
        ..
    } = fields;
    [
        first_name,
        last_name,
        email,
        mobile_number,
        home_number,
        work_number,
    ]
    .iter()
    .any(|field| field.is_some())
}

/// Each company is its own and only location.
pub(super) fn is_own_location(visit: &Visit<'_>) -> bool {
    let locations = visit.call.parameters("location_ids");
    locations.is_empty() || locations.contains(&visit.company)
}

const SORTABLE: &[&str] = &[
    "created_at",
    "updated_at",
    "id",
    "first_name",
    "last_name",
    "email",
];

fn sort_key(customer: &Customer, attribute: &str) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default().to_lowercase();
    match attribute {
        "updated_at" => format!("{:?}", customer.updated_at),
        "first_name" => text(&customer.fields.first_name),
        "last_name" => text(&customer.fields.last_name),
        "email" => text(&customer.fields.email),
        _ => customer.id.clone(),
    }
}

fn find(crm: &HousecallPro, visit: &Visit<'_>) -> Result<Arc<Customer>, crate::reply::Reply> {
    crm.with(visit.company, |company| {
        company.customer(visit.ids[0]).cloned()
    })
    .ok_or_else(|| not_found("customer not found"))
}
