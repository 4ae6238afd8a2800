//! `/api/v2/persons`: making, listing and searching them.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::books::Row;
use super::page::{self, MOST_FOUND};
use super::presets::{self, PERSON_FIELD, USER};
use super::problem::{check, form, invalid, refused};
use super::{Pipedrive, done};
use crate::form::Form;
use crate::routes::{Answer, Visit};

/// The longest name and the longest single line.
pub(super) const LONGEST: usize = 255;

pub(super) fn create(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let mut form = form(visit.call)?;
    let name = line(&mut form, "name");
    let owner = owner(&mut form);
    let phones = contacts(&mut form, "phones", |text| {
        text.contains(|c: char| c.is_ascii_digit())
    });
    let emails = contacts(&mut form, "emails", |text| {
        text.contains('@') && !text.contains(char::is_whitespace)
    });
    for name in ["org_id", "visible_to"] {
        form.whole_number(name);
    }
    form.whole_numbers("label_ids");
    let fields = custom_fields(&mut form, PERSON_FIELD);
    check(visit.call, form)?;
    let shown = crm.with(visit.company, |company| {
        let id = company.next_id();
        let mut row = company.row(Vec::new(), Value::Null);
        row.shown = json!({
            "id": id, "name": name, "owner_id": owner, "org_id": null, "phones": phones,
            "emails": emails, "is_deleted": false, "label_ids": [], "custom_fields": fields,
            "add_time": row.at, "update_time": row.at,
        });
        let shown = row.shown.clone();
        company.persons.push(id.to_string(), Arc::new(row));
        shown
    });
    done(StatusCode::OK, &shown)
}

pub(super) fn list(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let rows = crm.with(visit.company, |company| {
        page::visible(visit.call, &company.persons)
    });
    page::of_v2(visit.call, rows)
}

pub(super) fn show(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let found = crm.with(visit.company, |company| {
        company.persons.get(visit.ids[0]).cloned()
    });
    match found.filter(|row| !row.is_deleted) {
        Some(row) => done(StatusCode::OK, &row.shown),
        None => Err(refused(StatusCode::NOT_FOUND, "Person not found")),
    }
}

/// `term`, in `fields`, with `exact_match` or at the beginning of a word.
pub(super) fn search(crm: &Pipedrive, visit: &Visit<'_>) -> Answer {
    let call = visit.call;
    let exact = match call.parameter("exact_match").unwrap_or("false") {
        "true" | "1" => true,
        "false" | "0" => false,
        _ => return Err(invalid(call, "exact_match: is not a boolean")),
    };
    let term = call.parameter("term").unwrap_or_default().to_lowercase();
    if term.chars().count() < if exact { 1 } else { 2 } {
        return Err(invalid(call, "term: is too short"));
    }
    let fields = call.parameter("fields").unwrap_or("name,phone,email");
    let fields: Vec<&str> = fields.split(',').collect();
    let known = ["name", "phone", "email", "notes", "custom_fields"];
    if fields.iter().any(|field| !known.contains(field)) {
        return Err(invalid(call, "fields: is not a list of fields"));
    }
    let rows = crm.with(visit.company, |company| {
        page::visible(call, &company.persons)
    });
    let found: Vec<Value> = rows
        .iter()
        .filter(|row| {
            texts(row, &fields)
                .iter()
                .any(|text| meets(text, &term, exact))
        })
        .map(|row| hit(row))
        .collect();
    let (items, next) = page::cut(call, &found, MOST_FOUND)?;
    page::listed(&json!({"items": items}), next.as_deref())
}

fn meets(text: &str, term: &str, exact: bool) -> bool {
    let text = text.to_lowercase();
    if exact {
        return text == *term;
    }
    let mut places = text.match_indices(term);
    places.any(|(place, _)| !text[..place].ends_with(char::is_alphanumeric))
}

fn texts(row: &Row, fields: &[&str]) -> Vec<String> {
    let values = |name: &str| -> Vec<String> {
        let list = row.shown[name].as_array().into_iter().flatten();
        list.filter_map(|contact| Some(contact["value"].as_str()?.to_owned()))
            .collect()
    };
    let mut texts = Vec::new();
    for field in fields {
        match *field {
            "phone" => texts.extend(values("phones")),
            "email" => texts.extend(values("emails")),
            "name" => texts.extend(row.shown["name"].as_str().map(str::to_owned)),
            "custom_fields" => {
                let held = row.shown["custom_fields"].as_object().into_iter().flatten();
                texts.extend(held.filter_map(|(_, value)| value.as_str().map(str::to_owned)));
            }
            _ => {}
        }
    }
    texts
}

/// A search shows texts where a list shows objects.
fn hit(row: &Row) -> Value {
    json!({
        "result_score": 0.5,
        "item": {
            "id": row.shown["id"], "type": "person", "name": row.shown["name"],
            "phones": texts(row, &["phone"]), "emails": texts(row, &["email"]),
            "visible_to": 3, "owner": {"id": row.shown["owner_id"]}, "organization": null,
            "custom_fields": texts(row, &["custom_fields"]), "notes": [],
        },
    })
}

/// A line that must be there and may not be too long.
pub(super) fn line(form: &mut Form, name: &str) -> String {
    let text = form.required_text(name);
    if text.chars().count() > LONGEST {
        form.invalid(name, "is too long");
    }
    text
}

/// The owner, who must be a user; the one behind the credential where none is named.
pub(super) fn owner(form: &mut Form) -> i64 {
    let owner = form.whole_number("owner_id").unwrap_or(USER);
    if !presets::is_user(owner) {
        form.invalid("owner_id", "is not a user of the company");
    }
    owner
}

/// `custom_fields`, of which a company has one that holds text.
pub(super) fn custom_fields(form: &mut Form, known: &str) -> Map<String, Value> {
    let mut held = Map::new();
    if let Some(mut fields) = form.form("custom_fields") {
        held.extend(
            fields
                .text(known)
                .map(|text| (known.to_owned(), json!(text))),
        );
        fields.refuse_rest();
        form.absorb(fields);
    }
    held
}

fn contacts(form: &mut Form, name: &str, is_one: fn(&str) -> bool) -> Vec<Value> {
    let mut contacts = Vec::new();
    for mut part in form.forms(name) {
        let value = part.required_text("value");
        if !is_one(&value) || value.chars().count() > LONGEST {
            part.invalid("value", "is not acceptable");
        }
        let primary = part.flag("primary").unwrap_or(false);
        let label = part.text("label").unwrap_or_else(|| "work".to_owned());
        part.refuse_rest();
        form.absorb(part);
        contacts.push(json!({"value": value, "primary": primary, "label": label}));
    }
    contacts
}
