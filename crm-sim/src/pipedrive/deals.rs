//! `/api/v2/deals`: making and listing them.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::books::Row;
use super::persons::{custom_fields, line, owner};
use super::presets::{DEAL_FIELD, PIPELINES, USER, first_stage, pipeline_of};
use super::problem::{check, form, invalid, refused};
use super::{Pipedrive, done, page};
use crate::form::Form;
use crate::routes::{Answer, Visit};

pub(super) fn create(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let mut form = form(visit.call)?;
    let title = line(&mut form, "title");
    let owner = owner(&mut form);
    let person = form.whole_number("person_id");
    let (pipeline, stage) = place(&mut form);
    let fields = custom_fields(&mut form, DEAL_FIELD);
    for name in ["org_id", "visible_to"] {
        form.whole_number(name);
    }
    form.whole_numbers("label_ids");
    form.number("value");
    for name in ["currency", "status", "expected_close_date"] {
        form.text(name);
    }
    check(visit.call, form)?;
    let shown = crm.with(visit.company, |company| {
        if person.is_some_and(|person| !company.has_person(person)) {
            return Err(invalid(visit.call, "person_id: was not found"));
        }
        let id = company.next_id();
        let parents = person.map(|person| format!("person_id={person}"));
        let mut row = company.row(parents.into_iter().collect(), Value::Null);
        row.shown = json!({
            "id": id, "title": title, "owner_id": owner, "creator_user_id": USER,
            "person_id": person, "org_id": null, "pipeline_id": pipeline, "stage_id": stage,
            "value": 0, "currency": "USD", "status": "open", "is_deleted": false,
            "is_archived": false, "origin": "API", "origin_id": null, "custom_fields": fields,
            "add_time": row.at, "update_time": row.at,
        });
        let shown = row.shown.clone();
        company.deals.push(id.to_string(), Arc::new(row));
        Ok(shown)
    })?;
    done(StatusCode::OK, &shown)
}

/// Pipeline and stage: each must be there, and the stage the pipeline's. What is not said is the first.
fn place(form: &mut Form) -> (i64, i64) {
    let (pipeline, stage) = (
        form.whole_number("pipeline_id"),
        form.whole_number("stage_id"),
    );
    let of_stage = stage.and_then(pipeline_of);
    let pipeline_or_first = pipeline.or(of_stage).unwrap_or(PIPELINES[0].0);
    let first = first_stage(pipeline_or_first);
    if first.is_none() {
        form.invalid("pipeline_id", "is not a pipeline of the company");
    }
    if stage.is_some() && of_stage != Some(pipeline_or_first) {
        form.invalid("stage_id", "is not a stage of the pipeline");
    }
    (pipeline_or_first, stage.or(first).unwrap_or_default())
}

pub(super) fn list(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    listed(crm, visit, |row| !row.is_archived)
}

pub(super) fn list_archived(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    listed(crm, visit, |row| row.is_archived)
}

fn listed(crm: &Pipedrive, visit: &Visit<'_>, shows: fn(&Row) -> bool) -> Answer {
    let mut rows = crm.with(visit.company, |company| {
        page::visible(visit.call, &company.deals)
    });
    rows.retain(|row| shows(row));
    page::of_parent(visit.call, "person_id", &mut rows);
    page::of_v2(visit.call, rows)
}

pub(super) fn show(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let found = crm.with(visit.company, |company| {
        company.deals.get(visit.ids[0]).cloned()
    });
    match found {
        Some(row) => done(StatusCode::OK, &row.shown),
        None => Err(refused(StatusCode::NOT_FOUND, "Deal not found")),
    }
}
