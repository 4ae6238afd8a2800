//! `leadrail connection disable`: switches a connection off.

use super::open;
use crate::config::Config;
use crate::output;
use leadrail_connections::ConnectionId;

/// Switches a connection off: its leads wait until it is added again.
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
    let (connections, _) = open(config).await?;
    let news = connections.disable(args.id, &args.why).await?;
    if args.json {
        return output::json(&connections.get(args.id).await?);
    }
    output::line(match news {
        true => "it is off; its leads wait until it is added again",
        false => "it was off already",
    })
}
