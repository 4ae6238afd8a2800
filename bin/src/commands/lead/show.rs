//! `leadrail lead show`: a lead and everything that happened to it.

use super::story;
use crate::config::Config;
use crate::database;
use crate::failure::{told, usage};
use crate::output;
use anyhow::anyhow;
use leadrail_desk::{Desk, DeskError};
use leadrail_engine::RunState;
use leadrail_lead::EventId;
use leadrail_workflows::LeadView;

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
    let story = story.map_err(|error| missing(error, args.event_id))?.told;
    if args.json {
        return output::json(&story);
    }
    output::line(story::head(&story.lead))?;
    for warning in &story.warnings {
        output::line(story::warning(warning))?;
    }
    if !story.entries.is_empty() {
        output::line(story::timeline(&story).trim_fmt())?;
    } else if waits_for_worker(&story.lead) {
        output::line(no_worker_yet(&desk).await?)?;
    }
    match &story.crm_answer {
        Some(answer) => output::line(story::answer(answer)),
        None => Ok(()),
    }
}

fn waits_for_worker(lead: &LeadView) -> bool {
    lead.state == RunState::Queued && lead.held.is_none()
}

async fn no_worker_yet(desk: &Desk) -> anyhow::Result<String> {
    let workers = desk.workers().await.map_err(told)?;
    Ok(
        match workers.iter().filter(|worker| !worker.overdue).count() {
            0 => "no worker is running; `leadrail worker` starts one".to_owned(),
            1 => "no worker has taken it up yet; one is running".to_owned(),
            some => format!("no worker has taken it up yet; {some} are running"),
        },
    )
}

/// A lead that is not there, as a sentence that says what to do.
pub(crate) fn missing(error: DeskError, event_id: EventId) -> anyhow::Error {
    match error {
        DeskError::SeveralLeads => usage(format!("{error}; say whose with --account")),
        DeskError::NoSuchLead { .. } => {
            anyhow!("there is no lead {event_id}; `leadrail lead list` shows the newest")
        }
        error => told(error),
    }
}
