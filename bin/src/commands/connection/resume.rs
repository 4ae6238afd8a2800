//! `leadrail connection resume`: ends a connection's pause.

use super::released;
use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use leadrail_connections::ConnectionId;

/// Ends a pause: the leads that waited go out, ten a minute, the urgent first.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail connection resume 0b2f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10"
)]
pub(crate) struct ResumeArgs {
    /// The connection; `leadrail connection list` shows them.
    id: ConnectionId,
    /// Prints the connection as JSON, with the number of leads that go out.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &ResumeArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk_with_vault(config).await?;
    let who = actor::command_line();
    let leads = desk.resume_connection(&who, args.id).await.map_err(told)?;
    desk.tell_workers().await;
    let connection = desk.connection(args.id).await.map_err(told)?;
    released::say(connection, leads, args.json)
}
