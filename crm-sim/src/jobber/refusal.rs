//! `userErrors`: what a mutation refuses, on 200, and nothing has happened.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::objects::Shown;
use crate::graphql::Output;

/// Everything wrong with an input.
#[derive(Default)]
pub(super) struct Refusals(Vec<Value>);

impl Refusals {
    pub(super) fn one(message: &str, path: &[&str]) -> Self {
        let mut refusals = Self::default();
        refusals.add(message, path);
        refusals
    }

    pub(super) fn add(&mut self, message: &str, path: &[&str]) {
        self.0.push(json!({"message": message, "path": path}));
    }

    pub(super) fn check(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// A payload without a record.
    pub(super) fn payload<'a>(self) -> Shown<'a> {
        Output::Made(BTreeMap::from([
            ("userErrors", Output::Plain(Value::Array(self.0))),
            ("properties", Output::Plain(json!([]))),
        ]))
    }
}

/// A payload with what was made, and no errors.
pub(super) fn done<'a, const N: usize>(made: [(&'static str, Shown<'a>); N]) -> Shown<'a> {
    let mut payload = BTreeMap::from(made);
    payload.insert("userErrors", Output::Plain(json!([])));
    Output::Made(payload)
}
