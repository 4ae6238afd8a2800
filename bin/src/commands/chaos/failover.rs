//! The primary dies for good, and a standby takes its place that has not received everything.
//!
//! What such a standby misses is lost, answers to callers included: that is what replication which
//! nobody waits for means. So callers send again what they sent lately, as they do after such a
//! failover, and whatever the lost runs have done in the CRM must be found there and not made again.

use super::chronicle::{Chronicle, Outage};
use super::outages::refused_writes;
use super::sender::Sender;
use super::stage::Stage;
use leadrail_postgres::PrivateServer;
use std::time::Duration;

/// For so long the standby receives nothing before the primary dies.
const LAGS_FOR: Duration = Duration::from_millis(1_500);

/// Whether it came to a failover; not while the standby is behind of its own accord.
///
/// # Errors
/// When the standby cannot take over.
pub(super) async fn strike(
    stage: &Stage,
    standby: &PrivateServer,
    sender: &Sender<'_>,
    chronicle: &Chronicle,
) -> anyhow::Result<bool> {
    let primary = &stage.rig.postgres;
    let known = sender.accepted();
    if !standby.is_in_step_with(primary).await.unwrap_or(false) {
        return Ok(false);
    }
    let from = chronicle.now();
    standby.cut_off().await?;
    tokio::time::sleep(LAGS_FOR).await;
    let between_requests = sender.between_requests().await;
    if sender.is_done() {
        // Nobody would send again what is lost: that no failover struck will be seen.
        return Ok(true);
    }
    let refused = refused_writes(stage);
    primary.kill().await?;
    standby.promote().await?;
    stage.fail_over(standby);
    sender.send_again_from(known);
    drop(between_requests);
    let until = chronicle.now();
    let mut events = chronicle.events();
    events.fenced_writes += refused;
    events.failovers += 1;
    events.outages.push(Outage { from, until });
    Ok(true)
}
