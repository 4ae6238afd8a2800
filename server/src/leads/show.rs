//! `GET /v1/leads/{event_id}`: one lead with its story.

use axum::Json;
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::LeadStory;
use crate::audience::By;
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
    pub(crate) account: Option<String>,
}

impl Whose {
    /// The account whose lead it must be. To whoever sees no other account, there is none of another.
    pub(crate) fn among(self, by: &By) -> Result<Option<String>, Problem> {
        let nothing = |_| Problem::not_found("there is no lead with this event_id");
        by.account(self.account).map_err(nothing)
    }
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
    app: App,
    by: By,
    EventIdPath(event_id): EventIdPath,
    Params(whose): Params<Whose>,
) -> Result<Json<LeadStory>, Problem> {
    let account = whose.among(&by)?;
    let story = app.desk.story(event_id, account.as_deref());
    Ok(Json(in_time(story).await?.into()))
}
