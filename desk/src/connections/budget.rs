//! How fast leads may go through a connection: its settings become the limits of its lane, and where they say
//! nothing, what its CRM documents does.

use super::usual_limits::{unlimited, usual_limits};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_connections::{Connection, ConnectionFilter};
use leadrail_engine::LaneLimits;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

impl Desk {
    /// Limits the lanes of a connection as its settings say, where they say something else than before. What
    /// is usual for its CRM takes the place of nothing that a person set for the lane. A lane that no
    /// connection has any more loses its limits, whoever set them.
    pub(super) async fn set_budget(
        &self,
        before: Option<&Connection>,
        now: &Connection,
    ) -> DeskResult<()> {
        let (account, crm) = (&now.account, &now.crm);
        let filter = ConnectionFilter {
            account: Some(account.clone()),
            crm: Some(crm.clone()),
            state: None,
        };
        let all = self.list_connections(&filter).await?;
        let others = all.iter().filter(|other| other.id != now.id);
        let (was, is) = (limits_of(others.chain(before)), limits_of(&all));
        let lanes: BTreeSet<_> = was.keys().chain(is.keys()).collect();
        let usual = usual_limits(crm);
        for crm_account_id in lanes {
            let (before, now) = (was.get(crm_account_id), is.get(crm_account_id));
            let changes = match (before, now) {
                (Some(_), None) => true,
                (None, Some(now)) if *now == unlimited() => false,
                (None, Some(now)) if *now == usual => {
                    !self.is_limited(account, crm, *crm_account_id).await?
                }
                (before, now) => before != now,
            };
            if changes {
                let limits = now.cloned().unwrap_or_else(unlimited);
                self.limit(account, crm, *crm_account_id, &limits).await?;
            }
        }
        Ok(())
    }

    /// Whether the lane has limits already: nobody but a person has set them.
    async fn is_limited(
        &self,
        account: &str,
        crm: &str,
        crm_account_id: Option<&str>,
    ) -> DeskResult<bool> {
        let limited = sqlx::query_scalar!(
            r#"
            select exists (
                select from leadrail.seen_lane l
                where l.name = leadrail.lane_of($1, $2, $3) and l.is_limited
            ) as "is!"
            "#,
            account,
            crm,
            crm_account_id,
        );
        Ok(limited.fetch_one(self.engine().access()).await?)
    }

    async fn limit(
        &self,
        account: &str,
        crm: &str,
        crm_account_id: Option<&str>,
        limits: &LaneLimits,
    ) -> DeskResult<()> {
        if self.engine().access().sees().is_some() {
            return self.limit_seen(account, crm, crm_account_id, limits).await;
        }
        let lane = sqlx::query_scalar!(
            r#"select leadrail.lane_of($1, $2, $3) as "lane!""#,
            account,
            crm,
            crm_account_id,
        );
        let lane = lane.fetch_one(self.engine().access()).await?;
        Ok(self.engine().limit_lane(&lane, limits).await?)
    }

    /// The same from behind the wall, where the database looks whose lane it is.
    async fn limit_seen(
        &self,
        account: &str,
        crm: &str,
        crm_account_id: Option<&str>,
        limits: &LaneLimits,
    ) -> DeskResult<()> {
        let max_running = limits
            .max_running
            .map(|most| i32::try_from(most).unwrap_or(i32::MAX));
        let limited = sqlx::query!(
            "select leadrail.limit_seen_lane($1, $2, $3, $4, make_interval(secs => $5), $6)",
            account,
            crm,
            crm_account_id,
            max_running,
            limits.gap.map(|gap| gap.as_secs_f64()),
            i32::try_from(limits.burst).unwrap_or(i32::MAX)
        );
        limited.execute(self.engine().access()).await?;
        self.engine().hint();
        Ok(())
    }
}

/// What these connections, all of one account and CRM, say of their lanes: that of leads that name their
/// CRM account, and that of leads that name none, where those go through one of them.
fn limits_of<'a>(
    connections: impl IntoIterator<Item = &'a Connection>,
) -> BTreeMap<Option<&'a str>, LaneLimits> {
    let all: Vec<_> = connections.into_iter().collect();
    let named = all.iter().filter(|one| one.crm_account_id.is_some());
    let mut lanes: BTreeMap<_, _> = named.map(|one| (account_id(one), limits(one))).collect();
    let unnamed = meant_by_none(&all).map(|one| (None, limits(one)));
    lanes.extend(unnamed);
    lanes
}

/// The connection that leads go through which name no CRM account.
fn meant_by_none<'a>(all: &[&'a Connection]) -> Option<&'a Connection> {
    let best = all.iter().map(|one| one.state.rank()).min();
    let mut counts = all.iter().filter(|one| Some(one.state.rank()) == best);
    let made_without = counts.clone().find(|one| one.crm_account_id.is_none());
    made_without
        .or_else(|| counts.next().filter(|_| counts.next().is_none()))
        .copied()
}

fn account_id(connection: &Connection) -> Option<&str> {
    connection.crm_account_id.as_deref()
}

/// What a connection sets, and what is usual for its CRM where it sets nothing.
fn limits(connection: &Connection) -> LaneLimits {
    let delivery = &connection.settings.delivery;
    let pace = match delivery.leads_per_minute {
        Some(leads) => LaneLimits {
            gap: Some(Duration::from_secs(60) / leads.max(1)),
            ..unlimited()
        },
        None => usual_limits(&connection.crm),
    };
    LaneLimits {
        max_running: delivery.max_at_once,
        ..pace
    }
}
