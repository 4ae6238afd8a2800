//! `GET /v1/leads`: leads page by page, the newest first.

use axum::Json;
use axum::extract::State;
use leadrail_engine::{RunId, RunState, Workflow as _};
use leadrail_workflows::PushLead;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::{LeadSummary, StateName};
use crate::params::Params;
use crate::problem::Problem;
use crate::state::{App, read};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;
/// How many runs one page looks at: it bounds the time of a filter that few leads pass.
const LOOKED_AT: i64 = 20_000;

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
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Uuid>,
    /// Leads a page, 1 to 200; 50 if it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// A page of leads.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeadPage {
    /// The leads, the newest first. A page may be short, even empty, and not be the last.
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
        (status = 400, description = "A parameter is not valid", body = Problem,
         content_type = "application/problem+json"),
        (status = 503, description = "The database is away", body = Problem,
         content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list_leads(
    State(app): State<App>,
    Params(query): Params<ListQuery>,
) -> Result<Json<LeadPage>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_parameter(format!("limit is 1 to {MAX_LIMIT}")));
    }
    let hostile = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains('\0'));
    if hostile(&query.account) || hostile(&query.crm) {
        return Err(Problem::bad_parameter("account and crm must not hold NUL"));
    }
    let pool = app.engine().pool();
    let leads = read(page(pool, &query, i64::from(limit))).await?;
    let next = match leads.last() {
        Some(last) if leads.len() == limit as usize => Some(last.run_id.0),
        _ => read(last_looked_at(pool, query.cursor)).await?,
    };
    Ok(Json(LeadPage {
        leads,
        next_cursor: next.map(|cursor| cursor.to_string()),
    }))
}

async fn page(pool: &PgPool, query: &ListQuery, limit: i64) -> sqlx::Result<Vec<LeadSummary>> {
    sqlx::query_as!(
        LeadSummary,
        r#"
        select r.key as event_id, r.id as "run_id!: RunId", r.state as "state!: RunState",
               r.scope as "account!", nullif(substr(r.lane, length(r.scope) + 2), '-') as crm,
               r.priority as "priority!", r.reason, r.activity, r.attempt,
               case when r.state in ('retrying', 'waiting', 'replaying') then r.due_at end as next_at,
               r.created_at as "created_at!", r.changed_at as "changed_at!"
        from (
            -- The primary key is in the order of time. The payload stays where it is.
            select id, state, key, scope, lane, priority, reason, activity, attempt, due_at,
                   created_at, changed_at, workflow
            from leadrail.run
            where $1::uuid is null or id < $1
            order by id desc
            limit $2
        ) r
        where r.workflow = $3
          and ($4::leadrail.run_state is null or r.state = $4)
          and ($5::text is null or r.scope = $5)
          and ($6::text is null or r.lane = r.scope || '/' || $6)
        order by r.id desc
        limit $7
        "#,
        query.cursor,
        LOOKED_AT,
        PushLead::NAME,
        query.state as Option<RunState>,
        query.account.as_deref(),
        query.crm.as_deref(),
        limit,
    )
    .fetch_all(pool)
    .await
}

/// Where the page stopped looking, if there is more beyond it.
async fn last_looked_at(pool: &PgPool, cursor: Option<Uuid>) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"
        select id as "id!"
        from leadrail.run
        where $1::uuid is null or id < $1
        order by id desc
        offset $2
        limit 1
        "#,
        cursor,
        LOOKED_AT - 1,
    )
    .fetch_optional(pool)
    .await
}
