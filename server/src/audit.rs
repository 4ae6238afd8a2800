//! `GET /v1/audit`: who changed what.

use axum::Json;
use chrono::{DateTime, Utc};
use leadrail_desk::{AuditEntry, AuditFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::params::Params;
use crate::problem::Problem;
use crate::problems::{BadParameter, DatabaseAway};
use crate::state::{App, in_time};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// Which entries, and which page of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only what was done to this: an id, or a lane's name.
    subject: Option<String>,
    /// Only what this actor did.
    actor: Option<String>,
    /// Only this, such as `connection.disable`.
    action: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<i64>,
    /// Entries a page, 1 to 200; 50 if it is not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// One change that somebody made.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditView {
    /// Grows with time.
    id: i64,
    /// When it was done.
    at: DateTime<Utc>,
    /// Who did it, in one word.
    actor: String,
    /// What was done.
    action: String,
    /// To what.
    subject: String,
    /// What came of it.
    outcome: String,
    /// What stood there before, as far as it changed; null where nothing did. No secrets.
    before: Option<Value>,
    /// What stands there now, as far as it changed; null where it is gone. No secrets.
    after: Option<Value>,
    /// What whoever did it gave as the reason; null where none was asked for.
    why: Option<String>,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            outcome: entry.outcome,
            before: entry.before,
            after: entry.after,
            why: entry.why,
        }
    }
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// The entries, the newest first.
    entries: Vec<AuditView>,
    /// The cursor of the next page; null on the last one.
    next_cursor: Option<i64>,
}

/// Who changed what, the newest first.
#[utoipa::path(
    get, path = "/v1/audit", tag = "operation", params(AuditQuery),
    responses(
        (status = 200, description = "A page", body = AuditPage),
        BadParameter, DatabaseAway,
    )
)]
pub(crate) async fn list_audit(
    app: App,
    Params(query): Params<AuditQuery>,
) -> Result<Json<AuditPage>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_parameter(format!("limit is 1 to {MAX_LIMIT}")));
    }
    let filter = AuditFilter {
        subject: query.subject,
        actor: query.actor,
        action: query.action,
    };
    let entries = in_time(app.desk.audit_log(&filter, query.cursor, limit)).await?;
    let is_full = entries.len() == limit as usize;
    let last = entries.last().map(|entry| entry.id);
    Ok(Json(AuditPage {
        entries: entries.into_iter().map(AuditView::from).collect(),
        next_cursor: last.filter(|_| is_full),
    }))
}
