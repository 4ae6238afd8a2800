//! How fast leads may go through a connection: its settings become the limits of its lane.

use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_connections::{Connection, ConnectionFilter, ConnectionState};
use leadrail_engine::LaneLimits;
use std::time::Duration;

impl Desk {
    /// Limits the lanes of a connection as its settings say, if they say something else than before.
    pub(super) async fn set_budget(
        &self,
        before: Option<&Connection>,
        now: &Connection,
    ) -> DeskResult<()> {
        let limits = limits(now);
        let same_lanes = before.is_some_and(|was| was.crm_account_id == now.crm_account_id);
        let was = before.map_or_else(unlimited, self::limits);
        if was == limits && (same_lanes || limits == unlimited()) {
            return Ok(());
        }
        for lane in self.lanes_of(now).await? {
            self.engine().limit_lane(&lane, &limits).await?;
        }
        Ok(())
    }

    /// The lane of leads that name its CRM account, and that of those that name none where they can only
    /// mean this connection.
    async fn lanes_of(&self, connection: &Connection) -> DeskResult<Vec<String>> {
        let filter = ConnectionFilter {
            account: Some(connection.account.clone()),
            crm: Some(connection.crm.clone()),
            state: None,
        };
        let others = self.list_connections(&filter).await?;
        let is_only = others
            .iter()
            .all(|other| other.id == connection.id || other.state == ConnectionState::Disabled);
        let lanes = sqlx::query_scalar!(
            r#"
            select leadrail.lane_of($1, $2, $3) as "lane!"
            union
            select leadrail.lane_of($1, $2, null) where $4
            "#,
            connection.account,
            connection.crm,
            connection.crm_account_id,
            is_only,
        );
        Ok(lanes.fetch_all(self.engine().pool()).await?)
    }
}

fn unlimited() -> LaneLimits {
    LaneLimits {
        burst: 1,
        ..LaneLimits::default()
    }
}

fn limits(connection: &Connection) -> LaneLimits {
    let delivery = &connection.settings.delivery;
    LaneLimits {
        max_running: delivery.max_at_once,
        gap: delivery
            .leads_per_minute
            .map(|leads| Duration::from_secs(60) / leads.max(1)),
        ..unlimited()
    }
}
