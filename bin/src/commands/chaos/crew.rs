//! The workers: processes of this program that may be killed, frozen and thawed.

use super::chronicle::{Blow, Chronicle};
use super::plan::{LEASE, Plan, WORKERS};
use super::stage::Stage;
use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::PgPool;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::Child;
use uuid::Uuid;

/// A worker that woke is left alone for so long: it is to try what it still wants to write.
const SPARED: Duration = Duration::from_millis(2_500);
/// A database that does not say who a worker is within this is away.
const ASK_WITHIN: Duration = Duration::from_millis(300);

/// Detailed enough for a worker to say that it was taken over.
const LOG: &str = "warn,leadrail_engine=info,apalis_core=info";

pub(super) struct Crew<'a> {
    slots: u32,
    stage: &'a Stage,
    chronicle: &'a Chronicle,
    members: Vec<Member>,
}

struct Member {
    name: String,
    process: Child,
    /// When it is to be thawed.
    frozen_until: Option<Instant>,
    spared_until: Instant,
}

impl<'a> Crew<'a> {
    pub(super) fn start(
        plan: &Plan,
        stage: &'a Stage,
        chronicle: &'a Chronicle,
    ) -> anyhow::Result<Self> {
        let slots = plan.slots();
        let members = (0..WORKERS).map(|number| {
            let name = format!("worker-{number}");
            Ok(Member {
                process: spawn(stage, &name, slots)?,
                name,
                frozen_until: None,
                spared_until: Instant::now(),
            })
        });
        let members = members.collect::<anyhow::Result<_>>()?;
        Ok(Self {
            slots,
            stage,
            chronicle,
            members,
        })
    }

    /// Those that may be struck now.
    pub(super) fn at_hand(&self) -> Vec<usize> {
        let now = Instant::now();
        let free = self
            .members
            .iter()
            .enumerate()
            .filter(|(_, member)| member.frozen_until.is_none() && member.spared_until <= now);
        free.map(|(index, _)| index).collect()
    }

    pub(super) fn frozen(&self) -> usize {
        let frozen = self.members.iter();
        frozen
            .filter(|member| member.frozen_until.is_some())
            .count()
    }

    /// `kill -9`, and another one in its place. One that is still starting holds nothing and is left.
    pub(super) async fn kill(&mut self, index: usize) -> anyhow::Result<()> {
        let Some(blow) = self.aim(index).await else {
            return Ok(());
        };
        let member = &mut self.members[index];
        member
            .process
            .kill()
            .await
            .with_context(|| format!("{} could not be killed", member.name))?;
        self.chronicle.events().kills.push(blow);
        member.process = spawn(self.stage, &member.name, self.slots)?;
        Ok(())
    }

    /// Stops it for longer than its lease.
    pub(super) async fn freeze(&mut self, index: usize, time: Duration) {
        let Some(blow) = self.aim(index).await else {
            return;
        };
        let member = &mut self.members[index];
        member.signal(Signal::STOP);
        member.frozen_until = Some(Instant::now() + time);
        self.chronicle.events().freezes.push(blow);
    }

    /// When the next one is to be thawed.
    pub(super) fn next_thaw(&self) -> Option<Instant> {
        let times = self.members.iter().filter_map(|member| member.frozen_until);
        times.min()
    }

    /// Lets those go on whose time has come.
    pub(super) fn thaw(&mut self, now: Instant) {
        for member in &mut self.members {
            if member.frozen_until.is_some_and(|until| until <= now) {
                member.signal(Signal::CONT);
                member.frozen_until = None;
                member.spared_until = Instant::now() + SPARED;
            }
        }
    }

    /// Waits until every frozen one has had its time, so that none wakes before it was taken over.
    pub(super) async fn thaw_all(&mut self) {
        while let Some(at) = self.next_thaw() {
            tokio::time::sleep_until(at.into()).await;
            self.thaw(Instant::now());
        }
    }

    /// Replaces whoever ended by itself, which none should, and looks how large they are.
    pub(super) fn muster(&mut self) -> anyhow::Result<()> {
        let mut largest = 0;
        for member in &mut self.members {
            if !matches!(member.process.try_wait(), Ok(None)) {
                self.chronicle.events().quitters += 1;
                member.process = spawn(self.stage, &member.name, self.slots)?;
            }
            largest = largest.max(member.process.id().map_or(0, rss_kib));
        }
        let mut events = self.chronicle.events();
        events.largest_rss_kib = events.largest_rss_kib.max(largest);
        Ok(())
    }

    /// Ends them all.
    pub(super) async fn dismiss(mut self) {
        for member in &mut self.members {
            let _ = member.process.kill().await;
        }
    }

    /// Who it is, before it is struck; `None` if the database says that it does not know it yet.
    async fn aim(&self, index: usize) -> Option<Blow> {
        let pid = self.members[index].process.id().unwrap_or_default();
        let asking = ids(self.stage.rig.engine.pool(), pid);
        let known = tokio::time::timeout(ASK_WITHIN, asking).await;
        let known = known.ok().and_then(Result::ok);
        if known.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        Some(Blow {
            workers: known.unwrap_or_default(),
            at: self.chronicle.now(),
        })
    }
}

impl Member {
    fn signal(&self, signal: Signal) {
        let id = self.process.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = id.and_then(Pid::from_raw) {
            // One that has just ended cannot be reached, and muster finds that out.
            let _ = kill_process(pid, signal);
        }
    }
}

async fn ids(pool: &PgPool, pid: u32) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar("select id from leadrail.worker where pid = $1")
        .bind(i64::from(pid))
        .fetch_all(pool)
        .await
}

fn spawn(stage: &Stage, name: &str, slots: u32) -> anyhow::Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(log_file(&stage.rig.folder, name))?;
    stage
        .rig
        .worker_process(name, slots)?
        .env("LEADRAIL_WORKER_LEASE", format!("{}s", LEASE.as_secs()))
        .env("LEADRAIL_WORKER_POLL", "200ms")
        .env("LEADRAIL_WORKER_THROTTLE_DEFAULT", "500ms")
        .env("LEADRAIL_LOG", LOG)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .with_context(|| format!("{name} cannot be started"))
}

fn log_file(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join(format!("{name}.log"))
}

/// What all workers of a run have logged.
pub(super) fn logs(folder: &Path) -> String {
    let names = (0..WORKERS).map(|number| format!("worker-{number}"));
    names
        .map(|name| std::fs::read_to_string(log_file(folder, &name)).unwrap_or_default())
        .collect()
}

/// Its memory as Linux counts it; 0 elsewhere.
fn rss_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}
