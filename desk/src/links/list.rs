//! The links of a lead, and what became of them.

use crate::desk::Desk;
use crate::error::DeskResult;
use chrono::{DateTime, Utc};
use leadrail_connections::links::LinkKind;
use leadrail_engine::RunId;
use leadrail_lead::EventId;
use serde::Serialize;
use serde_json::Value;

/// Whether a link leads anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// It does.
    Works,
    /// It was taken back.
    Revoked,
    /// The lead has nothing of this kind, or it is kept here no more.
    Nothing,
}

/// One link of a lead. Its address opens the recording: it is for whoever may see the lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkView {
    /// What it leads to.
    pub kind: LinkKind,
    /// Its address; none without a public URL.
    pub url: Option<String>,
    /// Whether it leads anywhere.
    pub state: LinkState,
    /// How often somebody was sent on by it.
    pub opened: i64,
    /// When that last was.
    pub last_opened_at: Option<DateTime<Utc>>,
    /// Since when it leads nowhere.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Who took it back, in one word.
    pub revoked_by: Option<String>,
}

#[derive(Default)]
struct Row {
    kind: String,
    opened: i64,
    last_opened_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    revoked_by: Option<String>,
}

impl Desk {
    /// The links of a lead, one of each kind. `account` says whose lead, where several accounts have one
    /// under the same id.
    ///
    /// # Errors
    /// As [`Desk::lead`], and without a vault key.
    pub async fn links(
        &self,
        event_id: EventId,
        account: Option<&str>,
    ) -> DeskResult<Vec<LinkView>> {
        let lead = self.lead(event_id, account).await?;
        let mut rows = self.link_rows(lead.id).await?;
        let mut links = Vec::new();
        for kind in LinkKind::ALL {
            let row = rows.iter().position(|row| row.kind == kind.as_str());
            let row = row.map(|at| rows.swap_remove(at)).unwrap_or_default();
            let url = self.doors()?.links().link(lead.id, kind).await?;
            links.push(view(kind, url, &lead.input, row));
        }
        Ok(links)
    }

    async fn link_rows(&self, run: RunId) -> DeskResult<Vec<Row>> {
        let rows = sqlx::query_as!(
            Row,
            "
            select kind, opened, last_opened_at, revoked_at, revoked_by
            from leadrail.link
            where run_id = $1
            ",
            run.0
        );
        Ok(rows.fetch_all(self.engine().access()).await?)
    }
}

fn view(kind: LinkKind, url: Option<String>, input: &Value, row: Row) -> LinkView {
    let is_there = input["call"][format!("{kind}_url")].is_string();
    LinkView {
        kind,
        url: url.filter(|_| is_there),
        state: match (is_there, row.revoked_at) {
            (_, Some(_)) => LinkState::Revoked,
            (true, None) => LinkState::Works,
            (false, None) => LinkState::Nothing,
        },
        opened: row.opened,
        last_opened_at: row.last_opened_at,
        revoked_at: row.revoked_at,
        revoked_by: row.revoked_by,
    }
}
