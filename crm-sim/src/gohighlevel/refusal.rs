//! How GoHighLevel says no: `BadRequestDTO`, `UnauthorizedDTO` and `UnprocessableDTO` of its common schemas.

use axum::http::StatusCode;
use serde_json::json;

use crate::reply::Reply;

pub(super) fn refusal(status: StatusCode, message: &str) -> Reply {
    let body = json!({"statusCode": status.as_u16(), "message": message});
    Reply::json(status, &body)
}

pub(super) fn bad_request(message: &str) -> Reply {
    refusal(StatusCode::BAD_REQUEST, message)
}

pub(super) fn unauthorized(message: &str) -> Reply {
    let body = json!({"statusCode": 401, "message": message, "error": "Unauthorized"});
    Reply::json(StatusCode::UNAUTHORIZED, &body)
}

pub(super) fn forbidden() -> Reply {
    let message = "The token does not have access to this location.";
    let body = json!({"statusCode": 403, "message": message, "error": "Forbidden"});
    Reply::json(StatusCode::FORBIDDEN, &body)
}

pub(super) fn unprocessable(messages: &[String]) -> Reply {
    let body = json!({"statusCode": 422, "message": messages, "error": "Unprocessable Entity"});
    Reply::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

pub(super) fn too_many() -> Reply {
    refusal(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")
}

/// Who is not there, as clients report it of contacts.
pub(super) fn no_contact(id: &str) -> Reply {
    bad_request(&format!("Contact with id {id} not found"))
}
