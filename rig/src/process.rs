//! A process of the product, and what may be done to it.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};

/// How often it is looked whether one that was killed has gone.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A running process; killed when dropped. What it prints goes to a file.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the command; both its outputs are added to `log`. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the file cannot be written or the program cannot be started.
    pub fn spawn(command: impl Into<Command>, log: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let mut command: Command = command.into();
        let command = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        Ok(Self {
            child: command.spawn()?,
            log: log.to_owned(),
        })
    }

    /// Its process id; `None` once its end was seen.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// `kill -9`, and waits for the end. One that has ended already stays so.
    ///
    /// # Errors
    /// When the system refuses.
    pub async fn kill(&mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// Freezes it (`SIGSTOP`).
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on (`SIGCONT`).
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to end in order (`SIGTERM`).
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for the end, and says how it ended.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub async fn wait(mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// How it ended; `None` while it runs.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.ended(), Ok(None))
    }

    /// Whether it is frozen, as the kernel says; Linux only, false elsewhere.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        let state = self.told("stat");
        state
            .rsplit(") ")
            .next()
            .is_some_and(|rest| rest.starts_with('T'))
    }

    /// Its memory in KiB, as Linux counts it; 0 elsewhere.
    #[must_use]
    pub fn memory_kib(&self) -> u64 {
        let status = self.told("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.unwrap_or_default()
    }

    /// What stands in its log so far, what earlier processes with this log have printed included.
    #[must_use]
    pub fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What the kernel tells of it under this name.
    fn told(&self, what: &str) -> String {
        let pid = self.pid().unwrap_or_default();
        std::fs::read_to_string(format!("/proc/{pid}/{what}")).unwrap_or_default()
    }

    fn signal(&self, signal: Signal) {
        let id = self.pid().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = id.and_then(Pid::from_raw) {
            // One that has just ended cannot be reached, which its end tells.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Process {
    /// Returns when it has gone, so that what it used can be taken down.
    fn drop(&mut self) {
        if self.child.start_kill().is_ok() {
            while matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(LOOK_EVERY);
            }
        }
    }
}
