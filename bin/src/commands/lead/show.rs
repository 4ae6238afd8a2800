//! `leadrail lead show`: a lead and everything that happened to it.

use super::story;
use crate::config::Config;
use crate::database;
use crate::failure::usage;
use crate::output;
use leadrail_engine::{Engine, RunView};
use leadrail_lead::EventId;
use leadrail_workflows::timeline;

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
    let engine = Engine::new(database::connect_migrated(config).await?);
    let run = only(engine.runs_by_key(&args.event_id.to_string()).await?, args)?;
    let history = engine.history(run.id).await?;
    let told = timeline(&run, &history, &config.worker.schedule);
    if args.json {
        return output::json(&told);
    }
    output::line(story::head(&told.lead))?;
    if told.entries.is_empty() {
        return output::line("no worker has taken it up yet; is one running (`leadrail worker`)?");
    }
    output::line(story::timeline(&told).trim_fmt())
}

fn only(runs: Vec<RunView>, args: &ShowArgs) -> anyhow::Result<RunView> {
    let wanted = |run: &RunView| {
        args.account
            .as_ref()
            .is_none_or(|account| run.scope == *account)
    };
    let mut runs: Vec<_> = runs.into_iter().filter(wanted).collect();
    match (runs.pop(), runs.is_empty()) {
        (Some(run), true) => Ok(run),
        (Some(_), false) => Err(usage(
            "several accounts have a lead with this event_id; say whose with --account",
        )),
        (None, _) => anyhow::bail!(
            "there is no lead {}; `leadrail lead list` shows the newest",
            args.event_id
        ),
    }
}
