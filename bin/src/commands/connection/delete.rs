//! `leadrail connection delete`: takes a connection away, with its secrets.

use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::{told, usage};
use crate::output;
use leadrail_connections::ConnectionId;

/// Takes a connection away, with its secrets. Leads that are addressed to it wait for another one.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail connection delete 0b2f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10 --yes\n\nThis cannot be undone; `leadrail connection disable` can."
)]
pub(crate) struct DeleteArgs {
    /// The connection; `leadrail connection list` shows them.
    id: ConnectionId,
    /// Says that it is meant.
    #[arg(long)]
    yes: bool,
    /// Prints `{"deleted": ID}`.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &DeleteArgs, config: &Config) -> anyhow::Result<()> {
    if !args.yes {
        return Err(usage(
            "the secrets cannot be had back; add --yes if it is meant, or disable the connection",
        ));
    }
    let desk = database::desk_with_vault(config).await?;
    let who = actor::command_line();
    desk.delete_connection(&who, args.id).await.map_err(told)?;
    match args.json {
        true => output::json(&serde_json::json!({"deleted": args.id})),
        false => output::line("it is gone, with its secrets"),
    }
}
