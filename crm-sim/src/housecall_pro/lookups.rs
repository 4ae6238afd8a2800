//! What a connection wizard asks for: company, employees, tags, sources, types, statuses.

use serde_json::{Value, json};

use super::page::{self, one_of};
use super::{HousecallPro, bad_request, created, form, ok};
use crate::names::display_name;
use crate::routes::{Answer, Visit};

/// Every company has this one employee.
pub(super) const EMPLOYEE_ID: &str = "pro_1";

/// Answers for every kind of credential, so it is the live check of one.
pub(super) fn company(_: &HousecallPro, visit: &Visit<'_>) -> Answer {
    ok(&json!({
        "id": visit.company,
        "name": display_name(visit.company),
        "support_email": "office@company.example",
        "phone_number": "6025550100",
        "logo_url": null,
        "address": {"street": "1 Main St", "city": "Phoenix", "state": "AZ", "zip": "85001",
                    "country": "US"},
        "website": "https://company.example",
        "default_arrival_window": "0",
        "time_zone": "America/Phoenix",
        "locations": [],
    }))
}

pub(super) fn employees(_: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let everybody = vec![employee(visit.company)];
    ok(&page::of_values(visit.call, "employees", everybody)?)
}

pub(super) fn employee(company: &str) -> Value {
    json!({
        "id": EMPLOYEE_ID,
        "first_name": "Sam",
        "last_name": "Ortiz",
        "email": "sam@company.example",
        "mobile_number": "6025550101",
        "color_hex": "0b6",
        "role": "field tech",
        "created_at": "2026-01-05T12:00:00Z",
        "tags": [],
        "company_name": display_name(company),
        "company_id": company,
    })
}

pub(super) fn tags(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let tags = crm.with(visit.company, |company| company.tags.all().to_vec());
    let tags = tags.iter().map(|tag| json!(tag)).collect();
    ok(&page::of_values(visit.call, "tags", tags)?)
}

pub(super) fn add_tag(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let name = read_name(visit)?;
    let tag = crm.with(visit.company, |company| company.tags.remember("tag", &name));
    created(&json!(tag))
}

pub(super) fn lead_sources(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let query = visit.call.parameter("q").unwrap_or("").to_lowercase();
    let sources = crm.with(visit.company, |company| company.lead_sources.all().to_vec());
    let sources = sources
        .iter()
        .filter(|source| source.name.to_lowercase().contains(&query))
        .map(|source| json!({"id": source.id, "name": source.name, "editable": true}))
        .collect();
    ok(&page::of_values(visit.call, "lead_sources", sources)?)
}

pub(super) fn add_lead_source(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let name = read_name(visit)?;
    let source = crm.with(visit.company, |company| {
        company.lead_sources.remember("lds", &name)
    });
    created(&json!({"id": source.id, "name": source.name, "editable": true}))
}

pub(super) fn job_types(_: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let name = visit.call.parameter("name");
    let types = [("jbt_1", "Repair"), ("jbt_2", "Installation")]
        .into_iter()
        .filter(|(_, kind)| name.is_none_or(|name| name == *kind))
        .map(|(id, name)| json!({"id": id, "name": name}))
        .collect();
    ok(&page::of_values(visit.call, "job_types", types)?)
}

/// `resource_type` is required.
pub(super) fn pipeline_statuses(_: &HousecallPro, visit: &Visit<'_>) -> Answer {
    if visit.call.parameter("resource_type").is_none() {
        return Err(bad_request("resource_type", "resource_type is required"));
    }
    let resource = one_of(visit.call, "resource_type", &["lead", "job", "estimate"])?;
    let statuses = [("new", format!("New {resource}")), ("won", "Won".into()), ("lost", "Lost".into())]
        .into_iter()
        .map(|(kind, name)| {
            json!({"id": format!("kcs_{resource}_{kind}"), "name": name, "status_type": kind})
        })
        .collect();
    ok(&page::of_values(visit.call, "statuses", statuses)?)
}

fn read_name(visit: &Visit<'_>) -> Result<String, crate::reply::Reply> {
    let mut form = form::read(visit.call)?;
    let name = form.required_text("name");
    form::check(form)?;
    Ok(name)
}
