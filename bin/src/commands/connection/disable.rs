//! `leadrail connection disable`: switches a connection off.

use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output;
use leadrail_connections::ConnectionId;

/// Switches a connection off: its leads wait until it is on again.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail connection disable 0b2f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10 --why 'contract ended'"
)]
pub(crate) struct DisableArgs {
    /// The connection; `leadrail connection list` shows them.
    id: ConnectionId,
    /// Why, for whoever looks at it later.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "switched off on the command line"
    )]
    why: String,
    /// Prints the connection as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &DisableArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk_with_vault(config).await?;
    let who = actor::command_line();
    let disabled = desk.disable(&who, args.id, &args.why).await;
    let news = disabled.map_err(told)?;
    if args.json {
        return output::json(&desk.connection(args.id).await.map_err(told)?);
    }
    output::line(match news {
        true => "it is off; its leads wait until `leadrail connection enable` switches it on",
        false => "it was off already",
    })
}
