//! The primary dies for good, and a standby takes its place that has not received everything.
//!
//! What such a standby misses is lost, answers to callers included: that is what replication which
//! nobody waits for means. So callers send again what they sent lately, as they do after such a
//! failover, and whatever the lost runs have done in the CRM must be found there and not made again.

use super::chronicle::Outage;
use super::outages::{Outages, refused_writes};
use std::time::Duration;

/// For so long the standby receives nothing before the primary dies.
const LAGS_FOR: Duration = Duration::from_millis(1_500);

impl Outages<'_> {
    /// Whether the standby, if there is one, has taken over; not while it is behind of its own accord.
    ///
    /// # Errors
    /// When the standby cannot take over.
    pub(super) async fn fail_over(&self) -> anyhow::Result<bool> {
        let (stage, primary) = (self.stage, &self.stage.rig.postgres);
        let Some(standby) = &stage.rig.standby else {
            return Ok(true);
        };
        let known = self.sender.accepted();
        if !standby.is_in_step_with(primary).await.unwrap_or(false) {
            return Ok(false);
        }
        let from = self.chronicle.now();
        standby.cut_off().await?;
        tokio::time::sleep(LAGS_FOR).await;
        let between_requests = self.sender.between_requests().await;
        if self.sender.is_done() {
            // Nobody would send again what is lost: that no failover struck will be seen.
            return Ok(true);
        }
        let refused = refused_writes(stage);
        primary.kill().await?;
        standby.promote().await?;
        stage.fail_over(standby);
        self.sender.send_again_from(known);
        drop(between_requests);
        let until = self.chronicle.now();
        let mut events = self.chronicle.events();
        events.fenced_writes += refused;
        events.failovers += 1;
        events.outages.push(Outage { from, until });
        Ok(true)
    }
}
