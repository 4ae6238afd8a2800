//! `leadrail connection`: the accounts' ways into their CRMs.

mod add;
mod disable;
mod list;
mod test;

use crate::config::Config;
use crate::database;
use clap::Subcommand;
use leadrail_connections::{Connection, Connections};
use leadrail_engine::Engine;
use leadrail_workflows::gate_of;
use std::time::Duration;

#[derive(Subcommand)]
pub(crate) enum ConnectionCommand {
    Add(add::AddArgs),
    List(list::ListArgs),
    Test(test::TestArgs),
    Disable(disable::DisableArgs),
}

pub(crate) async fn run(command: ConnectionCommand, config: &Config) -> anyhow::Result<()> {
    match command {
        ConnectionCommand::Add(args) => add::run(args, config).await,
        ConnectionCommand::List(args) => list::run(args, config).await,
        ConnectionCommand::Test(args) => test::run(&args, config).await,
        ConnectionCommand::Disable(args) => disable::run(&args, config).await,
    }
}

/// Leads that waited for a connection go out this far apart: ten a minute.
pub(crate) const RELEASE_SPACING: Duration = Duration::from_secs(6);

/// The connections and the engine on the configured database.
async fn open(config: &Config) -> anyhow::Result<(Connections, Engine)> {
    let vault = config.need_vault_key()?;
    let pool = database::connect_migrated(config).await?;
    Ok((Connections::new(pool.clone(), vault), Engine::new(pool)))
}

/// Lets the leads go out that waited for this connection, `spacing` apart; how many. A lead whose
/// worker has read the connection as it was a moment ago goes on too: the engine remembers when a
/// gate was opened.
pub(crate) async fn release(
    engine: &Engine,
    connection: &Connection,
    spacing: Duration,
) -> anyhow::Result<u32> {
    let (account, crm) = (&connection.account, &connection.crm);
    Ok(engine.open_gate(&gate_of(account, crm), spacing).await?)
}
