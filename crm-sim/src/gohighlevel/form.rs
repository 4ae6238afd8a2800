//! Reading a body: what the specification does not list is refused, in a list of sentences.

use serde_json::Value;

use super::records::{CUSTOM_FIELDS, FieldValue};
use super::refusal::{bad_request, unprocessable};
use crate::call::Call;
use crate::form::{Faults, Form};
use crate::reply::Reply;

pub(super) fn read(call: &Call) -> Result<Form, Reply> {
    Form::of(call).ok_or_else(|| bad_request("Unexpected token in JSON"))
}

/// Everything that is wrong, in one answer; what nobody has read is.
pub(super) fn check(mut form: Form) -> Result<(), Reply> {
    form.refuse_rest();
    form.check()
        .map_err(|faults| unprocessable(&sentences(&faults)))
}

fn sentences(faults: &Faults) -> Vec<String> {
    let all = faults.wrong_types.iter().chain(&faults.invalid);
    all.map(|(path, wrong)| match *wrong {
        "is missing" => format!("{path} should not be empty"),
        "is not a field of this request" => format!("property {path} should not exist"),
        wrong => format!("{path} {wrong}"),
    })
    .collect()
}

/// A number in E.164.
pub(super) fn phone(form: &mut Form, name: &str) -> Option<String> {
    let phone = form.text(name)?;
    let digits = phone.strip_prefix('+').unwrap_or_default();
    let is_one = (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_one {
        form.invalid(name, "must be a valid phone number");
    }
    Some(phone)
}

pub(super) fn email(form: &mut Form, name: &str) -> Option<String> {
    let email = form.text(name)?;
    let parts = email.split_once('@');
    let is_one = parts.is_some_and(|(name, host)| {
        let bare = |part: &str| {
            !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '@')
        };
        bare(name) && bare(host) && host.contains('.')
    });
    if !is_one {
        form.invalid(name, "must be an email");
    }
    Some(email)
}

pub(super) fn country(form: &mut Form, name: &str) -> Option<String> {
    let country = form.text(name)?;
    if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
        form.invalid(name, "must be a valid enum value");
    }
    Some(country)
}

/// Values of custom fields; those of fields that are not there, or are another record's, are dropped.
pub(super) fn custom_fields(form: &mut Form, model: &str) -> Vec<FieldValue> {
    let mut values = Vec::new();
    for mut part in form.forms("customFields") {
        let id = part.text("id").or_else(|| part.text("key"));
        let value = part.text("field_value");
        part.refuse_rest();
        form.absorb(part);
        let is_there = |id: &String| {
            let mut fields = CUSTOM_FIELDS.iter();
            fields.any(|(known, _, _, whose)| known == id && *whose == model)
        };
        if let Some(id) = id.filter(is_there) {
            let value = value.map_or(Value::Null, Value::from);
            values.push(FieldValue { id, value });
        }
    }
    values
}
