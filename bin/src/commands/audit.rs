//! `leadrail audit`: who did what.

use crate::commands::lead::time;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output::{self, Column, or_dash};
use leadrail_desk::{AuditEntry, AuditFilter};

/// Shows who changed what, the newest first.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail audit --action connection.disable\n\nActors are one word: cli:UID, api:ACCOUNT:KEY, api:local, system:PART."
)]
pub(crate) struct AuditArgs {
    /// Only what was done to this: an id, or a lane's name.
    #[arg(long)]
    subject: Option<String>,
    /// Only what this actor did.
    #[arg(long)]
    actor: Option<String>,
    /// Only this, such as connection.disable.
    #[arg(long)]
    action: Option<String>,
    /// Entries before this one, by its id.
    #[arg(long, value_name = "ID")]
    before: Option<i64>,
    /// The most entries.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Prints a JSON array, with what stood there before and after.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: AuditArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let filter = AuditFilter {
        subject: args.subject,
        actor: args.actor,
        action: args.action,
    };
    let entries = desk.audit_log(&filter, args.before, args.limit).await;
    let entries = entries.map_err(told)?;
    if args.json {
        return output::json(&entries);
    }
    if entries.is_empty() {
        return output::line("no such entries");
    }
    output::line(table(&entries).trim_fmt())
}

const COLUMNS: [Column; 7] = [
    Column("id", 5),
    Column("when (UTC)", 0),
    Column("who", 1),
    Column("did", 2),
    Column("to", 3),
    Column("outcome", 4),
    Column("why", 6),
];

fn table(entries: &[AuditEntry]) -> comfy_table::Table {
    let rows = entries.iter().map(|entry| {
        [
            entry.id.to_string(),
            time(entry.at),
            entry.actor.clone(),
            entry.action.clone(),
            entry.subject.clone(),
            entry.outcome.clone(),
            or_dash(entry.why.as_ref()),
        ]
    });
    output::fitted(&COLUMNS, rows)
}
