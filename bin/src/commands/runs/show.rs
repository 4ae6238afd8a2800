//! `leadrail runs show`: a run's head and its history, line by line.

use super::named::{not_found, run_named};
use crate::commands::lead::time;
use crate::output::{self, or_dash};
use leadrail_desk::Desk;
use leadrail_engine::{Event, RunId};
use serde_json::json;

/// Shows a run's head and history.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail runs show 01920c5e-7d3f-7bbb-8f0a-0d6c1f3b9a10")]
pub(crate) struct ShowArgs {
    /// The run, by its id or by its lead's event id.
    #[arg(value_name = "ID")]
    run: RunId,
    /// Whose lead, where two accounts use the same event id.
    #[arg(long)]
    account: Option<String>,
    /// Prints head and events as one JSON object, as recorded histories are kept.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &ShowArgs, desk: &Desk) -> anyhow::Result<()> {
    let run = run_named(desk, args.run, args.account.as_deref()).await?;
    let (head, events) = desk.run(run).await.map_err(not_found)?;
    if args.json {
        return output::json(&json!({ "head": head, "events": events }));
    }
    output::line(format!(
        "{} of {}: {}{}",
        head.id,
        head.workflow,
        head.state,
        head.reason
            .map(|reason| format!(", {reason}"))
            .unwrap_or_default()
    ))?;
    let mut table = output::table(&["#", "at (UTC)", "what", "where", "try", "detail"]);
    for event in &events {
        table.add_row([
            event.seq.to_string(),
            time(event.at),
            event.kind.as_str().to_owned(),
            or_dash(event.activity.as_ref()),
            or_dash(event.attempt),
            detail(event),
        ]);
    }
    output::line(table.trim_fmt())
}

/// The words of a payload that people look for; never a request or an answer.
fn detail(event: &Event) -> String {
    let Some(payload) = &event.payload else {
        return "-".to_owned();
    };
    let words = ["reason", "message", "why", "from", "source", "due"];
    let said: Vec<_> = words
        .iter()
        .filter_map(|word| payload[word].as_str())
        .collect();
    or_dash((!said.is_empty()).then(|| said.join(": ")))
}
