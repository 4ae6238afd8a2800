//! One worker: a process of this program.

use super::clocks;
use super::later_build;
use super::plan::{GRACE, LEASE, WORKERS};
use super::stage::Stage;
use crate::Process;
use crate::rig::Rig;
use anyhow::Context as _;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A worker and what is being done to it.
pub(super) struct Member {
    number: usize,
    /// How many deploys it has seen: each brings another build.
    build: usize,
    pub(super) name: String,
    pub(super) process: Process,
    pub(super) frozen: Option<Frozen>,
    pub(super) spared_until: Instant,
    /// When it was sent a SIGTERM.
    pub(super) asked_to_end: Option<Instant>,
}

/// A worker that is stopped.
pub(super) struct Frozen {
    /// When it is to be thawed at the latest.
    pub(super) until: Instant,
    /// It is thawed as soon as none of these is known to the database any more; not before its time
    /// if there are none.
    pub(super) incarnations: Vec<Uuid>,
}

/// How a worker ended that nobody killed.
pub(super) enum Ended {
    /// It was asked to and said that all is well, after this time.
    InOrder(Duration),
    /// It was asked to, and did not or not in order.
    NotInOrder,
    /// Nobody had asked.
    Unasked,
}

impl Member {
    pub(super) fn start(stage: &Stage, number: usize, slots: u32) -> anyhow::Result<Self> {
        Ok(Self {
            number,
            build: 0,
            name: name(number),
            process: spawn(stage, number, 0, slots)?,
            frozen: None,
            spared_until: Instant::now(),
            asked_to_end: None,
        })
    }

    /// Another process in its place; of the newest build if this one was asked to end.
    pub(super) fn start_again(
        &mut self,
        stage: &Stage,
        newest: usize,
        slots: u32,
    ) -> anyhow::Result<()> {
        if self.asked_to_end.is_some() {
            self.build = newest;
        }
        stage.proxy.door(self.number).is_taken();
        self.process = spawn(stage, self.number, self.build, slots)?;
        self.asked_to_end = None;
        Ok(())
    }

    /// Whether it may be struck now.
    pub(super) fn is_at_hand(&self, now: Instant) -> bool {
        self.frozen.is_none() && self.asked_to_end.is_none() && self.spared_until <= now
    }

    /// How it ended, if it did. One that was asked to and stays for longer than this is killed.
    pub(super) async fn has_ended(&mut self, within: Duration) -> anyhow::Result<Option<Ended>> {
        let status = self.process.ended()?;
        let Some(asked) = self.asked_to_end.map(|asked| asked.elapsed()) else {
            return Ok(status.map(|_| Ended::Unasked));
        };
        match status {
            Some(status) if status.success() => Ok(Some(Ended::InOrder(asked))),
            Some(status) => {
                tracing::error!("{} ended with {status} when asked to", self.name);
                Ok(Some(Ended::NotInOrder))
            }
            None if asked > within => {
                tracing::error!("{} was asked to end and did not", self.name);
                self.process.kill().await?;
                Ok(Some(Ended::NotInOrder))
            }
            None => Ok(None),
        }
    }

    /// Asks it to end.
    pub(super) fn ask_to_end(&mut self) {
        self.process.terminate();
        self.asked_to_end = Some(Instant::now());
    }

    /// Stops it.
    pub(super) fn freeze(&mut self, frozen: Frozen) {
        self.process.freeze();
        self.frozen = Some(frozen);
    }

    /// Lets it go on, and be for so long.
    pub(super) fn thaw(&mut self, spared: Duration) {
        self.process.thaw();
        self.frozen = None;
        self.spared_until = Instant::now() + spared;
    }
}

fn name(number: usize) -> String {
    format!("worker-{number}")
}

fn spawn(stage: &Stage, number: usize, build: usize, slots: u32) -> anyhow::Result<Process> {
    let name = name(number);
    let mut command = stage.rig.worker_process(&program(build), &name, slots);
    clocks::set(&mut command, number);
    command
        .env("DATABASE_URL", stage.proxy.url(number))
        .env("LEADRAIL_WORKER_LEASE", format!("{}s", LEASE.as_secs()))
        .env("LEADRAIL_WORKER_GRACE", format!("{}s", GRACE.as_secs()))
        .env("LEADRAIL_WORKER_POLL", "200ms")
        .env("LEADRAIL_WORKER_THROTTLE_DEFAULT", "500ms");
    let process = Process::spawn(command, &stage.rig.log(&name));
    process.with_context(|| format!("{name} cannot be started"))
}

/// The command that stands for a build.
fn program(build: usize) -> Vec<String> {
    match build {
        0 => vec!["worker".to_owned()],
        changes => {
            let changes = changes.to_string();
            vec![
                later_build::COMMAND.to_owned(),
                "--changes".to_owned(),
                changes,
            ]
        }
    }
}

/// What each worker of a run has logged, all its processes together, by its name.
pub(super) fn logs(rig: &Rig) -> impl Iterator<Item = (String, String)> {
    (0..WORKERS).map(name).map(|name| {
        let log = std::fs::read_to_string(rig.log(&name));
        (name, log.unwrap_or_default())
    })
}
