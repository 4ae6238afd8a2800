//! `/jpm/v2/tenant/{tenant}/jobs`: work that has an appointment.

use std::sync::Arc;

use serde_json::{Value, json};

use super::books::Company;
use super::customers::must_exist;
use super::listing::{Listing, application, read_choice, read_number};
use super::locations::must_belong;
use super::parts::{PRIORITIES, done, external, no_custom_fields, reference, references};
use super::presets::{BUSINESS_UNITS, CAMPAIGNS, JOB_TYPES, TAG_TYPES, units_of};
use super::problem::{check, not_found, read};
use super::record::{Draft, Record};
use super::{ServiceTitan, ok, path_id};
use crate::form::Form;
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

const STATUSES: [&str; 7] = [
    "",
    "Scheduled",
    "Dispatched",
    "InProgress",
    "Hold",
    "Completed",
    "Canceled",
];

/// Filters that compare one id.
const BY_ID: [&str; 5] = [
    "locationId",
    "jobTypeId",
    "campaignId",
    "businessUnitId",
    "bookingId",
];

pub(super) fn list(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let listing = Listing::read(visit.call)?;
    let customer = read_number(visit.call, "customerId")?;
    let status = read_choice(visit.call, "jobStatus", &STATUSES)?;
    let number = visit.call.parameter("number");
    let mut ids = Vec::new();
    for name in BY_ID {
        if let Some(id) = read_number(visit.call, name)? {
            ids.push((name, id));
        }
    }
    let slice = crm.with(visit.company, |company| {
        let mut found = match customer {
            Some(customer) => company.jobs.of(customer),
            None => company.jobs.all(),
        };
        found.retain(|job| {
            (status.is_empty() || job.text("jobStatus") == Some(status))
                && number.is_none_or(|number| job.text("jobNumber") == Some(number))
                && ids.iter().all(|(name, id)| job.number(name) == Some(*id))
        });
        listing.cut(found)
    });
    ok(&listing.show(&slice))
}

pub(super) fn show(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let application = application(visit.call)?;
    let id = path_id(visit, 1)?;
    let job = crm.with(visit.company, |company| {
        company.jobs.records.get(&id).cloned()
    });
    ok(&job.ok_or_else(|| not_found("The job"))?.show(application))
}

pub(super) fn create(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let mut form = read(visit.call)?;
    let draft = read_job(&mut form);
    check(form)?;
    let number = |name: &str| draft.fields[name].as_i64().unwrap_or_default();
    let (customer, location) = (number("customerId"), number("locationId"));
    let job = crm.with(visit.company, |company| {
        must_exist(company, customer)?;
        must_belong(company, location, Some(customer))?;
        Ok::<_, Reply>(file(company, draft, customer))
    });
    ok(&show_created(&*job?))
}

/// Files a job of a customer under the company's next number.
pub(super) fn file(company: &mut Company, mut draft: Draft, customer: i64) -> Arc<Record> {
    let number = company.jobs.records.all().len() + 1;
    let appointments = draft.kept.get("appointments").and_then(Value::as_array);
    let count = appointments.map_or(0, Vec::len);
    for (name, value) in [
        ("customerId", json!(customer)),
        ("jobNumber", json!(number.to_string())),
        ("appointmentCount", json!(count)),
    ] {
        draft.fields.insert(name.to_owned(), value);
    }
    let job = company.record(draft);
    company.jobs.add(Arc::clone(&job), Some(customer));
    job
}

fn read_job(form: &mut Form) -> Draft {
    for name in ["customerId", "locationId", "businessUnitId", "jobTypeId"] {
        form.require(name);
    }
    for name in ["priority", "campaignId", "appointments"] {
        form.require(name);
    }
    no_custom_fields(form);
    let appointments = read_appointments(form);
    let (unit, job_type) = read_unit_and_type(form);
    Draft::of(json!({
        "jobStatus": "Scheduled",
        "customerId": form.whole_number("customerId"),
        "locationId": form.whole_number("locationId"),
        "businessUnitId": unit,
        "jobTypeId": job_type,
        "priority": form.one_of("priority", PRIORITIES),
        "campaignId": reference(form, "campaignId", CAMPAIGNS),
        "summary": form.text("summary"),
        "tagTypeIds": references(form, "tagTypeIds", TAG_TYPES),
        "customerPo": form.text("customerPo"),
        "customFields": [],
        "bookingId": null,
        "completedOn": null,
        "noCharge": false,
        "notificationsEnabled": true,
    }))
    .keeping(json!({"appointments": appointments}))
    .with_external(external(form))
}

/// Both ids, of which the unit must do jobs of the type.
fn read_unit_and_type(form: &mut Form) -> (Option<i64>, Option<i64>) {
    let unit = reference(form, "businessUnitId", BUSINESS_UNITS);
    let job_type = reference(form, "jobTypeId", JOB_TYPES);
    if let (Some(unit), Some(job_type)) = (unit, job_type)
        && !units_of(job_type).contains(&unit)
    {
        form.invalid("jobTypeId", "is not one of the business unit's");
    }
    (unit, job_type)
}

/// At least one, each with a start before its end and nobody sent yet.
fn read_appointments(form: &mut Form) -> Vec<Value> {
    let is_list = form.is_list("appointments");
    let mut appointments = Vec::new();
    for mut part in form.forms("appointments") {
        part.require("start");
        part.require("end");
        let (start, end) = (part.time("start"), part.time("end"));
        if start.zip(end).is_some_and(|(start, end)| start >= end) {
            part.invalid("end", "must be after the start");
        }
        if !part.whole_numbers("technicianIds").is_empty() {
            part.invalid("technicianIds", "does not exist or is not active");
        }
        let window = [
            part.time("arrivalWindowStart"),
            part.time("arrivalWindowEnd"),
        ];
        appointments.push(json!({"start": start, "end": end,
            "arrivalWindowStart": window[0], "arrivalWindowEnd": window[1]}));
        done(form, part);
    }
    if is_list && appointments.is_empty() {
        form.invalid("appointments", "must hold at least one");
    }
    appointments
}

fn show_created(job: &Record) -> Value {
    let theirs = job.external.as_ref();
    job.show(theirs.map(|external| external.application.as_str()))
}
