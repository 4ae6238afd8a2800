//! `leadrail connection pause`: holds a connection's leads back for a while.

use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output;
use leadrail_connections::ConnectionId;

/// Holds the leads of an active connection back until it is resumed. None is lost.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail connection pause 0b2f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10 --why 'moving offices until Monday'"
)]
pub(crate) struct PauseArgs {
    /// The connection; `leadrail connection list` shows them.
    id: ConnectionId,
    /// Why, for whoever looks at it later.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "paused on the command line"
    )]
    why: String,
    /// Prints the connection as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &PauseArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk_with_vault(config).await?;
    let who = actor::command_line();
    let paused = desk.pause_connection(&who, args.id, &args.why).await;
    let news = paused.map_err(told)?;
    if args.json {
        return output::json(&desk.connection(args.id).await.map_err(told)?);
    }
    output::line(match news {
        true => "it is paused; its leads wait until `leadrail connection resume`",
        false => "it was paused already",
    })
}
