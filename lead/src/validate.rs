//! Judges a payload: known fields by their table, then everything for what cannot be stored.

use std::io;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use crate::faults::{FaultList, PayloadFaults, child, code};
use crate::fields::{Field, Holds, LEAD, Need};
use crate::phone::Reading;
use crate::shapes::Wrong;
use crate::signed;
use crate::strict::{Strict, TWICE};
use crate::warnings::{Remark, Warning, as_given, of_unknown, remark};
use crate::{Lead, LeadEvent};

/// The most bytes of a payload, as compact JSON or as it arrives: 256 KiB.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;
/// How deep objects and arrays may nest; the payload itself is the first level.
pub const MAX_DEPTH: usize = 32;
/// The most values of a payload, objects and arrays among them.
pub const MAX_VALUES: usize = 5_000;
/// How far ahead of its receipt a lead's time may be, for clocks that are wrong.
pub const MAX_AHEAD: TimeDelta = TimeDelta::days(1);
/// The longest key that a pointer repeats; a longer one is reported at the object that holds it.
const MAX_POINTER_KEY_CHARS: usize = 64;

/// Parses the bytes of a payload.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, PayloadFaults> {
    if bytes.len() > MAX_PAYLOAD_BYTES {
        return Err(too_large());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let place = error.valid_up_to();
        PayloadFaults::whole(code::UTF8, format!("must be UTF-8, is not at byte {place}"))
    })?;
    let Strict(payload) = serde_json::from_str(text).map_err(|error| not_json(&error, text))?;
    Ok(payload)
}

fn too_large() -> PayloadFaults {
    let detail = format!("must have at most {MAX_PAYLOAD_BYTES} bytes");
    PayloadFaults::whole(code::TOO_LARGE, detail)
}

fn not_json(error: &serde_json::Error, text: &str) -> PayloadFaults {
    let said = error.to_string();
    let (line, column) = (error.line(), error.column());
    // The parser gives up on deep nesting by itself, and only its text tells that from bad JSON.
    if said.starts_with("recursion limit") {
        return PayloadFaults::whole(code::TOO_DEEP, too_deep());
    }
    if said.starts_with(TWICE) {
        let detail = format!("has a key twice in one object, at line {line}, column {column}");
        return PayloadFaults::whole(code::DUPLICATE_KEY, detail);
    }
    let hint = match holds_several(text) {
        true => {
            "; it holds several values: send an array, or a lead a line as application/x-ndjson"
        }
        false => "",
    };
    PayloadFaults::whole(
        code::JSON,
        format!("is not JSON at line {line}, column {column}{hint}"),
    )
}

/// Whether whole JSON values follow each other.
fn holds_several(text: &str) -> bool {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    matches!((values.next(), values.next()), (Some(Ok(_)), Some(Ok(_))))
}

fn too_deep() -> String {
    format!("must nest at most {MAX_DEPTH} levels deep")
}

/// Turns a parsed payload into a lead, or says everything that makes it useless.
pub(crate) fn read(mut payload: Value, received: DateTime<Utc>) -> Result<Lead, PayloadFaults> {
    if compact_size(&payload) > MAX_PAYLOAD_BYTES {
        return Err(too_large());
    }
    if count(&payload) > MAX_VALUES {
        let detail = format!("must have at most {MAX_VALUES} values");
        return Err(PayloadFaults::whole(code::TOO_MANY_VALUES, detail));
    }
    let mut judge = Judge::default();
    signed::take_out(&mut payload);
    judge.lead(&mut payload, received);
    storable(&payload, "", 1, &mut judge.faults);
    judge.faults.into_result()?;
    let mut lead: Lead = serde_json::from_value(payload)
        .map_err(|_| PayloadFaults::whole(code::SHAPE, "could not be read"))?;
    if lead.timestamp_utc.signed_duration_since(received) > MAX_AHEAD {
        lead.timestamp_utc = received;
        let warning = Warning::new(code::FUTURE, "/timestamp_utc");
        judge.warnings.push(warning);
    }
    lead.warnings = judge.warnings;
    lead.remarks = judge.remarks;
    lead.remarks.extend(of_unknown(&lead));
    Ok(lead)
}

/// Walks the known fields.
#[derive(Default)]
struct Judge {
    /// Whether the lead is to be filed in a CRM.
    to_file: bool,
    faults: FaultList,
    warnings: Vec<Warning>,
    remarks: Vec<Remark>,
}

impl Judge {
    fn lead(&mut self, payload: &mut Value, received: DateTime<Utc>) {
        let Value::Object(fields) = payload else {
            return self.faults.add("", code::TYPE, "must be an object");
        };
        let event = fields.get("event").and_then(Value::as_str);
        self.to_file = event == Some(LeadEvent::Qualified.as_str());
        let nobody = !names_a_way(fields.get("contact"));
        let extension = extension(fields);
        self.object(fields, LEAD, "");
        if nobody {
            let detail = "must hold a number, an e-mail address or an address: there is nobody to \
                          call back";
            self.faults.add("/contact", code::NOBODY, detail);
        }
        self.remarks.extend(extension);
        for name in ["call", "contact", "service_request"] {
            let place = fields.entry(name).or_insert(Value::Null);
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
        }
        let time = fields.entry("timestamp_utc").or_insert(Value::Null);
        if time.is_null() {
            *time = received.to_rfc3339().into();
        }
    }

    fn object(&mut self, object: &mut Map<String, Value>, fields: &[Field], at: &str) {
        for field in fields {
            let at = child(at, field.name);
            match object.get_mut(field.name) {
                None => self.absent(field, &at, code::MISSING, "is required"),
                Some(value) if value.is_null() || is_blank(value) => {
                    let (code, detail) = match value.is_null() {
                        true => (code::MISSING, "is required"),
                        false => (code::EMPTY, "must not be empty"),
                    };
                    self.absent(field, &at, code, detail);
                    *value = Value::Null;
                }
                Some(value) => self.present(field, value, &at),
            }
        }
    }

    fn absent(&mut self, field: &Field, at: &str, code: &'static str, detail: &str) {
        match field.need {
            Need::Always => self.faults.add(at, code, detail),
            Need::ToBeFiled if self.to_file => {
                self.faults
                    .add(at, code, format!("{detail} for lead.qualified"));
            }
            Need::Expected => self
                .warnings
                .push(Warning::new(code::MISSING, at.to_owned())),
            Need::ToBeFiled | Need::RightToBeFiled | Need::Optional => {}
        }
    }

    fn present(&mut self, field: &Field, value: &mut Value, at: &str) {
        match (field.holds, &mut *value) {
            (Holds::Object(fields), Value::Object(object)) => self.object(object, fields, at),
            (Holds::Object(_), _) => {
                let wrong = Wrong::not_an_object();
                self.wrong(field, value, at, wrong);
            }
            (Holds::One(check), given) => match check(given) {
                Ok(Some(tidied)) => *value = tidied,
                Ok(None) => {}
                Err(wrong) => self.wrong(field, value, at, wrong),
            },
        }
    }

    /// Refuses the lead, or keeps what can be used and tells the rest.
    fn wrong(&mut self, field: &Field, value: &mut Value, at: &str, wrong: Wrong) {
        let refuses = match field.need {
            Need::Always => true,
            Need::ToBeFiled => self.to_file,
            Need::RightToBeFiled => self.to_file && !wrong.lossless,
            Need::Expected | Need::Optional => false,
        };
        if refuses {
            return self.faults.add(at, wrong.code, wrong.detail);
        }
        self.warnings.push(Warning::new(wrong.code, at.to_owned()));
        if !wrong.lossless {
            self.remarks.extend(as_given(field.name, value));
        }
        *value = wrong.usable.unwrap_or(Value::Null);
    }
}

/// Whether a contact holds anything by which a person might be reached: whatever is neither a name
/// nor a country, which a program may fill in by itself.
fn names_a_way(contact: Option<&Value>) -> bool {
    match contact {
        Some(Value::Object(fields)) => fields.iter().any(|(key, value)| match key.as_str() {
            "first_name" | "last_name" => false,
            "address" => tells_beside(value, "country"),
            _ => tells(value),
        }),
        Some(other) => tells(other),
        None => false,
    }
}

fn tells_beside(value: &Value, silent: &str) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| key != silent && tells(value)),
        other => tells(other),
    }
}

/// Whether there is a text or a number in it.
fn tells(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(_) => true,
        Value::String(_) => !is_blank(value),
        Value::Array(items) => items.iter().any(tells),
        Value::Object(fields) => fields.values().any(tells),
    }
}

/// The extension of the caller's number, which E.164 has no place for.
fn extension(payload: &Map<String, Value>) -> Option<Remark> {
    match Reading::of(payload.get("contact")?.get("phone")?.as_str()?) {
        Reading::Number {
            extension: Some(extension),
            ..
        } => remark("Phone extension", &extension.into()),
        _ => None,
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// A text with nothing to read in it says as little as null.
fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Finds what the database cannot hold, or what could break a reader, anywhere in the payload.
fn storable(value: &Value, at: &str, depth: usize, faults: &mut FaultList) {
    let nests = value.is_object() || value.is_array();
    if nests && depth > MAX_DEPTH {
        return faults.add(at, code::TOO_DEEP, too_deep());
    }
    if faults.is_full() {
        return;
    }
    match value {
        Value::String(text) if text.contains('\0') => {
            faults.add(at, code::NUL, "must not hold the character NUL");
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                storable(item, &child(at, &index.to_string()), depth + 1, faults);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                storable_field(key, item, at, depth, faults);
            }
        }
        _ => {}
    }
}

fn storable_field(key: &str, item: &Value, at: &str, depth: usize, faults: &mut FaultList) {
    if key.contains('\0') {
        faults.add(at, code::NUL, "must not hold the character NUL in a key");
    }
    // Pointers end up in answers and logs, so a hostile key must not.
    let printable = key.chars().count() <= MAX_POINTER_KEY_CHARS && !key.contains(char::is_control);
    let below = if printable {
        child(at, key)
    } else {
        at.to_owned()
    };
    storable(item, &below, depth + 1, faults);
}

/// The bytes of the value as compact JSON, counted without writing it anywhere.
fn compact_size(value: &Value) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // A JSON value always serializes, and counting never fails.
    serde_json::to_writer(&mut count, value).map_or(usize::MAX, |()| count.0)
}
