//! Fills the database's disk for a while: it takes sessions, and writes fail.

use super::chronicle::Outage;
use super::outages::Outages;
use super::stage::Stage;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

/// Longer than any call may take: an intent that waits for room is too late then.
const LASTS: Duration = Duration::from_secs(5);
/// What the workers may write until their sessions are cut, and more.
const ROOM: u64 = 256 << 10;

static LIMITS: LazyLock<bool> = LazyLock::new(|| {
    let mut program = Command::new("prlimit");
    let program = program.arg("--version").stdout(Stdio::null());
    cfg!(target_os = "linux") && program.status().is_ok_and(|status| status.success())
});

/// Whether this machine has what it takes.
pub(super) fn can_be_full() -> bool {
    *LIMITS
}

impl Outages<'_> {
    /// Whether the disk was full for its time, or until all is to be calm; not while the tables are
    /// small.
    ///
    /// # Errors
    /// When the server's disk cannot be filled.
    pub(super) async fn fill_disk(&self) -> anyhow::Result<bool> {
        let postgres = self.stage.postgres();
        let from = self.chronicle.now();
        if !can_be_full() || !postgres.fill_disk(ROOM).await? {
            return Ok(false);
        }
        let lasts = tokio::time::sleep(LASTS);
        let _ = self.calm.run_until_cancelled(lasts).await;
        postgres.free_disk().await?;
        let until = self.chronicle.now();
        let refused = refused_writes(self.stage);
        let mut events = self.chronicle.events();
        events.full_disks.push(Outage { from, until });
        events.writes_without_room += refused;
        Ok(true)
    }
}

/// Writes that failed for want of room since the server's last start, as its log tells of them.
fn refused_writes(stage: &Stage) -> u64 {
    let log = stage.server_log();
    let refused = log
        .lines()
        .filter(|line| line.contains("ERROR:") && line.contains("could not extend file"));
    refused.count() as u64
}
