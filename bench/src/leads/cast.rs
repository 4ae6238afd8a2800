//! The processes that take part: a simulated CRM and a worker.

use super::{ACCOUNT, LeadsOptions, cpu_us_of_process};
use anyhow::Context as _;
use leadrail_connections::{Connections, VaultKey};
use leadrail_engine::Engine;
use leadrail_rig::Process;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long processes may take to come up on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// As connections have it that say nothing of it.
const CALL_TIMEOUT_MS: u64 = 20_000;
const SETTLE_SECONDS: u64 = 60;
const WORKER: &str = "bench";

pub(super) struct Cast {
    crm: Process,
    worker: Process,
    records: String,
    /// Removed with this value.
    _folder: TempDir,
}

impl Cast {
    /// Starts both, the account connected.
    pub(super) async fn up(
        engine: &Engine,
        url: &str,
        options: &LeadsOptions,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (crm, sim_url) = crm_sim(options, folder.path()).await?;
        let key = VaultKey::generate()?;
        let key_file = folder.path().join("vault.key");
        key.write_new(&key_file)?;
        let place = options.place;
        lift_limits(&sim_url, place.crm).await?;
        let new = place.connection(&sim_url, ACCOUNT, CALL_TIMEOUT_MS, SETTLE_SECONDS);
        let connections = Connections::new(engine.pool().clone(), key);
        connections.add(new).await?;
        let worker = worker(options, folder.path(), url, &key_file)?;
        until_registered(engine, &worker).await?;
        Ok(Self {
            crm,
            worker,
            records: format!("{sim_url}/_sim/{}/records", place.crm),
            _folder: folder,
        })
    }

    pub(super) fn worker_cpu_us(&self) -> f64 {
        cpu_us_of_process(self.worker.pid().unwrap_or_default())
    }

    pub(super) fn crm_cpu_us(&self) -> f64 {
        cpu_us_of_process(self.crm.pid().unwrap_or_default())
    }

    /// The CRM's books.
    #[expect(clippy::disallowed_methods, reason = "the simulator is called")]
    pub(super) async fn records(&self) -> anyhow::Result<Value> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let answer = client.get(&self.records).send().await?;
        let body = answer.error_for_status()?.bytes().await?;
        Ok(serde_json::from_slice(&body)?)
    }

    /// Lets the worker drain and takes the CRM down.
    pub(super) async fn down(mut self) -> anyhow::Result<()> {
        self.worker.terminate();
        let status = self.worker.wait().await?;
        anyhow::ensure!(status.success(), "the worker ended with {status}");
        Ok(self.crm.kill().await?)
    }
}

async fn crm_sim(options: &LeadsOptions, folder: &Path) -> anyhow::Result<(Process, String)> {
    let mut command = options.program.command(folder);
    command.args(["crm-sim", "--listen", "127.0.0.1:0", "--json"]);
    let mut process = Process::spawn(command, &folder.join("crm-sim.log"))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let said = serde_json::from_str::<Value>(process.output().trim());
        if let Some(address) = said.ok().as_ref().and_then(|said| said["listen"].as_str()) {
            return Ok((process, format!("http://{address}")));
        }
        still_there(&mut process, deadline)?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A CRM that counts requests or points would be measured instead of us. One without limits says so.
#[expect(clippy::disallowed_methods, reason = "the simulator is called")]
async fn lift_limits(sim_url: &str, crm: &str) -> anyhow::Result<()> {
    let none = 1_000_000_000;
    let limits = json!({
        "company": ACCOUNT, "maximum": none, "available": none, "restore_rate": none, "requests": none,
    });
    let client = reqwest::Client::builder().no_proxy().build()?;
    let call = client.post(format!("{sim_url}/_sim/{crm}/limits"));
    let call = call.header("content-type", "application/json");
    let answer = call.body(limits.to_string()).send().await?;
    let status = answer.status();
    let known = status.is_success() || status == reqwest::StatusCode::NOT_FOUND;
    anyhow::ensure!(known, "the simulated CRM kept its limits: {status}");
    Ok(())
}

fn worker(
    options: &LeadsOptions,
    folder: &Path,
    url: &str,
    key_file: &Path,
) -> anyhow::Result<Process> {
    let mut command = options.program.command(folder);
    command
        .args(["worker", "--name", WORKER, "--concurrency"])
        .arg(options.inflight.to_string())
        .env("DATABASE_URL", url)
        .env("LEADRAIL_VAULT_KEY_FILE", key_file)
        .env("LEADRAIL_OUTBOUND_ALLOW", "127.0.0.0/8")
        .env("LEADRAIL_LOG", "warn");
    let log = folder.join("worker.log");
    Process::spawn(command, &log).context("the worker cannot be started")
}

async fn until_registered(engine: &Engine, worker: &Process) -> anyhow::Result<()> {
    let pid = worker.pid().context("the worker ended at once")?;
    let deadline = Instant::now() + PATIENCE;
    while !engine.has_worker(WORKER, pid).await? {
        anyhow::ensure!(
            Instant::now() < deadline,
            "the worker did not come up: {}",
            worker.output()
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn still_there(process: &mut Process, deadline: Instant) -> anyhow::Result<()> {
    anyhow::ensure!(
        !process.has_ended() && Instant::now() < deadline,
        "the simulated CRM did not come up: {}",
        process.output()
    );
    Ok(())
}
