//! `GET /v1/leads/{event_id}`: one lead with its story.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::LeadStory;
use crate::extract::EventIdPath;
use crate::params::Params;
use crate::problem::Problem;
use crate::problems::{DatabaseAway, NoSuchLead, NotAnEventId, SeveralLeads};
use crate::state::{App, in_time};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Whose {
    /// Whose lead, where several accounts have one under this id.
    pub(super) account: Option<String>,
}

/// One lead with its story: every step, every try, and what the CRM answered.
#[utoipa::path(
    get, path = "/v1/leads/{event_id}", tag = "leads",
    params(("event_id" = Uuid, Path, description = "The lead's own id"), Whose),
    responses(
        (status = 200, description = "The lead and its story", body = LeadStory),
        NotAnEventId, NoSuchLead, SeveralLeads, DatabaseAway,
    )
)]
pub(crate) async fn get_lead(
    State(app): State<App>,
    EventIdPath(event_id): EventIdPath,
    Params(whose): Params<Whose>,
) -> Result<Json<LeadStory>, Problem> {
    let story = app.desk.story(event_id, whose.account.as_deref());
    Ok(Json(in_time(story).await?.into()))
}
