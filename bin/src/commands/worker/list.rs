//! `leadrail worker list`: the workers that share the database.

use crate::commands::lead::time;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output::{self, Column, or_dash};
use leadrail_engine::WorkerView;

/// Lists the workers that share the database.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail worker list --json")]
pub(crate) struct ListArgs {
    /// Prints a JSON array.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &ListArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let workers = desk.workers().await.map_err(told)?;
    if args.json {
        return output::json(&workers);
    }
    if workers.is_empty() {
        return output::line("no worker is running; `leadrail worker` starts one");
    }
    output::line(table(&workers).trim_fmt())
}

const COLUMNS: [Column; 8] = [
    Column("id", 0),
    Column("name", 1),
    Column("host", 5),
    Column("process", 6),
    Column("version", 7),
    Column("since (UTC)", 4),
    Column("last seen (UTC)", 3),
    Column("running", 2),
];

fn table(workers: &[WorkerView]) -> comfy_table::Table {
    let rows = workers.iter().map(|worker| {
        let late = if worker.overdue { ", overdue" } else { "" };
        [
            worker.id.to_string(),
            worker.name.clone(),
            or_dash(worker.host.as_ref()),
            worker.pid.to_string(),
            worker.version.clone(),
            time(worker.started_at),
            time(worker.seen_at) + late,
            worker.running.to_string(),
        ]
    });
    output::fitted(&COLUMNS, rows)
}
