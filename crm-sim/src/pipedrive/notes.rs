//! `/api/v1/notes`: making and listing them.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::books::{Company, is_there};
use super::presets::USER;
use super::problem::{check, form, refused};
use super::{Pipedrive, done, html, page};
use crate::form::Form;
use crate::routes::{Answer, Visit};

/// What a note can be on.
const PARENTS: [&str; 4] = ["lead_id", "deal_id", "person_id", "org_id"];

pub(super) fn create(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let mut form = form(visit.call)?;
    let content = form.required_text("content");
    let lead = form.text("lead_id");
    let deal = form.whole_number("deal_id");
    let person = form.whole_number("person_id");
    if lead.is_none() && deal.is_none() && person.is_none() {
        form.missing("lead_id");
    }
    let pinned = [
        pin(&mut form, "pinned_to_lead_flag", lead.is_some()),
        pin(&mut form, "pinned_to_deal_flag", deal.is_some()),
    ];
    check(visit.call, form)?;
    let shown = crm.with(visit.company, |company| {
        if let Some(gone) = absent(company, (lead.as_deref(), deal, person)) {
            return Err(refused(StatusCode::NOT_FOUND, gone));
        }
        let id = company.next_id();
        let on = [
            lead.clone().map(|id| format!("lead_id={id}")),
            deal.map(|id| format!("deal_id={id}")),
            person.map(|id| format!("person_id={id}")),
        ];
        let mut row = company.row(on.into_iter().flatten().collect(), Value::Null);
        row.shown = json!({
            "id": id, "content": content, "lead_id": lead, "deal_id": deal, "person_id": person,
            "org_id": null, "user_id": USER, "active_flag": true,
            "pinned_to_lead_flag": pinned[0], "pinned_to_deal_flag": pinned[1],
            "add_time": row.at.format("%Y-%m-%d %H:%M:%S").to_string(),
        });
        row.kept = json!({"text": html::read(&content)});
        let shown = row.shown.clone();
        company.notes.push(id.to_string(), Arc::new(row));
        Ok(shown)
    })?;
    done(StatusCode::OK, &shown)
}

/// A flag is 0 or 1, and pins to nothing but what the note is on.
fn pin(form: &mut Form, name: &str, is_on: bool) -> bool {
    match form.whole_number(name) {
        None | Some(0) => false,
        Some(1) if is_on => true,
        Some(_) => {
            form.invalid(name, "is not acceptable");
            false
        }
    }
}

fn absent(
    company: &Company,
    (lead, deal, person): (Option<&str>, Option<i64>, Option<i64>),
) -> Option<&'static str> {
    if lead.is_some_and(|id| !is_there(&company.leads, id)) {
        return Some("Lead not found");
    }
    if deal.is_some_and(|id| !is_there(&company.deals, &id.to_string())) {
        return Some("Deal not found");
    }
    let is_gone = person.is_some_and(|id| !company.has_person(id));
    is_gone.then_some("Person not found")
}

pub(super) fn list(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let mut rows = crm.with(visit.company, |company| {
        page::visible(visit.call, &company.notes)
    });
    for parent in PARENTS {
        page::of_parent(visit.call, parent, &mut rows);
    }
    page::of_v1(visit.call, rows)
}
