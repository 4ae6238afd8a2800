//! How Housecall Pro refuses a body.
//!
//! A wrong type is 422 `{"errors": {"tags": ["must be an array"]}}`, a value of the right type
//! that cannot stand is 400 `{"message": "...", "mobile_number": "is invalid"}`.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::json;

use crate::call::Call;
use crate::form::{Faults, Form};
use crate::reply::Reply;

/// The body of a request; 400 if it is not a JSON object.
pub(super) fn read(call: &Call) -> Result<Form, Reply> {
    Form::of(call).ok_or_else(|| {
        let body = json!({"message": "The request body must be a JSON object"});
        Reply::json(StatusCode::BAD_REQUEST, &body)
    })
}

/// The answer that names everything wrong, if anything is.
pub(super) fn check(form: Form) -> Result<(), Reply> {
    form.check().map_err(refuse)
}

fn refuse(faults: Faults) -> Reply {
    if faults.wrong_types.is_empty() {
        return refuse_values(&faults.invalid);
    }
    let listed: BTreeMap<_, _> = faults
        .wrong_types
        .into_iter()
        .map(|(path, wrong)| (without_places(&path), [wrong]))
        .collect();
    let body = json!({"errors": listed});
    Reply::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

fn refuse_values(invalid: &BTreeMap<String, &'static str>) -> Reply {
    let named: BTreeMap<_, _> = invalid
        .iter()
        .map(|(path, wrong)| (without_places(path), wrong))
        .collect();
    let sentence: Vec<String> = named
        .iter()
        .map(|(name, wrong)| format!("{name} {wrong}"))
        .collect();
    let mut body = json!({"message": sentence.join(", ")});
    for (name, wrong) in named {
        body[name] = json!(wrong);
    }
    Reply::json(StatusCode::BAD_REQUEST, &body)
}

/// Lists are named as a whole: `addresses.zip` for `addresses[0].zip`.
fn without_places(path: &str) -> String {
    let parts = path.split('[');
    let rests = parts.map(|part| part.split_once(']').map_or(part, |(_, rest)| rest));
    rests.collect()
}
