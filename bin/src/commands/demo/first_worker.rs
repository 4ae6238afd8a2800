//! The first worker: a process of its own, so that it can truly be killed.

use super::cast::{Cast, KILLED};
use super::stage::Stage;
use anyhow::Context as _;
use serde_json::Value;
use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

/// A worker is ready in a fraction of a second; a machine that needs longer is overloaded.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the CRM's books are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Starts `leadrail worker` and waits until it says that it is ready.
pub(super) async fn start(stage: &Stage) -> anyhow::Result<Child> {
    let log = stage.rig.folder.join("first-worker.log");
    let mut child = stage
        .rig
        .worker_process(&["worker".to_owned()], "first", 16)?
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&log)?)
        .spawn()
        .context("the first worker cannot be started")?;
    let output = child
        .stdout
        .take()
        .context("the first worker has no output")?;
    let mut lines = BufReader::new(output).lines();
    match tokio::time::timeout(PATIENCE, lines.next_line()).await {
        Ok(Ok(Some(_))) => Ok(child),
        _ => anyhow::bail!(
            "the first worker did not get ready; {} says why",
            log.display()
        ),
    }
}

/// Kills it (`kill -9`) when the CRM has taken its leads but has not answered yet.
pub(super) async fn kill_in_the_middle(
    mut worker: Child,
    stage: &Stage,
    cast: &Cast,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while in_books(&stage.rig.books(), &cast.accounts.killed) < KILLED {
        anyhow::ensure!(
            Instant::now() < deadline,
            "the first worker did not file its leads in {PATIENCE:?}; is this machine very busy? Run it again"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
    worker
        .kill()
        .await
        .context("the first worker could not be killed")?;
    Ok(())
}

fn in_books(books: &Value, account: &str) -> usize {
    let leads = books["leads"].as_array().map_or(&[][..], Vec::as_slice);
    let of_account = leads.iter().filter(|lead| lead["company"] == account);
    of_account.count()
}
