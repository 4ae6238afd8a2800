//! `leadrail connection`: the accounts' ways into their CRMs.

mod add;
mod disable;
mod list;
mod prompt;
mod settings;
mod test;

use crate::config::Config;
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum ConnectionCommand {
    Add(add::AddArgs),
    List(list::ListArgs),
    Test(test::TestArgs),
    Disable(disable::DisableArgs),
    Settings(settings::SettingsArgs),
}

pub(crate) async fn run(command: ConnectionCommand, config: &Config) -> anyhow::Result<()> {
    match command {
        ConnectionCommand::Add(args) => add::run(args, config).await,
        ConnectionCommand::List(args) => list::run(args, config).await,
        ConnectionCommand::Test(args) => test::run(&args, config).await,
        ConnectionCommand::Disable(args) => disable::run(&args, config).await,
        ConnectionCommand::Settings(args) => settings::run(&args),
    }
}
