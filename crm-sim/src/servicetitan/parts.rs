//! Parts that several bodies share: addresses, contacts, external data, references.

use serde_json::{Value, json};
use uuid::Uuid;

use super::presets::Preset;
use super::record::{Draft, External};
use crate::form::Form;

pub(super) const PRIORITIES: &[&str] = &["Low", "Normal", "High", "Urgent"];
pub(super) const CUSTOMER_TYPES: &[&str] = &["Residential", "Commercial"];
const CONTACT_TYPES: &[&str] = &["Phone", "MobilePhone", "Email", "Fax"];

/// An address; given at all, it must be whole.
pub(super) fn address(form: &mut Form, name: &str) -> Option<Value> {
    let mut part = form.form(name)?;
    let address = json!({
        "street": part.required_text("street"),
        "unit": part.text("unit"),
        "city": part.required_text("city"),
        "state": part.required_text("state"),
        "zip": part.required_text("zip"),
        "country": part.required_text("country"),
        "latitude": part.number("latitude"),
        "longitude": part.number("longitude"),
    });
    done(form, part);
    Some(address)
}

/// An address that must be there.
pub(super) fn required_address(form: &mut Form, name: &str) -> Option<Value> {
    form.require(name);
    address(form, name)
}

/// The contacts in a body.
pub(super) fn contacts(form: &mut Form) -> Vec<Draft> {
    let mut contacts = Vec::new();
    for mut part in form.forms("contacts") {
        contacts.push(contact(&mut part));
        done(form, part);
    }
    contacts
}

/// One contact: numbers are ten digits, an e-mail address has its sign.
pub(super) fn contact(form: &mut Form) -> Draft {
    form.require("type");
    let kind = form.one_of("type", CONTACT_TYPES);
    let value = form.required_text("value");
    let is_number = value.len() == 10 && value.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match kind {
        Some("Email") => value.contains('@'),
        Some(_) => is_number,
        None => true,
    };
    if !fits && !value.is_empty() {
        form.invalid("value", "is not valid for its type");
    }
    Draft::of(json!({"type": kind, "value": value, "memo": form.text("memo")}))
}

/// External data: a guid and a list of keys with values.
pub(super) fn external(form: &mut Form) -> Option<External> {
    let mut part = form.form("externalData")?;
    let application = part.required_text("applicationGuid");
    if !application.is_empty() && Uuid::try_parse(&application).is_err() {
        part.invalid("applicationGuid", "is not a guid");
    }
    part.require("externalData");
    let mut items = Vec::new();
    for mut item in part.forms("externalData") {
        items.push((item.required_text("key"), item.required_text("value")));
        done(&mut part, item);
    }
    done(form, part);
    Some(External { application, items })
}

/// The id of a preset that is there and active.
pub(super) fn reference(form: &mut Form, name: &str, presets: &[Preset]) -> Option<i64> {
    let id = form.whole_number(name)?;
    let is_there = presets
        .iter()
        .any(|preset| preset.id == id && preset.active);
    if !is_there {
        form.invalid(name, "does not exist or is not active");
    }
    Some(id)
}

/// Ids of presets that are all there and active.
pub(super) fn references(form: &mut Form, name: &str, presets: &[Preset]) -> Vec<i64> {
    let ids = form.whole_numbers(name);
    let is_there = |id: &i64| {
        let mut known = presets.iter();
        known.any(|preset| preset.id == *id && preset.active)
    };
    if !ids.iter().all(is_there) {
        form.invalid(name, "does not exist or is not active");
    }
    ids
}

/// Custom fields cannot be set up here, so a body that brings any is refused.
pub(super) fn no_custom_fields(form: &mut Form) {
    if !form.forms("customFields").is_empty() {
        form.invalid("customFields", "does not exist or is not active");
    }
}

/// Ends the reading of a part, which may have no other fields.
pub(super) fn done(form: &mut Form, mut part: Form) {
    part.refuse_rest();
    form.absorb(part);
}
