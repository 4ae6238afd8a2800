//! `/api/v1/leads`: making and listing them.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::books::Row;
use super::persons::{line, owner};
use super::presets::{CHANNELS, DEAL_FIELD, LABELS, USER};
use super::problem::{check, form, refused};
use super::{Pipedrive, done, page};
use crate::form::Form;
use crate::routes::{Answer, Visit};

pub(super) fn create(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let mut form = form(visit.call)?;
    let title = line(&mut form, "title");
    let owner = owner(&mut form);
    let person = form.whole_number("person_id");
    if person.is_none() {
        form.missing("person_id");
    }
    let labels = form.texts("label_ids");
    let is_label = |label: &String| LABELS.iter().any(|(id, _)| id == label);
    if !labels.iter().all(is_label) {
        form.invalid("label_ids", "is not a label of the company");
    }
    let channel = form.whole_number("channel");
    let is_channel = |channel: i64| CHANNELS.iter().any(|(id, _)| *id == channel);
    if !channel.is_none_or(is_channel) {
        form.invalid("channel", "is not a channel of the company");
    }
    let origin = form.text("origin_id");
    let channel_id = form.text("channel_id");
    let held = form.text(DEAL_FIELD);
    read_rest(&mut form);
    check(visit.call, form)?;
    let person = person.unwrap_or_default();
    let shown = crm.with(visit.company, |company| {
        if !company.has_person(person) {
            let gone = "Person not found. Please check the person_id.";
            return Err(refused(StatusCode::BAD_REQUEST, gone));
        }
        let id = Uuid::new_v4().to_string();
        let mut row = company.row(vec![format!("person_id={person}")], Value::Null);
        row.shown = json!({
            "id": id, "title": title, "owner_id": owner, "creator_id": USER, "label_ids": labels,
            "person_id": person, "organization_id": null, "source_name": "API", "origin": "API",
            "origin_id": origin, "channel": channel, "channel_id": channel_id, "value": null,
            "was_seen": false, "is_archived": false, "visible_to": "3", "add_time": row.at,
            "update_time": row.at,
        });
        if let Some(text) = held {
            row.shown[DEAL_FIELD] = json!(text);
        }
        let shown = row.shown.clone();
        company.leads.push(id, Arc::new(row));
        Ok(shown)
    })?;
    done(StatusCode::CREATED, &shown)
}

/// What is documented besides, and kept nowhere.
fn read_rest(form: &mut Form) {
    form.whole_number("organization_id");
    form.text("expected_close_date");
    form.text("visible_to");
    form.flag("was_seen");
    if let Some(mut value) = form.form("value") {
        value.number("amount");
        value.required_text("currency");
        value.refuse_rest();
        form.absorb(value);
    }
}

pub(super) fn list(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    listed(crm, visit, |row| !row.is_archived)
}

pub(super) fn list_archived(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    listed(crm, visit, |row| row.is_archived)
}

fn listed(crm: &Pipedrive, visit: &Visit<'_>, shows: fn(&Row) -> bool) -> Answer {
    let mut rows = crm.with(visit.company, |company| {
        page::visible(visit.call, &company.leads)
    });
    rows.retain(|row| shows(row));
    page::of_parent(visit.call, "person_id", &mut rows);
    page::of_v1(visit.call, rows)
}

pub(super) fn show(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let found = crm.with(visit.company, |company| {
        company.leads.get(visit.ids[0]).cloned()
    });
    match found {
        Some(row) => done(StatusCode::OK, &row.shown),
        None => Err(refused(StatusCode::NOT_FOUND, "Lead not found")),
    }
}
