//! Reading a JSON body field by field, collecting everything that is wrong with it.
//!
//! A wrong type is 422 `{"errors": {"tags": ["must be an array"]}}`, a value of the right type
//! that cannot stand is 400 `{"message": "...", "mobile_number": "is invalid"}`. Fields that
//! nobody asks for are ignored, and a blank text counts as absent.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::reply::Reply;

#[derive(Default)]
pub(super) struct Form {
    fields: Map<String, Value>,
    prefix: String,
    wrong_types: BTreeMap<String, &'static str>,
    invalid: BTreeMap<String, &'static str>,
}

impl Form {
    /// The body of a request; 400 if it is not a JSON object.
    pub(super) fn of(call: &Call) -> Result<Self, Reply> {
        let fields = call.object().ok_or_else(|| {
            let body = json!({"message": "The request body must be a JSON object"});
            Reply::json(StatusCode::BAD_REQUEST, &body)
        })?;
        Ok(Self {
            fields,
            ..Self::default()
        })
    }

    /// A text that must be there; empty if it is not, and that is noted.
    pub(super) fn required_text(&mut self, name: &str) -> String {
        let text = self.text(name);
        if text.is_none() {
            self.wrong_types
                .entry(self.path(name))
                .or_insert("is missing");
        }
        text.unwrap_or_default()
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.fields.remove(name)? {
            Value::String(text) => (!text.trim().is_empty()).then_some(text),
            other => self.mistyped(name, &other, "must be a string"),
        }
    }

    /// Exactly ten digits.
    pub(super) fn phone(&mut self, name: &str) -> Option<String> {
        let digits = self.text(name)?;
        if digits.len() != 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            self.invalid(name, "is invalid");
        }
        Some(digits)
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.fields.remove(name)? {
            Value::Bool(flag) => Some(flag),
            other => self.mistyped(name, &other, "must be a boolean"),
        }
    }

    pub(super) fn whole_number(&mut self, name: &str) -> Option<i64> {
        let value = self.fields.remove(name)?;
        value
            .as_i64()
            .or_else(|| self.mistyped(name, &value, "must be an integer"))
    }

    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let items = self.array(name);
        let texts: Option<Vec<String>> = items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect();
        texts.unwrap_or_else(|| {
            self.wrong_types
                .insert(self.path(name), "must be an array of strings");
            Vec::new()
        })
    }

    /// An object, to be read and given back to [`Form::absorb`].
    pub(super) fn form(&mut self, name: &str) -> Option<Self> {
        let value = self.fields.remove(name)?;
        self.nested(name, value)
    }

    /// An array of objects, each to be read and given back to [`Form::absorb`].
    pub(super) fn forms(&mut self, name: &str) -> Vec<Self> {
        let items = self.array(name);
        items
            .into_iter()
            .filter_map(|item| self.nested(name, item))
            .collect()
    }

    /// Takes over what is wrong with a part.
    pub(super) fn absorb(&mut self, part: Self) {
        self.wrong_types.extend(part.wrong_types);
        self.invalid.extend(part.invalid);
    }

    /// Notes that a field is needed and absent.
    pub(super) fn missing(&mut self, name: &str) {
        self.wrong_types.insert(self.path(name), "is missing");
    }

    /// Notes that a field's value cannot stand.
    pub(super) fn invalid(&mut self, name: &str, wrong: &'static str) {
        self.invalid.insert(self.path(name), wrong);
    }

    /// Notes that a field is needed if it is absent or null; it can still be read.
    pub(super) fn require(&mut self, name: &str) {
        if self.fields.get(name).is_none_or(Value::is_null) {
            self.missing(name);
        }
    }

    /// The answer that names everything wrong, if anything is.
    pub(super) fn check(self) -> Result<(), Reply> {
        if !self.wrong_types.is_empty() {
            let listed: BTreeMap<_, _> = self
                .wrong_types
                .into_iter()
                .map(|(name, wrong)| (name, [wrong]))
                .collect();
            let body = json!({"errors": listed});
            return Err(Reply::json(StatusCode::UNPROCESSABLE_ENTITY, &body));
        }
        if !self.invalid.is_empty() {
            return Err(refuse_values(&self.invalid));
        }
        Ok(())
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
            self.wrong_types.insert(self.path(name), wrong);
        }
        None
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

fn refuse_values(invalid: &BTreeMap<String, &'static str>) -> Reply {
    let sentence: Vec<String> = invalid
        .iter()
        .map(|(name, wrong)| format!("{name} {wrong}"))
        .collect();
    let mut body = json!({"message": sentence.join(", ")});
    for (name, wrong) in invalid {
        body[name] = json!(wrong);
    }
    Reply::json(StatusCode::BAD_REQUEST, &body)
}
