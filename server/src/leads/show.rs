//! `GET /v1/leads/{event_id}`: one lead with its story.

use axum::Json;
use axum::extract::{Path, State};
use leadrail_engine::{RunView, Workflow as _};
use leadrail_lead::EventId;
use leadrail_workflows::{PushLead, timeline};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::LeadStory;
use crate::params::Params;
use crate::problem::Problem;
use crate::state::{App, read};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// Whose lead, where several accounts have one under this id.
    account: Option<String>,
}

/// One lead with its story: every step, every try, and what the CRM answered.
#[utoipa::path(
    get, path = "/v1/leads/{event_id}", tag = "leads",
    params(("event_id" = Uuid, Path, description = "The lead's own id"), Whose),
    responses(
        (status = 200, description = "The lead and its story", body = LeadStory),
        (status = 400, description = "Not an event id", body = Problem,
         content_type = "application/problem+json"),
        (status = 404, description = "No such lead", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "Several accounts have one: add ?account=", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "The database is away", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(crate) async fn get_lead(
    State(app): State<App>,
    Path(event_id): Path<String>,
    Params(whose): Params<Whose>,
) -> Result<Json<LeadStory>, Problem> {
    let event_id: EventId = event_id
        .parse()
        .map_err(|fault| Problem::bad_parameter(format!("the event_id {fault}")))?;
    let engine = app.engine();
    let runs = read(engine.runs_by_key(&event_id.to_string())).await?;
    let run = the_lead(runs, &whose)?;
    let history = read(engine.history(run.id)).await?;
    let told = timeline(&run, &history, &app.given.schedule);
    Ok(Json(LeadStory::new(told, run.input)))
}

/// The one run that files the lead; second looks have keys of their own.
pub(super) fn the_lead(runs: Vec<RunView>, whose: &Whose) -> Result<RunView, Problem> {
    let mut runs = runs
        .into_iter()
        .filter(|run| run.workflow == PushLead::NAME)
        .filter(|run| {
            whose
                .account
                .as_ref()
                .is_none_or(|account| run.scope == *account)
        });
    match (runs.next(), runs.next()) {
        (Some(run), None) => Ok(run),
        (None, _) => Err(Problem::not_found("there is no lead with this event_id")),
        (Some(_), Some(_)) => Err(Problem::several_accounts()),
    }
}
