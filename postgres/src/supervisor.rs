//! The other end of `supervisor.sh`: starts it, tells it what to do, and lets it go.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::account::Account;
use crate::error::{Error, Result};

const SCRIPT: &str = include_str!("supervisor.sh");

/// What the supervisor can be told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Command {
    Init,
    /// Copies the server whose port stands in the file `primary`.
    Copy,
    Promote,
    Start,
    Fast,
    Immediate,
    Kill,
}

impl Command {
    fn word(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Copy => "copy",
            Self::Promote => "promote",
            Self::Start => "start",
            Self::Fast => "fast",
            Self::Immediate => "immediate",
            Self::Kill => "kill",
        }
    }
}

/// A running supervisor. Dropping it closes the pipe, which ends the server.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor(Arc<Mutex<Pipes>>);

#[derive(Debug)]
struct Pipes {
    /// `None` once it was collected, or is being collected elsewhere.
    process: Option<Child>,
    /// `None` once the supervisor was let go.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Starts the supervisor as `account`. `log` carries the lock on the folder: the supervisor
    /// inherits it, so that the folder stays taken until the server in it is down.
    pub(crate) fn spawn(
        account: &Account,
        programs: &Path,
        folder: &Path,
        keep: bool,
        log: File,
    ) -> Result<Self> {
        let mut process = account
            .command("sh")
            .args(["-c", SCRIPT, "supervisor"])
            .arg(programs)
            .arg(folder)
            .arg(if keep { "keep" } else { "remove" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // Ctrl-C on a terminal reaches a whole process group. The owner wants to drain first.
            .process_group(0)
            .spawn()
            .map_err(Error::io("run", "sh"))?;
        let gone = || Error::Supervisor { command: "start" };
        let commands = Some(process.stdin.take().ok_or_else(gone)?);
        let answers = BufReader::new(process.stdout.take().ok_or_else(gone)?);
        Ok(Self(Arc::new(Mutex::new(Pipes {
            process: Some(process),
            commands,
            answers,
        }))))
    }

    /// Has `command` carried out and waits for it. `false` means that it was tried and failed.
    ///
    /// Blocks the thread, for a second or two with [`Command::Init`].
    pub(crate) fn tell(&self, command: Command) -> Result<bool> {
        let mut pipes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = || Error::Supervisor {
            command: command.word(),
        };
        let input = pipes.commands.as_mut().ok_or_else(gone)?;
        writeln!(input, "{}", command.word()).map_err(|_| gone())?;
        let mut answer = String::new();
        pipes.answers.read_line(&mut answer).map_err(|_| gone())?;
        match answer.trim_end() {
            "ok" => Ok(true),
            "failed" => Ok(false),
            _ => Err(gone()),
        }
    }

    /// Ends the server and waits until it is down and a temporary folder is gone.
    pub(crate) fn let_go(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .let_go();
    }
}

impl Pipes {
    fn let_go(&mut self) {
        drop(self.commands.take());
        if let Some(mut process) = self.process.take() {
            let _ = process.wait();
        }
    }
}

impl Drop for Pipes {
    /// The supervisor ends the server by itself. Waiting for it would hold a thread that perhaps
    /// runs other tasks, so another thread collects it.
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(mut process) = self.process.take() {
            thread::spawn(move || process.wait());
        }
    }
}
