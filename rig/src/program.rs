//! The `leadrail` binary, of which some processes are started.

use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the binary is.
#[derive(Clone, Debug)]
pub struct Program(PathBuf);

impl Program {
    /// The program that this process runs.
    ///
    /// # Errors
    /// When the system does not say which that is.
    pub fn this() -> anyhow::Result<Self> {
        let path = std::env::current_exe();
        let path = path.context("this program cannot find itself to start a worker")?;
        Ok(Self(path))
    }

    /// The program in this file.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// A command of it, not started yet, that works in this folder. It knows nothing of what the
    /// person has configured, which is for another database.
    #[must_use]
    pub fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.0);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LEADRAIL_") || name == "DATABASE_URL" {
                command.env_remove(name);
            }
        }
        command.current_dir(folder);
        command
    }
}
