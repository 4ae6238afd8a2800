//! `leadrail runs signal` and `query`: saying something to a run, and asking it.

use super::named::run_named;
use crate::actor;
use crate::failure::{Said, told, usage};
use crate::output;
use anyhow::Context as _;
use leadrail_desk::{Desk, DeskError};
use leadrail_engine::{LARGEST_VALUE, RunId, Sent};
use serde_json::{Value, json};
use std::io::Read as _;

/// Sends a signal to a run; it is kept until the run asks for it.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail runs signal 01920c5e-7d3f-7bbb-8f0a-0d6c1f3b9a10 approved --payload '{\"by\":\"ana\"}' --key form-17"
)]
pub(crate) struct SignalArgs {
    /// The run, by its id or by its lead's event id.
    #[arg(value_name = "ID")]
    run: RunId,
    /// The signal's name.
    name: String,
    /// What it says, as JSON; - reads it from standard input.
    #[arg(long, value_name = "JSON", default_value = "null")]
    payload: String,
    /// The same key again is the same signal.
    #[arg(long)]
    key: Option<String>,
    /// Whose lead, where two accounts use the same event id.
    #[arg(long)]
    account: Option<String>,
    /// Prints what became of it as JSON.
    #[arg(long)]
    json: bool,
}

/// Shows what a run publishes under a name.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail runs query 01920c5e-7d3f-7bbb-8f0a-0d6c1f3b9a10 progress"
)]
pub(crate) struct QueryArgs {
    /// The run, by its id or by its lead's event id.
    #[arg(value_name = "ID")]
    run: RunId,
    /// The name.
    name: String,
    /// Whose lead, where two accounts use the same event id.
    #[arg(long)]
    account: Option<String>,
}

pub(crate) async fn signal(args: &SignalArgs, desk: &Desk) -> anyhow::Result<()> {
    let payload = read_payload(&args.payload)?;
    let run = run_named(desk, args.run, args.account.as_deref()).await?;
    let (who, key) = (actor::command_line(), args.key.as_deref());
    let sent = desk.signal(&who, run, &args.name, &payload, key);
    let sent = sent.await.map_err(told)?;
    let (text, fine) = match sent {
        Sent::Sent => ("sent", true),
        Sent::Duplicate => ("a signal under this key was sent before", true),
        Sent::Ended => ("the run has ended; nothing was sent", false),
        Sent::Unknown => ("there is no such run; nothing was sent", false),
    };
    desk.tell_workers().await;
    if args.json {
        output::json(&json!({ "run_id": run, "outcome": sent }))?;
    } else {
        output::line(text)?;
    }
    if fine { Ok(()) } else { Err(Said.into()) }
}

pub(crate) async fn query(args: &QueryArgs, desk: &Desk) -> anyhow::Result<()> {
    let run = run_named(desk, args.run, args.account.as_deref()).await?;
    let value = desk.state(run, &args.name).await.map_err(told)?;
    output::json(
        &value.with_context(|| format!("run {} publishes nothing under {}", run, args.name))?,
    )
}

fn read_payload(text: &str) -> anyhow::Result<Value> {
    let mut read = String::new();
    let text = match text {
        "-" => {
            // One more than fits, so that too much is noticed and not cut.
            let most = LARGEST_VALUE as u64 + 1;
            std::io::stdin().take(most).read_to_string(&mut read)?;
            &read
        }
        text => text,
    };
    if text.len() > LARGEST_VALUE {
        return Err(told(DeskError::SignalTooLarge));
    }
    serde_json::from_str(text).map_err(|error| usage(format!("the payload is no JSON: {error}")))
}
