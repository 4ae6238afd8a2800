//! Reading what is written: the secret first, then each field.

use chrono::NaiveDateTime;
use serde_json::{Map, Value};

use super::books::TIME;
use super::problem::{flagged, of_faults, problem};
use crate::form::Form;
use crate::reply::Reply;
use crate::routes::Visit;

/// The longest note that is kept, in characters.
const MAX_NOTES: usize = 5_000;

/// What must be there, called required by the document.
const REQUIRED: [&str; 9] = [
    "LeadDateTime",
    "Phone",
    "Email",
    "FirstName",
    "LastName",
    "Address",
    "City",
    "State",
    "PostalCode",
];

/// What must say something.
const SAYING: [&str; 6] = [
    "FirstName",
    "LastName",
    "Address",
    "City",
    "State",
    "PostalCode",
];

/// What may be there.
const OPTIONAL: [&str; 7] = [
    "Country",
    "Unit",
    "Company",
    "JobType",
    "JobSource",
    "ServiceArea",
    "ReferralCompany",
];

/// A lead as it was written.
pub(super) struct NewLead {
    pub(super) client_id: Option<i64>,
    pub(super) time: NaiveDateTime,
    pub(super) fields: Map<String, Value>,
}

/// The body of a write whose secret is the company's.
pub(super) fn read(visit: &Visit<'_>) -> Result<Form, Reply> {
    let form = Form::of(visit.call);
    let mut form = form.ok_or_else(|| problem(400, "The body is no JSON object", &[]))?;
    match form.text("auth_secret") {
        Some(secret) if secret == format!("sec_{}", visit.company) => Ok(form),
        Some(_) => Err(problem(401, "auth_secret is not valid", &[])),
        None => Err(problem(401, "auth_secret is missing", &[])),
    }
}

/// All fields of a new lead.
pub(super) fn lead(mut form: Form) -> Result<NewLead, Reply> {
    for name in REQUIRED {
        if !form.has(name) {
            form.missing(name);
        }
    }
    let mut fields = Map::new();
    let client_id = form.whole_number("ClientId");
    let time = form.text("LeadDateTime").unwrap_or_default();
    let end = form.text("LeadEndDateTime");
    let phone = form.phone("Phone").unwrap_or_default();
    fields.insert("Phone".into(), phone.into());
    let email = form.text("Email").unwrap_or_default();
    if !email.is_empty() && !email.contains('@') {
        form.invalid("Email", "is not an e-mail address");
    }
    fields.insert("Email".into(), email.into());
    for name in SAYING {
        let text = form.required_text(name);
        fields.insert(name.into(), without_tags(&text).into());
    }
    for name in OPTIONAL {
        let text = form.text(name).unwrap_or_default();
        fields.insert(name.into(), without_tags(&text).into());
    }
    fields.insert("LeadNotes".into(), notes(&mut form).into());
    form.check().map_err(|faults| of_faults(&faults))?;
    let time = parse(&time).ok_or_else(|| flagged("LeadDateTime is not valid"))?;
    if let Some(end) = end {
        let end_time = parse(&end).filter(|end| *end >= time);
        end_time.ok_or_else(|| flagged("LeadEndDateTime is not valid"))?;
        fields.insert("LeadEndDateTime".into(), end.into());
    }
    Ok(NewLead {
        client_id,
        time,
        fields,
    })
}

/// What an update replaces: texts by their names.
pub(super) fn changes(mut form: Form) -> Result<Value, Reply> {
    let mut changes = Map::new();
    for name in SAYING.into_iter().chain(OPTIONAL).chain(["Status"]) {
        if let Some(text) = form.text(name) {
            changes.insert(name.into(), without_tags(&text).into());
        }
    }
    if form.has("LeadNotes") {
        changes.insert("LeadNotes".into(), notes(&mut form).into());
    }
    form.check().map_err(|faults| of_faults(&faults))?;
    Ok(Value::Object(changes))
}

fn notes(form: &mut Form) -> String {
    let notes = form.text("LeadNotes").unwrap_or_default();
    without_tags(&notes).chars().take(MAX_NOTES).collect()
}

fn parse(time: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(time, TIME).ok()
}

/// The text without tags, and without what follows one that is not closed.
fn without_tags(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        kept.push_str(before);
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}
