//! `leadrail runs check`: which runs in flight this build could not continue.

use crate::commands::worker::registry;
use crate::config::Config;
use crate::database;
use crate::failure::Said;
use crate::output;
use crate::progress::Progress;
use leadrail_connections::VaultKey;
use leadrail_engine::{Engine, Fit, Rehearsed};
use leadrail_outbound::{Guard, Outbound};

/// How many runs are rehearsed between two words of progress.
const PAGE: u32 = 500;

/// A rehearsal opens no credential, so any key will do.
const NO_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Goes through the histories of all runs in flight with this build's workflows, before a deploy.
/// Nothing is called and nothing is written.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail runs check --against postgres://localhost/leadrail")]
pub(crate) struct CheckArgs {
    /// The database whose runs are looked at; else the configured one.
    #[arg(long, value_name = "DATABASE_URL")]
    against: Option<String>,
    /// Prints the runs that do not fit as a JSON array.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &CheckArgs, config: &Config) -> anyhow::Result<()> {
    let engine = match &args.against {
        Some(url) => Engine::connect(url).await?,
        None => Engine::new(database::connect_migrated(config).await?),
    };
    let (checked, unfit) = rehearse_all(&engine).await?;
    if args.json {
        output::json(&unfit)?;
    } else {
        tell(checked, &unfit)?;
    }
    if unfit.is_empty() {
        Ok(())
    } else {
        Err(Said.into())
    }
}

async fn rehearse_all(engine: &Engine) -> anyhow::Result<(u64, Vec<Rehearsed>)> {
    // Nor does it call anybody.
    let http = Outbound::new(Guard::public_only())?;
    let registry = registry(engine, VaultKey::parse(NO_KEY)?, http);
    let mut progress = Progress::start("runs", None);
    let (mut checked, mut unfit, mut after) = (0, Vec::new(), None);
    loop {
        let page = engine.rehearse(&registry, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.run_id);
        checked += page.len() as u64;
        unfit.extend(page.into_iter().filter(|run| run.fit != Fit::Continues));
        progress.show(checked, "");
    }
    progress.end();
    Ok((checked, unfit))
}

fn tell(checked: u64, unfit: &[Rehearsed]) -> anyhow::Result<()> {
    for run in unfit {
        let why = match &run.fit {
            Fit::Continues => "it fits",
            Fit::Mismatch(why) | Fit::Breaks(why) => why,
            Fit::UnknownWorkflow => "this build has no workflow of that name",
        };
        output::line(format!("{} of {}: {why}", run.run_id, run.workflow))?;
    }
    match unfit.len() {
        0 => output::line(format!("all {checked} runs in flight fit this build")),
        some => output::line(format!(
            "{some} of {checked} runs in flight do not fit this build"
        )),
    }
}
