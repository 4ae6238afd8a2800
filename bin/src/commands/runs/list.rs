//! `leadrail runs list`: runs in a table, the newest first.

use super::select::FilterArgs;
use crate::commands::standing::{minute, standing};
use crate::failure::told;
use crate::output::{self, Column, or_dash};
use leadrail_desk::Desk;
use leadrail_engine::{Held, RunId, RunState, RunView};
use serde_json::{Value, json};

/// Lists runs of all workflows, the newest first: leads, and the second looks at them.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail runs list --state retrying --account acme")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Only runs older than this one: the last of the page before.
    #[arg(long, value_name = "RUN_ID")]
    before: Option<RunId>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Prints a JSON array.
    #[arg(long)]
    json: bool,
}

/// A run, and what keeps it from starting.
type Listed = (RunView, Option<Held>);

pub(crate) async fn run(args: &ListArgs, desk: &Desk) -> anyhow::Result<()> {
    let (runs, next) = newest(args, desk).await?;
    if args.json {
        return output::json(&runs.iter().map(as_json).collect::<Vec<_>>());
    }
    if runs.is_empty() {
        return output::line("no such runs");
    }
    output::line(table(&runs).trim_fmt())?;
    if let Some(next) = next {
        eprintln!("there may be more: --before {next}");
    }
    Ok(())
}

/// As many runs as were asked for, from as many pages as it takes, and where the next one begins.
async fn newest(args: &ListArgs, desk: &Desk) -> anyhow::Result<(Vec<Listed>, Option<RunId>)> {
    let filter = args.filter.filter();
    let (mut runs, mut before) = (Vec::new(), args.before);
    loop {
        let wanted = args.limit.saturating_sub(u32::try_from(runs.len())?);
        let page = desk.runs(&filter, before, wanted).await.map_err(told)?;
        runs.extend(page.runs);
        before = page.next;
        if before.is_none() || runs.len() >= args.limit as usize {
            return Ok((runs, before));
        }
    }
}

const COLUMNS: [Column; 9] = [
    Column("run_id", 0),
    Column("workflow", 1),
    Column("state", 2),
    Column("why", 4),
    Column("step", 5),
    Column("account", 3),
    Column("lane", 7),
    Column("due (UTC)", 6),
    Column("began (UTC)", 8),
];

fn table(runs: &[Listed]) -> comfy_table::Table {
    let rows = runs.iter().map(|(run, held)| {
        let is_stopped = matches!(
            run.state,
            RunState::Retrying | RunState::Waiting | RunState::Dead
        );
        let paused = matches!(held, Some(Held::Pause { .. }));
        [
            run.id.to_string(),
            run.workflow.clone(),
            standing(run.state, held.as_ref()),
            or_dash(run.reason.as_ref().filter(|_| is_stopped)),
            or_dash(run.activity.as_ref().filter(|_| is_stopped)),
            run.scope.clone(),
            run.lane.clone(),
            or_dash(run.due_at.filter(|_| !paused).map(minute)),
            minute(run.created_at),
        ]
    });
    output::fitted(&COLUMNS, rows)
}

/// The head without its input, which a list does not read.
fn as_json((run, held): &Listed) -> Value {
    let mut listed = json!(run);
    if let Some(fields) = listed.as_object_mut() {
        fields.remove("input");
        fields.insert("held".to_owned(), json!(held));
    }
    listed
}
