//! Fills the database's disk for a while: it takes sessions, and writes fail.

use super::chronicle::{Chronicle, Outage};
use super::stage::Stage;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What the workers may write until their sessions are cut, and more.
const ROOM: u64 = 256 << 10;

/// Whether the disk was full for so long, or until all is to be calm; not while the tables are small.
///
/// # Errors
/// When the server's disk cannot be filled on this machine.
pub(super) async fn fill(
    stage: &Stage,
    chronicle: &Chronicle,
    lasts: Duration,
    calm: &CancellationToken,
) -> anyhow::Result<bool> {
    let postgres = stage.postgres();
    let from = chronicle.now();
    if !postgres.fill_disk(ROOM).await? {
        return Ok(false);
    }
    let _ = calm.run_until_cancelled(tokio::time::sleep(lasts)).await;
    postgres.free_disk().await?;
    let until = chronicle.now();
    let refused = refused_writes(stage);
    let mut events = chronicle.events();
    events.full_disks.push(Outage { from, until });
    events.writes_without_room += refused;
    Ok(true)
}

/// Writes that failed for want of room since the server's last start, as its log tells of them.
fn refused_writes(stage: &Stage) -> u64 {
    let log = stage.server_log();
    let refused = log
        .lines()
        .filter(|line| line.contains("ERROR:") && line.contains("could not extend file"));
    refused.count() as u64
}
