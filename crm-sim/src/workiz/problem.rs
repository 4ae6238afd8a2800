//! How Workiz says no.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::form::Faults;
use crate::reply::Reply;

/// What a token or a path is answered with that Workiz does not know.
pub(super) fn forbidden() -> Reply {
    let body = json!({
        "success": false, "error": "Forbidden",
        "message": "Invalid API path or malformed API key.",
    });
    Reply::json(StatusCode::FORBIDDEN, &body)
}

/// `{"error": true, "code", "msg", "details"}`: several faults are a list, one is an object.
pub(super) fn problem(code: u16, msg: &str, faults: &[String]) -> Reply {
    let one = |fault: &String| json!({"error": fault});
    let details = match faults {
        [] => json!({"error": msg}),
        [fault] => one(fault),
        faults => faults.iter().map(one).collect(),
    };
    let body = json!({"error": true, "code": code, "msg": msg, "details": details});
    Reply::json(status(code), &body)
}

/// What is wrong with a body, a sentence for each field.
pub(super) fn of_faults(faults: &Faults) -> Reply {
    let all = faults.wrong_types.iter().chain(&faults.invalid);
    let faults: Vec<String> = all
        .map(|(field, wrong)| format!("{field} {wrong}"))
        .collect();
    problem(400, "Validation failed", &faults)
}

pub(super) fn not_found(msg: &str) -> Reply {
    problem(404, msg, &[])
}

/// A success that is none.
pub(super) fn flagged(msg: &str) -> Reply {
    let body = json!({"flag": false, "msg": msg, "data": []});
    Reply::json(StatusCode::OK, &body)
}

/// A success.
pub(super) fn done(data: &Value) -> Reply {
    let body = json!({"flag": true, "data": data, "code": 200});
    Reply::json(StatusCode::OK, &body)
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
