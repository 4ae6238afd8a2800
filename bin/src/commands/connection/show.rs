//! `leadrail connection show`: everything about one connection but its secrets.

use crate::commands::lead::time;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output::{self, or_dash};
use leadrail_connections::ConnectionId;
use leadrail_desk::ListedConnection;

/// Shows one connection: its state and why, when the CRM last accepted it, its settings, who waits.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail connection show 0b2f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10")]
pub(crate) struct ShowArgs {
    /// The connection; `leadrail connection list` shows them.
    id: ConnectionId,
    /// Prints it as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &ShowArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let connection = desk.connection(args.id).await.map_err(told)?;
    let listed = desk.with_queue(connection).await.map_err(told)?;
    if args.json {
        return output::json(&listed);
    }
    let mut table = output::table(&["what", "is"]);
    for (what, is) in rows(&listed)? {
        table.add_row([what, is]);
    }
    output::line(table.trim_fmt())
}

fn rows(listed: &ListedConnection) -> anyhow::Result<Vec<(String, String)>> {
    let ListedConnection { connection, queue } = listed;
    let state = match &connection.state_reason {
        Some(why) => format!("{}: {why}", connection.state),
        None => connection.state.to_string(),
    };
    let url = connection.base_url.as_ref().map(ToString::to_string);
    let mut rows = vec![
        ("id", connection.id.to_string()),
        ("account", connection.account.clone()),
        ("crm", connection.crm.clone()),
        ("crm account", or_dash(connection.crm_account_id.as_ref())),
        ("address", or_dash(url)),
        ("way in", connection.auth_method.clone()),
        ("state", state),
        ("since (UTC)", time(connection.state_changed_at)),
        (
            "verified (UTC)",
            or_dash(connection.last_verified_at.map(time)),
        ),
        ("verified as", or_dash(connection.verified_name.as_ref())),
        ("waiting leads", queue.waiting.to_string()),
        ("going out", queue.released.to_string()),
        ("revision", connection.revision.to_string()),
    ]
    .into_iter()
    .map(|(what, is)| (what.to_owned(), is))
    .collect::<Vec<_>>();
    let settings = serde_json::to_value(&connection.settings)?;
    for (name, value) in settings.as_object().into_iter().flatten() {
        rows.push((name.clone(), value.to_string()));
    }
    Ok(rows)
}
