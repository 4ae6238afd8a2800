//! A vault key that a command prints, such as a secret manager's.

use crate::failure::usage;
use secrecy::SecretString;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// More than any key has.
const MAX_BYTES: u64 = 64 * 1024;

/// A command of the shell that prints a key.
pub(super) struct KeyCommand {
    /// Under which key of the configuration it stands.
    key: String,
    line: String,
    /// What it printed: it is run once a process.
    printed: OnceLock<SecretString>,
}

impl KeyCommand {
    pub(super) fn new(key: String, line: String) -> Self {
        Self {
            key,
            line,
            printed: OnceLock::new(),
        }
    }

    /// What it prints. What it says on standard error is shown as it is, what it prints never.
    ///
    /// # Errors
    /// A wrong use that names the key of the configuration.
    pub(super) fn output(&self) -> anyhow::Result<&SecretString> {
        if let Some(printed) = self.printed.get() {
            return Ok(printed);
        }
        let printed = self.run()?;
        Ok(self.printed.get_or_init(|| printed))
    }

    fn run(&self) -> anyhow::Result<SecretString> {
        let key = &self.key;
        let mut child = Command::new("sh")
            .args(["-c", &self.line])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| usage(format!("{key} cannot be run: {error}")))?;
        // All the room at once: a growing text would leave copies of the key behind.
        let mut printed = String::with_capacity(MAX_BYTES as usize);
        let stdout = child.stdout.take();
        let read = stdout.map(|stdout| stdout.take(MAX_BYTES).read_to_string(&mut printed));
        let printed = SecretString::from(printed);
        let ended = child.wait();
        match (read, ended) {
            (Some(Ok(_)), Ok(status)) if status.success() => Ok(printed),
            (_, Ok(status)) if !status.success() => Err(usage(format!(
                "{key} ended with {status}; run it by hand to see why"
            ))),
            _ => Err(usage(format!(
                "{key} printed no text; run it by hand to see what"
            ))),
        }
    }
}
