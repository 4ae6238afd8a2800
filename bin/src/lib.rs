//! The one binary: everything that a person or a script does with Leadrail on a command line.
//!
//! [`main`] reads the command line, then the configuration (`config`), starts the logs and runs one
//! command; each has a file under `commands/`. A command returns an error whose text is one plain
//! sentence and says what to do next; `failure` turns it into the exit code.

mod actor;
mod cli;
mod commands;
mod config;
mod cores;
mod database;
mod failure;
mod logs;
mod output;
mod panics;
mod progress;
mod shutdown;

use clap::Parser as _;
use std::process::ExitCode;

/// Runs the command that the process was started with: exit code 0, 1 (failed) or 2 (wrong use).
///
/// Tests build a binary of their own around it.
#[must_use]
pub fn main() -> ExitCode {
    panics::redact();
    cores::forbid();
    // An error only means that there is a provider already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => {
            let _ = refusal.print();
            return ExitCode::from(u8::try_from(refusal.exit_code()).unwrap_or(2));
        }
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}

fn run(cli: cli::Cli) -> anyhow::Result<()> {
    let config = config::load(&cli)?;
    logs::start(&config, cli.command.is_quiet())?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(commands::run(cli.command, &config))
}
