//! HubSpot's refusals: one shape for all, with an id to ask its support by.

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::schema::Kind;
use crate::reply::Reply;

/// What is wrong with one property.
pub(super) struct Fault {
    pub(super) name: String,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(name: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            code,
            message: message.into(),
        }
    }
}

pub(super) fn problem(status: StatusCode, category: &str, message: &str) -> Reply {
    Reply::json(status, &body(category, message))
}

fn body(category: &str, message: &str) -> Value {
    json!({"status": "error", "message": message, "correlationId": Uuid::new_v4().to_string(),
           "category": category})
}

pub(super) fn bad_request(message: &str) -> Reply {
    problem(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message)
}

/// The faults stand in the message, as JSON.
pub(super) fn invalid(faults: &[Fault]) -> Reply {
    let list: Vec<Value> = faults
        .iter()
        .map(|fault| {
            json!({"isValid": false, "message": fault.message, "error": fault.code,
                   "name": fault.name, "localizedErrorMessage": fault.message})
        })
        .collect();
    let list = Value::from(list);
    bad_request(&format!("Property values were not valid: {list}"))
}

pub(super) fn conflict(id: &str) -> Reply {
    let message = format!("Contact already exists. Existing ID: {id}");
    problem(StatusCode::CONFLICT, "CONFLICT", &message)
}

pub(super) fn invalid_association(kind: Kind, id: &str) -> Reply {
    let mut body = body("VALIDATION_ERROR", "One or more associations are invalid");
    body["context"] = json!({
        "INVALID_OBJECT_IDS": [format!("{}={id} is not valid", kind.upper())],
        "objectId": [id], "objectType": [kind.upper()],
    });
    Reply::json(StatusCode::BAD_REQUEST, &body)
}

/// 404; the stand-in's words are those of a read by id.
pub(super) fn not_found() -> Reply {
    problem(
        StatusCode::NOT_FOUND,
        "OBJECT_NOT_FOUND",
        "resource not found",
    )
}

pub(super) fn missing_scopes(scopes: &[&str]) -> Reply {
    let message = "This app hasn't been granted all required scopes to make this call.";
    let mut body = body("MISSING_SCOPES", message);
    body["errors"] = json!([{
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": scopes},
    }]);
    Reply::json(StatusCode::FORBIDDEN, &body)
}

/// 429, which says by its policy which budget is used up.
pub(super) fn throttled(policy: &str) -> Reply {
    let message = match policy {
        "DAILY" => "You have reached your daily limit.",
        "SECONDLY" => "You have reached your secondly limit.",
        _ => "You have reached your ten_secondly_rolling limit.",
    };
    let mut body = body("RATE_LIMITS", message);
    body["errorType"] = json!("RATE_LIMIT");
    body["policyName"] = json!(policy);
    Reply::json(StatusCode::TOO_MANY_REQUESTS, &body)
}

/// What stands in a batch's `errors`.
pub(super) fn part(category: &str, sub_category: &str, message: &str, ids: &[String]) -> Value {
    let mut error = json!({"status": "error", "category": category, "message": message,
                           "context": {"ids": ids}});
    if !sub_category.is_empty() {
        error["subCategory"] = json!(sub_category);
    }
    error
}
