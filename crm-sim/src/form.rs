//! Reading a JSON body field by field, collecting everything that is wrong with it.
//!
//! Fields that nobody asks for are ignored, and a blank text counts as absent. How a CRM words its
//! refusal is its own: it turns [`Faults`] into an answer.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::call::Call;

/// What is wrong with a body, by the path of the field: `locations[0].address.zip`.
#[derive(Default)]
pub(crate) struct Faults {
    /// Absent, or of another type than documented.
    pub(crate) wrong_types: BTreeMap<String, &'static str>,
    /// Of the right type, with a value that cannot stand.
    pub(crate) invalid: BTreeMap<String, &'static str>,
}

/// A body, or an object within it, that is being read.
#[derive(Default)]
pub(crate) struct Form {
    fields: Map<String, Value>,
    prefix: String,
    faults: Faults,
}

impl Form {
    /// The body of a request; `None` if it is not a JSON object.
    pub(crate) fn of(call: &Call) -> Option<Self> {
        let fields = call.object()?;
        Some(Self {
            fields,
            ..Self::default()
        })
    }

    /// A text that must be there; empty if it is not, and that is noted.
    pub(crate) fn required_text(&mut self, name: &str) -> String {
        let text = self.text(name);
        if text.is_none() {
            self.faults
                .wrong_types
                .entry(self.path(name))
                .or_insert("is missing");
        }
        text.unwrap_or_default()
    }

    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.fields.remove(name)? {
            Value::String(text) => (!text.trim().is_empty()).then_some(text),
            other => self.mistyped(name, &other, "must be a string"),
        }
    }

    /// Exactly ten digits.
    pub(crate) fn phone(&mut self, name: &str) -> Option<String> {
        let digits = self.text(name)?;
        if digits.len() != 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            self.invalid(name, "is invalid");
        }
        Some(digits)
    }

    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.fields.remove(name)? {
            Value::Bool(flag) => Some(flag),
            other => self.mistyped(name, &other, "must be a boolean"),
        }
    }

    pub(crate) fn whole_number(&mut self, name: &str) -> Option<i64> {
        let value = self.fields.remove(name)?;
        value
            .as_i64()
            .or_else(|| self.mistyped(name, &value, "must be an integer"))
    }

    /// A text that is one of a closed set, in exactly these letters.
    pub(crate) fn one_of(&mut self, name: &str, allowed: &[&'static str]) -> Option<&'static str> {
        let text = self.text(name)?;
        let known = allowed.iter().copied().find(|known| *known == text);
        if known.is_none() {
            self.invalid(name, "is not a known value");
        }
        known
    }

    /// A point in time in RFC 3339.
    pub(crate) fn time(&mut self, name: &str) -> Option<DateTime<Utc>> {
        let text = self.text(name)?;
        let time = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc());
        if time.is_err() {
            self.invalid(name, "is not a date and time");
        }
        time.ok()
    }

    /// An array of whole numbers.
    pub(crate) fn whole_numbers(&mut self, name: &str) -> Vec<i64> {
        let items = self.array(name);
        let numbers: Option<Vec<i64>> = items.iter().map(Value::as_i64).collect();
        numbers.unwrap_or_else(|| {
            self.faults
                .wrong_types
                .insert(self.path(name), "must be an array of integers");
            Vec::new()
        })
    }

    /// A number with or without a fraction.
    pub(crate) fn number(&mut self, name: &str) -> Option<f64> {
        let value = self.fields.remove(name)?;
        value
            .as_f64()
            .or_else(|| self.mistyped(name, &value, "must be a number"))
    }

    /// The names of the fields that are still to be read.
    pub(crate) fn names(&self) -> Vec<String> {
        self.fields.keys().cloned().collect()
    }

    /// Whether the field is an array; it can still be read.
    pub(crate) fn is_list(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(Value::is_array)
    }

    /// Whether the field was given at all, null or not; it can still be read.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    pub(crate) fn texts(&mut self, name: &str) -> Vec<String> {
        let items = self.array(name);
        let texts: Option<Vec<String>> = items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect();
        texts.unwrap_or_else(|| {
            self.faults
                .wrong_types
                .insert(self.path(name), "must be an array of strings");
            Vec::new()
        })
    }

    /// An object, to be read and given back to [`Form::absorb`].
    pub(crate) fn form(&mut self, name: &str) -> Option<Self> {
        let value = self.fields.remove(name)?;
        self.nested(name, value)
    }

    /// An array of objects, each to be read and given back to [`Form::absorb`].
    pub(crate) fn forms(&mut self, name: &str) -> Vec<Self> {
        let items = self.array(name);
        items
            .into_iter()
            .enumerate()
            .filter_map(|(place, item)| self.nested(&format!("{name}[{place}]"), item))
            .collect()
    }

    /// Takes over what is wrong with a part.
    pub(crate) fn absorb(&mut self, part: Self) {
        self.faults.wrong_types.extend(part.faults.wrong_types);
        self.faults.invalid.extend(part.faults.invalid);
    }

    /// Notes that a field is needed and absent.
    pub(crate) fn missing(&mut self, name: &str) {
        self.faults
            .wrong_types
            .insert(self.path(name), "is missing");
    }

    /// Notes that a field's value cannot stand.
    pub(crate) fn invalid(&mut self, name: &str, wrong: &'static str) {
        self.faults.invalid.insert(self.path(name), wrong);
    }

    /// Notes that a field is needed if it is absent or null; it can still be read.
    pub(crate) fn require(&mut self, name: &str) {
        if self.fields.get(name).is_none_or(Value::is_null) {
            self.missing(name);
        }
    }

    /// Notes every field that nobody has read, for CRMs that allow no others.
    pub(crate) fn refuse_rest(&mut self) {
        for (name, _) in std::mem::take(&mut self.fields) {
            self.invalid(&name, "is not a field of this request");
        }
    }

    /// Everything wrong, if anything is.
    pub(crate) fn check(self) -> Result<(), Faults> {
        let Faults {
            wrong_types,
            invalid,
        } = &self.faults;
        if wrong_types.is_empty() && invalid.is_empty() {
            return Ok(());
        }
        Err(self.faults)
    }

    fn array(&mut self, name: &str) -> Vec<Value> {
        match self.fields.remove(name) {
            None => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => self
                .mistyped(name, &other, "must be an array")
                .unwrap_or_default(),
        }
    }

    fn nested(&mut self, name: &str, value: Value) -> Option<Self> {
        let prefix = format!("{}.", self.path(name));
        match value {
            Value::Object(fields) => Some(Self {
                fields,
                prefix,
                ..Self::default()
            }),
            other => self.mistyped(name, &other, "must be an object"),
        }
    }

    /// Null counts as absent, anything else is noted.
    fn mistyped<T>(&mut self, name: &str, value: &Value, wrong: &'static str) -> Option<T> {
        if !value.is_null() {
            self.faults.wrong_types.insert(self.path(name), wrong);
        }
        None
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}
