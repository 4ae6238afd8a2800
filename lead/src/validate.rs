//! Judges a payload: known fields by their table, then everything for what cannot be stored.

use std::io;

use serde_json::{Map, Value};

use crate::faults::{FaultList, PayloadFaults, child, code};
use crate::fields::{Field, Holds, LEAD, Need};
use crate::{Lead, LeadEvent};

/// The most bytes of a payload, as compact JSON or as it arrives: 256 KiB.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;
/// How deep objects and arrays may nest; the payload itself is the first level.
pub const MAX_DEPTH: usize = 32;
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
    serde_json::from_str(text).map_err(|error| not_json(&error))
}

fn too_large() -> PayloadFaults {
    let detail = format!("must have at most {MAX_PAYLOAD_BYTES} bytes");
    PayloadFaults::whole(code::TOO_LARGE, detail)
}

fn not_json(error: &serde_json::Error) -> PayloadFaults {
    // The parser gives up on deep nesting by itself, and only its text tells that from bad JSON.
    if error.to_string().starts_with("recursion limit") {
        return PayloadFaults::whole(code::TOO_DEEP, too_deep());
    }
    let (line, column) = (error.line(), error.column());
    PayloadFaults::whole(
        code::JSON,
        format!("is not JSON at line {line}, column {column}"),
    )
}

fn too_deep() -> String {
    format!("must nest at most {MAX_DEPTH} levels deep")
}

/// Turns a parsed payload into a lead, or says everything that is wrong with it.
pub(crate) fn read(mut payload: Value) -> Result<Lead, PayloadFaults> {
    if compact_size(&payload) > MAX_PAYLOAD_BYTES {
        return Err(too_large());
    }
    let mut faults = FaultList::default();
    match &mut payload {
        Value::Object(fields) => {
            let to_file =
                fields.get("event").and_then(Value::as_str) == Some(LeadEvent::Qualified.as_str());
            Judge {
                to_file,
                faults: &mut faults,
            }
            .object(fields, LEAD, "");
        }
        _ => faults.add("", code::TYPE, "must be an object"),
    }
    storable(&payload, "", 1, &mut faults);
    faults.into_result()?;
    serde_json::from_value(payload)
        .map_err(|_| PayloadFaults::whole(code::SHAPE, "could not be read"))
}

/// Walks the known fields.
struct Judge<'f> {
    /// Whether the lead is to be filed in a CRM.
    to_file: bool,
    faults: &'f mut FaultList,
}

impl Judge<'_> {
    fn object(&mut self, object: &mut Map<String, Value>, fields: &[Field], at: &str) {
        for field in fields {
            let at = child(at, field.name);
            match object.get_mut(field.name) {
                None | Some(Value::Null) => self.absent(field, &at, code::MISSING, "is required"),
                Some(value) if is_blank(value) => {
                    self.absent(field, &at, code::EMPTY, "must not be empty");
                    *value = Value::Null;
                }
                Some(value) => self.present(field, value, &at),
            }
        }
    }

    fn absent(&mut self, field: &Field, at: &str, code: &'static str, detail: &str) {
        match field.need {
            Need::Required => self.faults.add(at, code, detail),
            Need::ToBeFiled if self.to_file => {
                self.faults
                    .add(at, code, format!("{detail} for lead.qualified"));
            }
            Need::ToBeFiled | Need::Optional => {}
        }
    }

    fn present(&mut self, field: &Field, value: &mut Value, at: &str) {
        match (field.holds, value) {
            (Holds::Object(fields), Value::Object(object)) => self.object(object, fields, at),
            (Holds::Object(_), _) => self.faults.add(at, code::TYPE, "must be an object"),
            (Holds::One(check), value) => {
                if let Err((code, detail)) = check(value) {
                    self.faults.add(at, code, detail);
                }
            }
        }
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
