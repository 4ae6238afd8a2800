//! Talking to a run: signals in, published state out.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use leadrail_engine::{LARGEST_VALUE, RunId, Sent};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::{App, read};

/// What became of a signal.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignalOutcome {
    /// The run.
    #[schema(value_type = Uuid)]
    run_id: RunId,
    /// `sent`, or `duplicate` where the same `Idempotency-Key` was sent before.
    #[schema(value_type = String)]
    outcome: Sent,
}

/// Sends a signal to a run, which keeps it until it asks for it. The body is any JSON.
#[utoipa::path(
    post, path = "/v1/runs/{run_id}/signals/{name}", tag = "runs",
    params(
        ("run_id" = Uuid, Path, description = "The run"),
        ("name" = String, Path, description = "The signal's name, 1 to 200 characters"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key again is the same signal"),
    ),
    request_body(content = Value, description = "What the signal says, at most 1 MiB"),
    responses(
        (status = 202, description = "Kept until the run asks for it", body = SignalOutcome),
        (status = 200, description = "This key was sent before", body = SignalOutcome),
        (status = 400, description = "Not a run id, a name or JSON", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such run", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "The run has ended", body = Problem,
         content_type = "application/problem+json"),
        (status = 413, description = "More than 1 MiB", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "The database is away", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post_signal(
    State(app): State<App>,
    Path((run, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let run_id = run_id(&run)?;
    if !(1..=200).contains(&name.chars().count()) || name.contains('\0') {
        return Err(Problem::bad_parameter(
            "a signal's name has 1 to 200 characters",
        ));
    }
    let key = key_of(&headers)?;
    let payload = payload_of(body)?;
    let outcome = read(app.engine().signal(run_id, &name, &payload, key)).await?;
    let status = match outcome {
        Sent::Sent => StatusCode::ACCEPTED,
        Sent::Duplicate => StatusCode::OK,
        Sent::Ended => return Err(Problem::ended("the run has ended; nothing was sent")),
        Sent::Unknown => return Err(Problem::not_found("there is no run with this id")),
    };
    Ok((status, Json(SignalOutcome { run_id, outcome })).into_response())
}

/// What a run publishes under a name.
#[utoipa::path(
    get, path = "/v1/runs/{run_id}/state/{name}", tag = "runs",
    params(
        ("run_id" = Uuid, Path, description = "The run"),
        ("name" = String, Path, description = "The name"),
    ),
    responses(
        (status = 200, description = "The value, any JSON", body = Value),
        (status = 400, description = "Not a run id", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "The run publishes nothing under this name", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "The database is away", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_state(
    State(app): State<App>,
    Path((run, name)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let run_id = run_id(&run)?;
    if name.contains('\0') {
        return Err(Problem::bad_parameter("a name has no NUL in it"));
    }
    let value = read(app.engine().query(run_id, &name)).await?;
    let nothing = || Problem::not_found("this run publishes nothing under this name");
    value.map(Json).ok_or_else(nothing)
}

fn run_id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|_| {
        Problem::bad_parameter("the run_id is a UUID, as the answer to a lead tells it")
    })
}

fn key_of(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=200).contains(&key.len()));
    let wrong =
        || Problem::bad_parameter("an Idempotency-Key has 1 to 200 visible ASCII characters");
    key.map(Some).ok_or_else(wrong)
}

fn payload_of(body: Result<Bytes, BytesRejection>) -> Result<Value, Problem> {
    let too_large = || Problem::too_large(format!("a signal has at most {LARGEST_VALUE} bytes"));
    let body = body.map_err(|_| too_large())?;
    if body.len() > LARGEST_VALUE {
        return Err(too_large());
    }
    let payload: Value =
        serde_json::from_slice(&body).map_err(|_| Problem::bad_request("the body is no JSON"))?;
    // What PostgreSQL cannot store as text would come back as a fault of ours.
    if payload.to_string().contains("\\u0000") {
        return Err(Problem::bad_request(
            "the body has a NUL character in a text",
        ));
    }
    Ok(payload)
}
