//! `leadrail connection list`: the connections there are.

use crate::commands::lead::time;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output::{self, or_dash};
use leadrail_connections::{Connection, ConnectionFilter, ConnectionState};

/// Lists connections, without their secrets.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail connection list --state needs_reauth")]
pub(crate) struct ListArgs {
    /// Only this account's.
    #[arg(long)]
    account: Option<String>,
    /// Only those to this CRM.
    #[arg(long)]
    crm: Option<String>,
    /// Only those in this state: active, needs_reauth or disabled.
    #[arg(long, value_parser = state)]
    state: Option<ConnectionState>,
    /// Prints a JSON array.
    #[arg(long)]
    json: bool,
}

fn state(text: &str) -> Result<ConnectionState, String> {
    let all = [
        ConnectionState::Active,
        ConnectionState::NeedsReauth,
        ConnectionState::Disabled,
    ];
    let found = all.into_iter().find(|state| state.as_str() == text);
    found.ok_or_else(|| "use active, needs_reauth or disabled".to_owned())
}

pub(crate) async fn run(args: ListArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let filter = ConnectionFilter {
        account: args.account,
        crm: args.crm,
        state: args.state,
    };
    let found = desk.list_connections(&filter).await.map_err(told)?;
    if args.json {
        return output::json(&found);
    }
    if found.is_empty() {
        return output::line("no such connections; `leadrail connection add` makes one");
    }
    output::line(table(&found).trim_fmt())
}

fn table(connections: &[Connection]) -> comfy_table::Table {
    let mut table = output::table(&[
        "id",
        "account",
        "crm",
        "crm account",
        "state",
        "why",
        "verified (UTC)",
    ]);
    for connection in connections {
        table.add_row([
            connection.id.to_string(),
            connection.account.clone(),
            connection.crm.clone(),
            or_dash(connection.crm_account_id.as_ref()),
            connection.state.to_string(),
            or_dash(connection.state_reason.as_ref()),
            or_dash(connection.last_verified_at.map(time)),
        ]);
    }
    table
}
