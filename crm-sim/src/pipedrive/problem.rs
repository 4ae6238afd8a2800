//! How Pipedrive refuses.

use axum::http::StatusCode;
use serde_json::json;

use crate::call::Call;
use crate::form::{Faults, Form};
use crate::reply::Reply;

/// What stands in every refusal of v1.
pub(super) const INFO: &str =
    "Please check developers.pipedrive.com for more information about Pipedrive API.";

/// A refusal in the shape of v1, which v2 has too where it validates nothing.
pub(super) fn refused(status: StatusCode, error: &str) -> Reply {
    let body = json!({
        "success": false,
        "error": error,
        "error_info": INFO,
        "data": null,
        "additional_data": null,
    });
    Reply::json(status, &body)
}

/// A body or parameter that cannot stand, in the words of its version.
pub(super) fn invalid(call: &Call, why: &str) -> Reply {
    if !call.path.starts_with("/api/v2/") {
        return refused(StatusCode::BAD_REQUEST, why);
    }
    let body = json!({
        "success": false,
        "error": format!("Validation failed: {why}"),
        "code": "ERR_SCHEMA_VALIDATION_FAILED",
        "additional_data": null,
    });
    Reply::json(StatusCode::BAD_REQUEST, &body)
}

/// The body as a form.
pub(super) fn form(call: &Call) -> Result<Form, Reply> {
    Form::of(call).ok_or_else(|| invalid(call, "the body is no JSON object"))
}

/// Refuses what nobody has read, and all that is wrong.
pub(super) fn check(call: &Call, mut form: Form) -> Result<(), Reply> {
    form.refuse_rest();
    form.check().map_err(|faults| invalid(call, &told(&faults)))
}

fn told(faults: &Faults) -> String {
    let all = faults.wrong_types.iter().chain(&faults.invalid);
    let each: Vec<String> = all
        .map(|(field, wrong)| format!("{field}: {wrong}"))
        .collect();
    each.join("; ")
}
