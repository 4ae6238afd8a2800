//! The first worker: a process of its own, so that it can truly be killed.

use super::cast::{Cast, KILLED};
use super::stage::Stage;
use crate::Process;
use crate::books::leads_of;
use anyhow::Context as _;
use std::time::{Duration, Instant};

/// A worker is ready in a fraction of a second; a machine that needs longer is overloaded.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often its words and the CRM's books are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// What a worker says once it takes runs.
const READY: &str = " is ready for ";

/// Starts `leadrail worker` and waits until it says that it is ready.
pub(super) async fn start(stage: &Stage) -> anyhow::Result<Process> {
    let log = stage.rig.log("first-worker");
    let command = stage
        .rig
        .worker_process(&["worker".to_owned()], "first", 16);
    let worker = Process::spawn(command, &log);
    let mut worker = worker.context("the first worker cannot be started")?;
    let deadline = Instant::now() + PATIENCE;
    while !worker.output().contains(READY) {
        anyhow::ensure!(
            !worker.has_ended() && Instant::now() < deadline,
            "the first worker did not get ready: {}",
            worker.output().trim_end()
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(worker)
}

/// Kills it (`kill -9`) when the CRM has taken its leads but has not answered yet.
pub(super) async fn kill_in_the_middle(
    mut worker: Process,
    stage: &Stage,
    cast: &Cast,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while leads_of(&stage.rig.records(), &cast.accounts.killed) < KILLED {
        anyhow::ensure!(
            Instant::now() < deadline,
            "the first worker did not file its leads in {PATIENCE:?}; is this machine very busy? Run it again"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let killed = worker.kill().await;
    killed.context("the first worker could not be killed")
}
