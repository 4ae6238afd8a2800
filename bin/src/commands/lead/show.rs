//! `leadrail lead show`: a lead and everything that happened to it.

use super::story;
use crate::config::Config;
use crate::database;
use crate::failure::{told, usage};
use crate::output;
use anyhow::anyhow;
use leadrail_desk::DeskError;
use leadrail_lead::EventId;

/// Shows where a lead stands and everything that happened to it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail lead show 3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10")]
pub(crate) struct ShowArgs {
    /// The lead's event_id.
    event_id: EventId,
    /// Whose lead, where two accounts use the same id.
    #[arg(long)]
    account: Option<String>,
    /// Prints JSON, with the exchanges with the CRM (they hold personal data).
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &ShowArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let story = desk.story(args.event_id, args.account.as_deref()).await;
    let told = story.map_err(|error| missing(error, args.event_id))?.told;
    if args.json {
        return output::json(&told);
    }
    output::line(story::head(&told.lead))?;
    for warning in &told.warnings {
        output::line(story::warning(warning))?;
    }
    if told.entries.is_empty() {
        return output::line("no worker has taken it up yet; is one running (`leadrail worker`)?");
    }
    output::line(story::timeline(&told).trim_fmt())
}

fn missing(error: DeskError, event_id: EventId) -> anyhow::Error {
    match error {
        DeskError::SeveralLeads => usage(format!("{error}; say whose with --account")),
        DeskError::NoSuchLead { .. } => {
            anyhow!("there is no lead {event_id}; `leadrail lead list` shows the newest")
        }
        error => told(error),
    }
}
