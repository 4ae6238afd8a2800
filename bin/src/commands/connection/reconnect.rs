//! `leadrail connection reconnect`: new secrets for a connection that is there.

use super::add::{no_way_in, secrets_for};
use super::released;
use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use leadrail_connections::ConnectionId;
use leadrail_desk::{Reconnect, adapter, auth_method};
use std::path::PathBuf;

/// Gives a connection new secrets, once its CRM accepts them. Id, settings and waiting leads stay.
///
/// The secrets are read from standard input or a file, never from the command line; at a terminal they
/// are asked for and not shown. The leads that waited go out, ten a minute, the urgent first.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail connection reconnect 0b2f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10 --secret-file acme.key"
)]
pub(crate) struct ReconnectArgs {
    /// The connection; `leadrail connection list` shows them.
    id: ConnectionId,
    /// Another way in; the present one if not given.
    #[arg(long, value_name = "METHOD")]
    auth: Option<String>,
    /// Another address of the CRM; empty is the CRM's own again.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The file with the secrets.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Takes the secrets of another account than before, too.
    #[arg(long)]
    other_account: bool,
    /// Prints the connection as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: ReconnectArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk_with_vault(config).await?;
    let connection = desk.connection(args.id).await.map_err(told)?;
    let crm = adapter(&connection.crm).map_err(told)?;
    let wanted = args.auth.as_deref().unwrap_or(&connection.auth_method);
    let method = auth_method(crm, Some(wanted)).map_err(no_way_in)?;
    let with = Reconnect {
        secrets: secrets_for(method, args.secret_file.as_deref())?,
        auth_method: args.auth,
        base_url: args.base_url,
        other_account: args.other_account,
    };
    let who = actor::command_line();
    let connected = desk.reconnect(&who, args.id, with).await.map_err(told)?;
    desk.tell_workers().await;
    released::say(connected.connection, connected.released, args.json)
}
