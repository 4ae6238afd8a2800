//! `POST /v1/leads/{event_id}/cancel`: asks a lead's run to stop.

use axum::Json;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use leadrail_engine::{Cancelled, RunId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::show::Whose;
use crate::audience::By;
use crate::extract::{EventIdPath, json_only};
use crate::params::Params;
use crate::problem::Problem;
use crate::problems::{
    DatabaseAway, EndedOrSeveralLeads, NoSuchLead, NotAnEventIdOrUnreadable, NotJson,
};
use crate::state::App;

/// What is noted where nothing is said.
const NO_REASON: &str = "asked for through the API";

/// Why a lead is cancelled; the body may also be empty.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelRequest {
    /// For whoever looks at it later, at most 500 characters.
    why: String,
}

/// What became of the request.
#[derive(Serialize, ToSchema)]
pub(crate) struct CancelOutcome {
    /// The lead's run.
    #[schema(value_type = Uuid)]
    run_id: RunId,
    /// `cancelled`, or `asked` where it had begun and stops at its next step.
    #[schema(value_type = String)]
    outcome: Cancelled,
}

/// Asks a lead's run to stop. What may have reached the CRM already is looked up first.
#[utoipa::path(
    post, path = "/v1/leads/{event_id}/cancel", tag = "leads",
    params(("event_id" = Uuid, Path, description = "The lead's own id"), Whose),
    request_body(content = Option<CancelRequest>, description = "Why; may be empty"),
    responses(
        (status = 202, description = "It had begun and stops at its next step", body = CancelOutcome),
        (status = 200, description = "It is cancelled", body = CancelOutcome),
        NotAnEventIdOrUnreadable, NoSuchLead, EndedOrSeveralLeads, NotJson, DatabaseAway,
    )
)]
pub(crate) async fn post_cancel(
    app: App,
    by: By,
    EventIdPath(event_id): EventIdPath,
    Params(whose): Params<Whose>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    if !body.is_empty() {
        json_only(&headers)?;
    }
    let why = why_of(&body)?;
    let account = whose.among(&by)?;
    let actor = by.0.actor().clone();
    let cancelled = app.change(|desk| async move {
        let account = account.as_deref();
        desk.cancel_lead(&actor, event_id, account, &why).await
    });
    let (run_id, outcome) = cancelled.await?;
    let status = match outcome {
        Cancelled::Cancelled => StatusCode::OK,
        Cancelled::Asked => StatusCode::ACCEPTED,
        Cancelled::Ended => {
            return Err(Problem::ended("the lead has ended; nothing was cancelled"));
        }
        Cancelled::Unknown => {
            return Err(Problem::not_found("there is no lead with this event_id"));
        }
    };
    Ok((status, Json(CancelOutcome { run_id, outcome })).into_response())
}

fn why_of(body: &[u8]) -> Result<String, Problem> {
    if body.is_empty() {
        return Ok(NO_REASON.to_owned());
    }
    let request: Option<CancelRequest> = serde_json::from_slice(body)
        .map_err(|_| Problem::bad_request("the body is empty or {\"why\": \"...\"}"))?;
    Ok(request.map_or_else(|| NO_REASON.to_owned(), |request| request.why))
}
