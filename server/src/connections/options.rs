//! `GET /v1/connections/{id}/options`: the account's own lists in its CRM.

use axum::Json;
use leadrail_desk::Options;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::change::visible;
use crate::audience::By;
use crate::extract::ConnectionIdPath;
use crate::params::Params;
use crate::problem::Problem;
use crate::problems::{ConnectionNotNow, DatabaseAway, NoSuchConnection, NotASetting};
use crate::state::App;

/// Which lists.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OptionsQuery {
    /// Only that of this setting.
    setting: Option<String>,
}

/// The lists that were asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct OptionsList {
    /// In the order of the CRM's settings.
    options: Vec<OptionsView>,
}

/// What a setting may be.
#[derive(Serialize, ToSchema)]
pub(crate) struct OptionsView {
    /// The setting.
    #[schema(value_type = String)]
    setting: &'static str,
    /// The name people know.
    #[schema(value_type = String)]
    title: &'static str,
    /// What there is, in the CRM's order.
    choices: Vec<ChoiceView>,
    /// Why the CRM did not say; null where it did.
    problem: Option<String>,
}

/// One thing that a setting can name.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChoiceView {
    /// What the setting holds.
    id: String,
    /// What people call it.
    title: String,
}

impl From<Options> for OptionsView {
    fn from(options: Options) -> Self {
        let choices = options.choices.into_iter();
        Self {
            setting: options.setting,
            title: options.title,
            choices: choices
                .map(|choice| ChoiceView {
                    id: choice.id,
                    title: choice.title,
                })
                .collect(),
            problem: options.problem,
        }
    }
}

/// Asks the CRM what the settings of this connection may be: business units, job types, campaigns.
///
/// A list that the CRM does not give says why in `problem`, and the others stand.
#[utoipa::path(
    get, path = "/v1/connections/{id}/options", tag = "connections",
    params(("id" = Uuid, Path, description = "The connection"), OptionsQuery),
    responses(
        (status = 200, description = "The lists", body = OptionsList),
        NotASetting, NoSuchConnection, ConnectionNotNow, DatabaseAway,
    )
)]
pub(crate) async fn get_options(
    app: App,
    by: By,
    ConnectionIdPath(id): ConnectionIdPath,
    Params(query): Params<OptionsQuery>,
) -> Result<Json<OptionsList>, Problem> {
    visible(&app, &by, id).await?;
    let asked =
        app.call(
            move |desk| async move { desk.connection_options(id, query.setting.as_deref()).await },
        );
    let options = asked.await?.into_iter().map(OptionsView::from).collect();
    Ok(Json(OptionsList { options }))
}
