//! `leadrail runs check`: which runs in flight this build could not continue.

use crate::config::Config;
use crate::database;
use crate::failure::{Said, told};
use crate::output;
use crate::progress::Progress;
use leadrail_desk::Desk;
use leadrail_engine::{Engine, Fit, Rehearsed};

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
    let desk = match &args.against {
        Some(url) => Desk::new(Engine::connect(url).await?, config.worker.schedule.clone()),
        None => database::desk(config).await?,
    };
    let mut progress = Progress::start("runs", None);
    let rehearsed = desk.rehearse(|checked| progress.show(checked, ""));
    let (checked, unfit) = rehearsed.await.map_err(told)?;
    progress.end();
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
