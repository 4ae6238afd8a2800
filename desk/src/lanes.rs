//! Lanes: what runs queue behind together, and what holds it back.

use crate::actor::{Action, Actor};
use crate::audit::Change;
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult, has_nul};
use leadrail_engine::{LaneLimits, LaneView};
use serde_json::{Value, json};

impl Desk {
    /// All lanes with live runs, dead letters or a setting, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn lanes(&self) -> DeskResult<Vec<LaneView>> {
        Ok(self.engine().lanes().await?)
    }

    /// Stops a lane: its runs stay queued, those that run go on. False when it was stopped already.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for a name that is none or of no lane, or when the database cannot be written.
    pub async fn pause_lane(&self, who: &Actor, lane: &str) -> DeskResult<bool> {
        let lane = self.known(named(lane)?).await?;
        let news = self.engine().pause_lane(lane).await?;
        let change = Change::between(json!({"paused": !news}), json!({"paused": true}));
        self.note_change(who, Action::LanePause, (&lane, &news), change)
            .await;
        Ok(news)
    }

    /// Lets a lane go on, also one that its CRM wanted to be left alone. False when it did.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for the name, or when the database cannot be written.
    pub async fn resume_lane(&self, who: &Actor, lane: &str) -> DeskResult<bool> {
        let news = self.engine().resume_lane(named(lane)?).await?;
        let change = Change::between(json!({"held": news}), json!({"held": false}));
        self.note_change(who, Action::LaneResume, (&lane, &news), change)
            .await;
        Ok(news)
    }

    /// A lane that has runs or a setting, or into which leads of a connection would go: whoever stops
    /// another one has mistyped it, and believes that it is stopped.
    async fn known<'a>(&self, lane: &'a str) -> DeskResult<&'a str> {
        let is_a_connections = sqlx::query_scalar!(
            r#"
            select exists (
                select from leadrail.connection c
                where $1 in (
                    leadrail.lane_of(c.account, c.crm, c.crm_account_id),
                    leadrail.lane_of(c.account, c.crm, null)
                )
            ) as "is!"
            "#,
            lane
        );
        let is_a_connections = is_a_connections.fetch_one(self.engine().pool()).await?;
        if is_a_connections || self.lanes().await?.iter().any(|known| known.lane == lane) {
            return Ok(lane);
        }
        let rule =
            "no run and no connection has a lane of this name; look for it in the list of lanes";
        Err(DeskError::refused("lane", rule))
    }

    /// A lane's limits as the audit log has them; none where it has no setting.
    async fn limits_of(&self, lane: &str) -> DeskResult<Option<Value>> {
        let limits = sqlx::query_scalar!(
            r#"
            select jsonb_build_object(
                       'max_running', l.max_running, 'burst', l.burst,
                       'gap_seconds', extract(epoch from l.gap)
                   ) as "limits!"
            from leadrail.lane l
            where l.name = $1
            "#,
            lane
        );
        Ok(limits.fetch_optional(self.engine().access()).await?)
    }

    /// Sets how many runs of a lane may start, over all workers; what is not given is unlimited.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for the name, or when the database refuses a limit or cannot be written.
    pub async fn limit_lane(&self, who: &Actor, lane: &str, limits: &LaneLimits) -> DeskResult<()> {
        let before = self.limits_of(named(lane)?).await?;
        self.engine().limit_lane(lane, limits).await?;
        let change = Change {
            before,
            after: self.limits_of(lane).await?,
            why: None,
        };
        self.note_change(who, Action::LaneLimit, (&lane, &"set"), change)
            .await;
        Ok(())
    }
}

/// What the database would refuse, said before.
fn named(lane: &str) -> DeskResult<&str> {
    match (1..=500).contains(&lane.chars().count()) && !has_nul(lane) {
        true => Ok(lane),
        false => Err(DeskError::refused(
            "lane",
            "a lane's name has 1 to 500 characters",
        )),
    }
}
