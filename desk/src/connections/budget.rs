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
        let with_unnamed = self.is_only(now).await?;
        if self.engine().access().sees().is_some() {
            return self.limit_seen(now, with_unnamed, &limits).await;
        }
        for lane in self.lanes_of(now, with_unnamed).await? {
            self.engine().limit_lane(&lane, &limits).await?;
        }
        Ok(())
    }

    /// The same from behind the wall, where the database looks whose lanes they are.
    async fn limit_seen(
        &self,
        connection: &Connection,
        with_unnamed: bool,
        limits: &LaneLimits,
    ) -> DeskResult<()> {
        let max_running = limits
            .max_running
            .map(|most| i32::try_from(most).unwrap_or(i32::MAX));
        let limited = sqlx::query!(
            "select leadrail.limit_seen_lanes($1, $2, $3, $4, $5, make_interval(secs => $6), $7)",
            connection.account,
            connection.crm,
            connection.crm_account_id,
            with_unnamed,
            max_running,
            limits.gap.map(|gap| gap.as_secs_f64()),
            i32::try_from(limits.burst).unwrap_or(i32::MAX)
        );
        limited.execute(self.engine().access()).await?;
        self.engine().hint();
        Ok(())
    }

    /// Whether leads that name no CRM account can only mean this connection.
    async fn is_only(&self, connection: &Connection) -> DeskResult<bool> {
        let filter = ConnectionFilter {
            account: Some(connection.account.clone()),
            crm: Some(connection.crm.clone()),
            state: None,
        };
        let others = self.list_connections(&filter).await?;
        Ok(others
            .iter()
            .all(|other| other.id == connection.id || other.state == ConnectionState::Disabled))
    }

    /// The lane of leads that name its CRM account, and perhaps that of those that name none.
    async fn lanes_of(
        &self,
        connection: &Connection,
        with_unnamed: bool,
    ) -> DeskResult<Vec<String>> {
        let lanes = sqlx::query_scalar!(
            r#"
            select leadrail.lane_of($1, $2, $3) as "lane!"
            union
            select leadrail.lane_of($1, $2, null) where $4
            "#,
            connection.account,
            connection.crm,
            connection.crm_account_id,
            with_unnamed,
        );
        Ok(lanes.fetch_all(self.engine().access()).await?)
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
