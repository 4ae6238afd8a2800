//! `leadrail connection list`: the connections there are.

use crate::commands::lead::time;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output::{self, Column, or_dash};
use leadrail_connections::{ConnectionFilter, ConnectionState};
use leadrail_desk::{ConnectionQueue, ListedConnection};

/// Lists connections, without their secrets.
///
/// Beside each: the leads that wait for it, and those that waited and go out now, ten a minute, with the
/// time of the last one.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail connection list --state needs_reauth")]
pub(crate) struct ListArgs {
    /// Only this account's.
    #[arg(long)]
    account: Option<String>,
    /// Only those to this CRM.
    #[arg(long)]
    crm: Option<String>,
    /// Only those in this state: pending, active, needs_reauth, paused or disabled.
    #[arg(long)]
    state: Option<ConnectionState>,
    /// Prints a JSON array.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: ListArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let filter = ConnectionFilter {
        account: args.account,
        crm: args.crm,
        state: args.state,
    };
    let found = desk.connections_with_queues(&filter).await.map_err(told)?;
    if args.json {
        return output::json(&found);
    }
    if found.is_empty() {
        return output::line("no such connections; `leadrail connection add` makes one");
    }
    output::line(table(&found).trim_fmt())
}

const COLUMNS: [Column; 9] = [
    Column("id", 0),
    Column("account", 1),
    Column("crm", 2),
    Column("crm account", 7),
    Column("state", 3),
    Column("why", 5),
    Column("waiting", 4),
    Column("going out (UTC)", 6),
    Column("verified (UTC)", 8),
];

fn table(listed: &[ListedConnection]) -> comfy_table::Table {
    let rows = listed.iter().map(|listed| {
        let ListedConnection { connection, queue } = listed;
        [
            connection.id.to_string(),
            connection.account.clone(),
            connection.crm.clone(),
            or_dash(connection.crm_account_id.as_ref()),
            connection.state.to_string(),
            or_dash(connection.state_reason.as_ref()),
            queue.waiting.to_string(),
            going_out(queue),
            or_dash(connection.last_verified_at.map(time)),
        ]
    });
    output::fitted(&COLUMNS, rows)
}

/// How many leads are let go one by one, and until when.
fn going_out(queue: &ConnectionQueue) -> String {
    or_dash(
        queue
            .last_turn_at
            .map(|last| format!("{} until {}", queue.released, time(last))),
    )
}
