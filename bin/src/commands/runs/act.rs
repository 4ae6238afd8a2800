//! Resume, restart, try now and cancel: a plan, then one run after the other, with progress and a
//! stop.

use super::select::{Selection, sums};
use crate::failure::{Said, usage};
use crate::output;
use crate::progress::Progress;
use crate::shutdown;
use leadrail_engine::{Cancelled, Engine, Restarted, RunId, RunView};
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write as _};

#[derive(clap::Args)]
pub(crate) struct ActArgs {
    #[command(flatten)]
    selection: Selection,
    /// Shows what would be done and does nothing.
    #[arg(long)]
    plan: bool,
    /// Does not ask before it acts on what a filter selects.
    #[arg(long)]
    yes: bool,
    /// Prints what became of each run as JSON.
    #[arg(long)]
    json: bool,
}

/// Sends dead or parked runs through again, from an activity on or from the start. What exists once
/// is looked for before it is made again.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail runs restart 01920c5e-7d3f-7bbb-8f0a-0d6c1f3b9a10 --from lead_create"
)]
pub(crate) struct RestartArgs {
    #[command(flatten)]
    pub(super) act: ActArgs,
    /// The activity to begin from, as `runs show` names it, such as lead_create or step#2.
    #[arg(long, value_name = "ACTIVITY")]
    pub(super) from: Option<String>,
}

/// Asks runs to stop. Their workflows may clean up first; a dead letter is cancelled at once.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail runs cancel 01920c5e-7d3f-7bbb-8f0a-0d6c1f3b9a10 --why 'the customer called back'"
)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    pub(super) act: ActArgs,
    /// Why, for whoever looks at it later.
    #[arg(long, value_name = "TEXT")]
    pub(super) why: String,
}

pub(crate) enum Verb {
    Resume,
    TryNow,
    Restart(Option<String>),
    Cancel(String),
}

/// What became of one run.
#[derive(Serialize)]
struct Done {
    run_id: RunId,
    outcome: &'static str,
    #[serde(skip)]
    acted: bool,
}

pub(crate) async fn run(engine: &Engine, args: &ActArgs, verb: &Verb) -> anyhow::Result<()> {
    let runs = args.selection.find(engine).await?;
    if args.plan {
        return show_plan(&runs, args.json);
    }
    if !args.selection.is_by_id() && !args.yes && !runs.is_empty() && !is_wanted(&runs)? {
        return output::line("nothing was done");
    }
    let done = each(engine, &runs, verb).await?;
    if args.json {
        output::json(&done)?;
    } else {
        tell(&done, runs.len())?;
    }
    let failed = args.selection.is_by_id() && done.iter().any(|done| !done.acted);
    if failed || done.len() < runs.len() {
        Err(Said.into())
    } else {
        Ok(())
    }
}

fn show_plan(runs: &[RunView], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
        return output::json(&ids);
    }
    for (workflow, state, count) in sums(runs) {
        output::line(format!("{count} {state} of {workflow}"))?;
    }
    output::line(format!("{} runs in all", runs.len()))
}

/// Asks on a terminal; elsewhere nobody could answer.
fn is_wanted(runs: &[RunView]) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(usage(
            "a filter may select much: look with --plan, then say --yes",
        ));
    }
    show_plan(runs, false)?;
    eprint!("go on? [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// One after the other, until all are done or somebody stops it between two.
async fn each(engine: &Engine, runs: &[RunView], verb: &Verb) -> anyhow::Result<Vec<Done>> {
    let stop = shutdown::on_signal()?;
    let mut progress = Progress::start("runs", Some(runs.len() as u64));
    let mut done = Vec::with_capacity(runs.len());
    for run in runs {
        if stop.is_cancelled() {
            break;
        }
        let (outcome, acted) = verb.act(engine, run.id).await?;
        done.push(Done {
            run_id: run.id,
            outcome,
            acted,
        });
        progress.show(done.len() as u64, "");
    }
    progress.end();
    Ok(done)
}

fn tell(done: &[Done], selected: usize) -> anyhow::Result<()> {
    for outcome in [
        "resumed",
        "due now",
        "restarted",
        "cancelled",
        "asked to stop",
    ] {
        let count = done.iter().filter(|done| done.outcome == outcome).count();
        if count > 0 {
            output::line(format!("{count} {outcome}"))?;
        }
    }
    for done in done.iter().filter(|done| !done.acted) {
        output::line(format!("{}: {}", done.run_id, done.outcome))?;
    }
    match selected - done.len() {
        0 if selected == 0 => output::line("no such runs"),
        0 => Ok(()),
        left => output::line(format!("stopped; {left} were not touched")),
    }
}

impl Verb {
    /// What became of the run, and whether anything was done to it.
    async fn act(&self, engine: &Engine, run: RunId) -> anyhow::Result<(&'static str, bool)> {
        Ok(match self {
            Self::Resume => match is_resumed(engine, run).await? {
                true => ("resumed", true),
                false => ("there is nothing to resume: it runs or has ended", false),
            },
            Self::TryNow => match engine.try_now(run).await? {
                true => ("due now", true),
                false => ("it is not parked", false),
            },
            Self::Restart(from) => match engine.restart(run, from.as_deref()).await? {
                Restarted::Restarted => ("restarted", true),
                Restarted::NotRestartable => ("it runs, never began, or has ended", false),
                Restarted::NoSuchActivity => (
                    "its history has no such activity; see `leadrail runs show`",
                    false,
                ),
                Restarted::Unknown => ("there is no such run", false),
            },
            Self::Cancel(why) => match engine.cancel(run, why).await? {
                Cancelled::Cancelled => ("cancelled", true),
                Cancelled::Asked => ("asked to stop", true),
                Cancelled::Ended => ("it has ended", false),
                Cancelled::Unknown => ("there is no such run", false),
            },
        })
    }
}

/// A dead letter goes on from its last checkpoint, a parked run now.
async fn is_resumed(engine: &Engine, run: RunId) -> anyhow::Result<bool> {
    Ok(engine.revive(run, "leadrail runs resume").await? || engine.try_now(run).await?)
}
