//! `/leads`: filing, listing, reading and converting them.

use serde_json::{Value, json};

use super::books::{About, Company, Site};
use super::customers::{is_own_location, names_anybody, read as read_customer, read_address};
use super::lookups::{EMPLOYEE_ID, employee};
use super::page::{self, one_of};
use super::records::{Lead, LeadFields};
use super::{HousecallPro, created, form, not_found, ok};
use crate::form::Form;
use crate::names::display_name;
use crate::routes::{Answer, Visit};

/// Creates a lead for a known customer, or together with a new one.
pub(super) fn create(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let mut form = form::read(visit.call)?;
    let fields = read_fields(&mut form);
    let about = read_about(&mut form);
    let site = read_site(&mut form);
    form::check(form)?;
    if fields
        .assigned_employee_id
        .as_deref()
        .is_some_and(|id| id != EMPLOYEE_ID)
    {
        return Err(not_found("employee not found"));
    }
    let lead = crm
        .with(visit.company, |company| {
            company.add_lead(fields, about, site)
        })
        .map_err(|absent| not_found(absent.0))?;
    created(&present(&lead))
}

pub(super) fn list(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let page = page::read(visit.call)?;
    let sort_by = one_of(
        visit.call,
        "sort_by",
        &["created_at", "updated_at", "id", "status"],
    )?;
    let status = one_of(visit.call, "status", &["", "open", "won", "lost"])?;
    let slice = crm.with(visit.company, |company| {
        let mut found = match visit.call.parameter("customer_id") {
            Some(customer_id) => company.leads_of(customer_id),
            None => company.leads.all().iter().collect(),
        };
        let filter = Filter::of(visit, status, company);
        found.retain(|lead| filter.keeps(lead));
        match sort_by {
            "updated_at" => found.sort_by_key(|lead| lead.updated_at),
            "id" => found.sort_by(|one, other| one.id.cmp(&other.id)),
            "status" => found.sort_by_key(|lead| lead.status),
            _ => {}
        }
        page.slice(&found)
    });
    ok(&page::show(page, "leads", &slice, present))
}

pub(super) fn show(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let lead = crm.with(visit.company, |company| company.lead(visit.ids[0]).cloned());
    ok(&present(&*lead.ok_or_else(|| not_found("lead not found"))?))
}

/// `{"type": "job"}` or `{"type": "estimate"}`.
pub(super) fn convert(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let mut form = form::read(visit.call)?;
    let (kind, key) = match form.required_text("type").as_str() {
        "job" => ("Job", "job_id"),
        "estimate" => ("Estimate", "estimate_id"),
        _ => {
            form.invalid("type", "must be job or estimate");
            ("", "")
        }
    };
    form::check(form)?;
    let conversion = crm
        .with(visit.company, |company| {
            company.convert_lead(visit.ids[0], kind)
        })
        .ok_or_else(|| not_found("lead not found"))?;
    created(&json!({key: conversion.id}))
}

fn read_fields(form: &mut Form) -> LeadFields {
    for mut part in form.forms("line_items") {
        for name in ["name", "description", "kind"] {
            part.text(name);
        }
        form.absorb(part);
    }
    LeadFields {
        assigned_employee_id: form.text("assigned_employee_id"),
        lead_source: form.text("lead_source"),
        note: form.text("note"),
        tags: form.texts("tags"),
        tax_name: form.text("tax_name"),
        tax_rate: form.whole_number("tax_rate"),
    }
}

fn read_about(form: &mut Form) -> About {
    let known = form.text("customer_id");
    let inline = form.form("customer");
    if let (None, Some(mut part)) = (&known, inline) {
        let (fields, addresses) = read_customer(&mut part);
        let is_somebody = names_anybody(&fields);
        form.absorb(part);
        if !is_somebody {
            form.missing("customer");
        }
        let fields = Box::new(fields);
        return About::New { fields, addresses };
    }
    if known.is_none() {
        form.missing("customer_id");
    }
    About::Known {
        customer_id: known.unwrap_or_default(),
    }
}

fn read_site(form: &mut Form) -> Site {
    let inline = form.form("address");
    match (form.text("address_id"), inline) {
        (Some(address_id), _) => Site::Known { address_id },
        (None, Some(mut part)) => {
            let address = read_address(&mut part);
            form.absorb(part);
            Site::New(address)
        }
        (None, None) => Site::Unsaid,
    }
}

/// The documented filters; an array parameter keeps what matches any of its values.
struct Filter<'a> {
    visit: &'a Visit<'a>,
    status: &'a str,
    is_here: bool,
    sources: Vec<&'a str>,
    employees: Vec<&'a str>,
    /// Names of the tags asked for by id; an unknown id matches nothing.
    tags: Option<Vec<String>>,
}

impl<'a> Filter<'a> {
    fn of(visit: &'a Visit<'a>, status: &'a str, company: &Company) -> Self {
        let tag_ids = visit.call.parameters("tag_ids");
        let asked = company
            .tags
            .all()
            .iter()
            .filter(|tag| tag_ids.contains(&tag.id.as_str()));
        let names = asked.map(|tag| tag.name.clone()).collect();
        Self {
            visit,
            status,
            is_here: is_own_location(visit),
            sources: visit.call.parameters("lead_source"),
            employees: visit.call.parameters("employee_ids"),
            tags: (!tag_ids.is_empty()).then_some(names),
        }
    }

    fn keeps(&self, lead: &Lead) -> bool {
        let any = |wanted: &[&str], given: &Option<String>| {
            wanted.is_empty()
                || given
                    .as_deref()
                    .is_some_and(|given| wanted.contains(&given))
        };
        let has_tag = |names: &Vec<String>| lead.fields.tags.iter().any(|tag| names.contains(tag));
        self.is_here
            && self.visit.call.is_indexed(lead.created_at)
            && (self.status.is_empty() || lead.status == self.status)
            && any(&self.sources, &lead.fields.lead_source)
            && any(&self.employees, &lead.fields.assigned_employee_id)
            && self.tags.as_ref().is_none_or(has_tag)
    }
}

/// The document's `Lead`: no note, no creation time.
fn present(lead: &Lead) -> Value {
    let mut customer = json!(lead.customer.fields);
    customer["id"] = json!(lead.customer.id);
    if let Some(customer) = customer.as_object_mut() {
        customer.remove("notes");
    }
    let assigned = lead.fields.assigned_employee_id.as_ref();
    json!({
        "id": lead.id,
        "number": lead.number,
        "customer": customer,
        "address": lead.address,
        "lead_source": lead.fields.lead_source,
        "tags": lead.fields.tags,
        "assigned_employee": assigned.map(|_| employee(&lead.company)),
        "status": lead.status,
        "pipeline_status": "New lead",
        "lost_at": null,
        "company_id": lead.company,
        "company_name": display_name(&lead.company),
        "conversions": lead.conversion.iter().collect::<Vec<_>>(),
    })
}
