//! Refusals: the documents' `ApiErrorResponse`, a problem document with errors per field.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::call::Call;
use crate::form::Form;
use crate::reply::Reply;

/// The title of a refusal that names fields.
pub(super) const INVALID: &str = "One or more validation errors occurred.";

/// A problem document; `errors` are names of fields with what is wrong with each.
pub(super) fn problem(status: StatusCode, title: &str, errors: &[(String, &'static str)]) -> Reply {
    let named: Map<String, Value> = errors
        .iter()
        .map(|(name, wrong)| (name.clone(), json!([wrong])))
        .collect();
    let body = json!({
        "type": format!("https://httpstatuses.com/{}", status.as_u16()),
        "title": title,
        "status": status.as_u16(),
        "traceId": Uuid::new_v4().simple().to_string(),
        "errors": named,
        "data": {},
    });
    Reply::json(status, &body)
}

/// 400 that names one field or parameter, first letter in upper case.
pub(super) fn bad_request(name: &str, wrong: &'static str) -> Reply {
    problem(StatusCode::BAD_REQUEST, INVALID, &[(pascal(name), wrong)])
}

pub(super) fn forbidden(title: &str) -> Reply {
    problem(StatusCode::FORBIDDEN, title, &[])
}

pub(super) fn conflict(title: &str) -> Reply {
    problem(StatusCode::CONFLICT, title, &[])
}

pub(super) fn not_found(what: &str) -> Reply {
    problem(
        StatusCode::NOT_FOUND,
        &format!("{what} was not found."),
        &[],
    )
}

/// The body of a request; 400 if it is not a JSON object.
pub(super) fn read(call: &Call) -> Result<Form, Reply> {
    Form::of(call).ok_or_else(|| bad_request("request", "must be a JSON object"))
}

/// 400 that names everything wrong, fields that the documents do not have included.
pub(super) fn check(mut form: Form) -> Result<(), Reply> {
    form.refuse_rest();
    form.check().map_err(|faults| {
        let all = faults.wrong_types.into_iter().chain(faults.invalid);
        let errors: Vec<_> = all.map(|(path, wrong)| (pascal(&path), wrong)).collect();
        problem(StatusCode::BAD_REQUEST, INVALID, &errors)
    })
}

/// `locations[0].address.zip` as the vendor's server names it: `Locations[0].Address.Zip`.
fn pascal(path: &str) -> String {
    let upper = |part: &str| {
        let mut letters = part.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    path.split('.').map(upper).collect::<Vec<_>>().join(".")
}
