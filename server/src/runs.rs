//! Talking to a run: signals in, published state out.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use leadrail_engine::{RunId, Sent};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::audience::Who;
use crate::extract::{NamePath, RunIdPath, json_only};
use crate::problem::Problem;
use crate::problems::{
    DatabaseAway, NoSuchRun, NotARunId, NotASignal, NotJson, NothingPublished, RunEnded,
    SignalTooLarge,
};
use crate::state::{App, in_time};

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
        ("name" = String, Path, min_length = 1, max_length = 200, description = "The signal's name"),
        ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,200}$",
         description = "The same key again is the same signal"),
    ),
    request_body(content = Value, description = "What the signal says, at most 1 MiB"),
    responses(
        (status = 202, description = "Kept until the run asks for it", body = SignalOutcome),
        (status = 200, description = "This key was sent before", body = SignalOutcome),
        NotASignal, NoSuchRun, RunEnded, SignalTooLarge, NotJson, DatabaseAway,
    )
)]
pub(crate) async fn post_signal(
    app: App,
    Who(actor): Who,
    RunIdPath(run_id): RunIdPath,
    NamePath(name): NamePath,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let key = key_of(&headers)?;
    json_only(&headers)?;
    let payload = payload_of(body)?;
    let key = key.map(str::to_owned);
    let sent = app.change(|desk| async move {
        let key = key.as_deref();
        desk.signal(&actor, run_id, &name, &payload, key).await
    });
    let outcome = sent.await?;
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
        NotARunId, NothingPublished, DatabaseAway,
    )
)]
pub(crate) async fn get_state(
    app: App,
    RunIdPath(run_id): RunIdPath,
    NamePath(name): NamePath,
) -> Result<Json<Value>, Problem> {
    let value = in_time(app.desk.state(run_id, &name)).await?;
    let nothing = || Problem::not_found("this run publishes nothing under this name");
    value.map(Json).ok_or_else(nothing)
}

fn key_of(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let wrong = |_| Problem::bad_parameter("an Idempotency-Key is visible ASCII characters");
    key.to_str().map(Some).map_err(wrong)
}

fn payload_of(body: Result<Bytes, BytesRejection>) -> Result<Value, Problem> {
    // The server reads no more than it must; what a signal may have is the desk's to say.
    let body = body.map_err(|_| Problem::too_large("a signal has at most 1 MiB"))?;
    serde_json::from_slice(&body).map_err(|_| Problem::bad_request("the body is no JSON"))
}
