//! `GET /v1/leads`: leads page by page, the newest first.

use axum::Json;
use leadrail_connections::ConnectionId;
use leadrail_desk::LeadFilter;
use leadrail_engine::{RunId, RunState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::{LeadSummary, StateName};
use crate::audience::By;
use crate::params::Params;
use crate::problem::Problem;
use crate::problems::{BadParameter, DatabaseAway};
use crate::state::{App, in_time};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// Which leads, and which page of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only leads in this state.
    #[param(value_type = Option<StateName>)]
    state: Option<RunState>,
    /// Only this account's.
    account: Option<String>,
    /// Only those for this CRM.
    crm: Option<String>,
    /// Only those that go through this connection, or waited for it to be made.
    #[param(value_type = Option<Uuid>)]
    connection: Option<Uuid>,
    /// Only those of this caller's number, however it is written, or the one with this event id or run id.
    q: Option<String>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<Uuid>)]
    cursor: Option<Uuid>,
    /// Leads a page, 1 to 200; 50 if it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// A page of leads.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeadPage {
    /// The leads, the newest first. A page may be short, even empty, and not be the last: where few leads
    /// of many pass a filter on CRM or state.
    leads: Vec<LeadSummary>,
    /// The cursor of the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Leads page by page, the newest first.
///
/// Follow `next_cursor` until it is null: a page of a rare filter may be short and not be the last.
#[utoipa::path(
    get, path = "/v1/leads", tag = "leads", params(ListQuery),
    responses(
        (status = 200, description = "A page", body = LeadPage),
        BadParameter, DatabaseAway,
    )
)]
pub(crate) async fn list_leads(
    app: App,
    by: By,
    Params(query): Params<ListQuery>,
) -> Result<Json<LeadPage>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_parameter(format!("limit is 1 to {MAX_LIMIT}")));
    }
    let filter = LeadFilter {
        state: query.state,
        account: by.account(query.account)?,
        crm: query.crm,
        connection: query.connection.map(ConnectionId),
        q: query.q,
    };
    let page = app.desk.leads(&filter, query.cursor.map(RunId), limit);
    let page = in_time(page).await?;
    Ok(Json(LeadPage {
        leads: page.leads.into_iter().map(LeadSummary::from).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_string()),
    }))
}
