//! Resume, restart, try now and cancel: a plan, then one run after the other, with progress and a
//! stop.

use super::named::not_found;
use super::select::SelectionArgs;
use crate::actor;
use crate::failure::{Said, told, usage};
use crate::output;
use crate::progress::Progress;
use crate::shutdown;
use leadrail_desk::{Became, Desk, Done, Plan, Selection, Verb};
use serde_json::{Value, json};
use std::io::{self, IsTerminal as _, Write as _};
use std::ops::ControlFlow;

#[derive(clap::Args)]
pub(crate) struct ActArgs {
    #[command(flatten)]
    selection: SelectionArgs,
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

pub(crate) async fn run(desk: &Desk, args: &ActArgs, verb: &Verb) -> anyhow::Result<()> {
    let selection = args.selection.selection(desk).await?;
    let mut ids = Vec::new();
    let keep = |run| {
        if args.plan && args.json {
            ids.push(run);
        }
    };
    let plan = desk.plan(&selection, keep).await.map_err(not_found)?;
    if args.plan {
        return match args.json {
            true => output::json(&ids),
            false => show(&plan),
        };
    }
    if !args.selection.is_by_id() && !args.yes && plan.total > 0 && !is_wanted(&plan)? {
        return output::line("nothing was done");
    }
    let (done, whole) = each(desk, &selection, &plan, verb).await?;
    desk.tell_workers().await;
    if args.json {
        output::json(&done.iter().map(as_json).collect::<Vec<_>>())?;
    } else {
        tell(&done, &plan, whole)?;
    }
    let failed = args.selection.is_by_id() && done.iter().any(|done| !done.became.is_done());
    if failed || !whole {
        Err(Said.into())
    } else {
        Ok(())
    }
}

fn show(plan: &Plan) -> anyhow::Result<()> {
    for (workflow, state, count) in &plan.sums {
        output::line(format!("{count} {state} of {workflow}"))?;
    }
    output::line(format!("{} runs in all", plan.total))
}

/// Asks on a terminal; elsewhere nobody could answer.
fn is_wanted(plan: &Plan) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(usage(
            "a filter may select much: look with --plan, then say --yes",
        ));
    }
    show(plan)?;
    eprint!("go on? [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// One after the other, until all are done or somebody stops it between two; whether all are done.
async fn each(
    desk: &Desk,
    selection: &Selection,
    plan: &Plan,
    verb: &Verb,
) -> anyhow::Result<(Vec<Done>, bool)> {
    let stop = shutdown::on_signal()?;
    let mut progress = Progress::start("runs", Some(plan.total));
    let mut done = Vec::new();
    let one = |each| {
        done.push(each);
        progress.show(done.len() as u64, "");
        match stop.is_cancelled() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let who = actor::command_line();
    let acted = desk.act(&who, (selection, plan), verb, one).await;
    let whole = acted.map_err(told)?;
    progress.end();
    // Whoever stops it at the last one has stopped nothing.
    let whole = whole || done.len() as u64 >= plan.total;
    Ok((done, whole))
}

fn tell(done: &[Done], plan: &Plan, whole: bool) -> anyhow::Result<()> {
    for became in [
        Became::Resumed,
        Became::DueNow,
        Became::Restarted,
        Became::Cancelled,
        Became::AskedToStop,
    ] {
        let count = done.iter().filter(|done| done.became == became).count();
        if count > 0 {
            output::line(format!("{count} {}", words(became)))?;
        }
    }
    for done in done.iter().filter(|done| !done.became.is_done()) {
        output::line(format!("{}: {}", done.run, words(done.became)))?;
    }
    if plan.total == 0 {
        return output::line("no such runs");
    }
    if whole {
        return Ok(());
    }
    let left = plan.total.saturating_sub(done.len() as u64);
    output::line(format!("stopped; {left} were not touched"))
}

fn as_json(done: &Done) -> Value {
    json!({ "run_id": done.run, "outcome": words(done.became) })
}

fn words(became: Became) -> &'static str {
    match became {
        Became::Resumed => "resumed",
        Became::DueNow => "due now",
        Became::Restarted => "restarted",
        Became::Cancelled => "cancelled",
        Became::AskedToStop => "asked to stop",
        Became::NotResumable => "there is nothing to resume: it runs or has ended",
        Became::NotParked => "it is not parked",
        Became::NotRestartable => "it runs, never began, or has ended",
        Became::NoSuchActivity => "its history has no such activity; see `leadrail runs show`",
        Became::Ended => "it has ended",
        Became::NoSuchRun => "there is no such run",
    }
}
