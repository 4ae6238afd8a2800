//! `/jobs` and `/jobs/{job_id}/notes`, the one place that takes notes.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime};
use serde_json::{Value, json};

use super::customers::is_own_location;
use super::lookups::{EMPLOYEE_ID, employee};
use super::page::{self, one_of};
use super::records::{Job, JobFields, Note};
use super::{HousecallPro, bad_request, created, form, not_found, ok};
use crate::form::Form;
use crate::names::display_name;
use crate::routes::{Answer, Visit};

/// A job for a customer who exists, at one of his addresses.
pub(super) fn create(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let mut form = form::read(visit.call)?;
    let customer = form.required_text("customer_id");
    let address = form.required_text("address_id");
    let fields = read_fields(&mut form);
    form::check(form)?;
    let mut employees = fields.assigned_employee_ids.iter();
    if employees.any(|id| id != EMPLOYEE_ID) {
        return Err(not_found("employee not found"));
    }
    let job = crm.with(visit.company, |company| {
        let number = fields.invoice_number;
        if number.is_some_and(|number| company.has_invoice_number(number)) {
            return Err(bad_request("invoice_number", "has already been taken"));
        }
        let job = company.add_job(fields, &customer, &address);
        job.map_err(|absent| not_found(absent.0))
    })?;
    created(&present(&job, &[]))
}

pub(super) fn list(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let page = page::read(visit.call)?;
    let sort_by = one_of(
        visit.call,
        "sort_by",
        &["created_at", "updated_at", "invoice_number", "id"],
    )?;
    let statuses = visit.call.parameters("work_status");
    let is_here = is_own_location(visit);
    let slice = crm.with(visit.company, |company| {
        let mut found = match visit.call.parameter("customer_id") {
            Some(customer_id) => company.jobs_of(customer_id),
            None => company.jobs.all().iter().collect(),
        };
        found.retain(|job| {
            is_here
                && visit.call.is_indexed(job.created_at)
                && (statuses.is_empty() || statuses.contains(&filter_name(job)))
        });
        match sort_by {
            "invoice_number" => found.sort_by_key(|job| job.number),
            "id" => found.sort_by(|one, other| one.id.cmp(&other.id)),
            _ => {}
        }
        let slice = page.slice(&found);
        with_notes(slice, |job| company.notes_of(&job.id))
    });
    ok(&page::show(page, "jobs", &slice, |(job, notes)| {
        present(job, notes)
    }))
}

pub(super) fn show(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let found = crm.with(visit.company, |company| {
        let job = company.job(visit.ids[0])?;
        Some((Arc::clone(job), company.notes_of(&job.id)))
    });
    let (job, notes) = found.ok_or_else(|| not_found("job not found"))?;
    ok(&present(&job, &notes))
}

pub(super) fn add_note(crm: &HousecallPro, visit: &Visit<'_>) -> Answer {
    let mut form = form::read(visit.call)?;
    let content = form.required_text("content");
    form::check(form)?;
    let note = crm
        .with(visit.company, |company| {
            company.add_note(visit.ids[0], content)
        })
        .ok_or_else(|| not_found("job not found"))?;
    created(&json!({"id": note.id, "content": note.content}))
}

type Noted = (Arc<Job>, Vec<Arc<Note>>);

/// The jobs of a page, each with its notes.
fn with_notes(
    slice: crate::page::Slice<Job>,
    notes: impl Fn(&Job) -> Vec<Arc<Note>>,
) -> crate::page::Slice<Noted> {
    let jobs = slice.items.into_iter();
    let items = jobs.map(|job| {
        let notes = notes(&job);
        Arc::new((job, notes))
    });
    crate::page::Slice {
        items: items.collect(),
        total: slice.total,
    }
}

fn read_fields(form: &mut Form) -> JobFields {
    let mut fields = JobFields {
        invoice_number: form.whole_number("invoice_number"),
        assigned_employee_ids: form.texts("assigned_employee_ids"),
        lead_source: form.text("lead_source"),
        tags: form.texts("tags"),
        ..JobFields::default()
    };
    if let Some(mut part) = form.form("schedule") {
        fields.scheduled_start = read_time(&mut part, "scheduled_start");
        fields.scheduled_end = read_time(&mut part, "scheduled_end");
        if fields.scheduled_start.is_some() != fields.scheduled_end.is_some() {
            part.invalid("scheduled_end", "must come with scheduled_start");
        }
        form.absorb(part);
    }
    fields
}

/// ISO 8601, with or without an offset; kept as it was given.
fn read_time(form: &mut Form, name: &str) -> Option<String> {
    let text = form.text(name)?;
    let is_local = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S").is_ok();
    if !is_local && DateTime::parse_from_rfc3339(&text).is_err() {
        form.invalid(name, "is invalid");
    }
    Some(text)
}

/// What the filter calls the status of a job that nobody has begun.
fn filter_name(job: &Job) -> &'static str {
    match job.fields.scheduled_start {
        Some(_) => "scheduled",
        None => "unscheduled",
    }
}

/// The document's `Job`.
fn present(job: &Job, notes: &[Arc<Note>]) -> Value {
    let mut customer = json!(job.customer.fields);
    customer["id"] = json!(job.customer.id);
    if let Some(customer) = customer.as_object_mut() {
        customer.remove("notes");
    }
    let notes = notes.iter();
    let notes = notes.map(|note| json!({"id": note.id, "content": note.content}));
    let assigned = job.fields.assigned_employee_ids.iter();
    json!({
        "id": job.id,
        "invoice_number": job.number.to_string(),
        "customer": customer,
        "address": job.address,
        "notes": notes.collect::<Vec<_>>(),
        "work_status": match job.fields.scheduled_start {
            Some(_) => "scheduled",
            None => "needs scheduling",
        },
        "schedule": {
            "scheduled_start": job.fields.scheduled_start,
            "scheduled_end": job.fields.scheduled_end,
        },
        "assigned_employees": assigned.map(|_| employee(&job.company)).collect::<Vec<_>>(),
        "tags": job.fields.tags,
        "original_estimate_id": null,
        "lead_source": job.fields.lead_source,
        "created_at": job.created_at,
        "updated_at": job.created_at,
        "company_id": job.company,
        "company_name": display_name(&job.company),
    })
}
