//! `leadrail runs`: what the engine holds, and what a person may do about it.

mod act;
mod check;
mod list;
mod named;
mod select;
mod show;
mod talk;

use crate::config::Config;
use crate::database;
use clap::Subcommand;
use leadrail_desk::Verb;

#[derive(Subcommand)]
pub(crate) enum RunsCommand {
    List(list::ListArgs),
    Show(show::ShowArgs),
    Check(check::CheckArgs),
    /// Goes on with dead letters from their last checkpoint, and with parked runs now.
    #[command(
        after_help = "Example:\n  leadrail runs resume --state dead --reason http_422 --plan"
    )]
    Resume(act::ActArgs),
    Restart(act::RestartArgs),
    /// Makes parked runs due now; the attempt that follows uses up none.
    #[command(
        after_help = "Example:\n  leadrail runs try-now --state retrying --lane acme/housecall_pro --yes"
    )]
    TryNow(act::ActArgs),
    Cancel(act::CancelArgs),
    Signal(talk::SignalArgs),
    Query(talk::QueryArgs),
}

pub(crate) async fn run(command: RunsCommand, config: &Config) -> anyhow::Result<()> {
    if let RunsCommand::Check(args) = command {
        return check::run(&args, config).await;
    }
    let desk = database::desk(config).await?;
    match command {
        RunsCommand::List(args) => list::run(&args, &desk).await,
        RunsCommand::Show(args) => show::run(&args, &desk).await,
        RunsCommand::Check(_) => Ok(()),
        RunsCommand::Resume(args) => act::run(&desk, &args, &Verb::Resume).await,
        RunsCommand::TryNow(args) => act::run(&desk, &args, &Verb::TryNow).await,
        RunsCommand::Restart(args) => {
            act::run(&desk, &args.act, &Verb::Restart(args.from.clone())).await
        }
        RunsCommand::Cancel(args) => {
            act::run(&desk, &args.act, &Verb::Cancel(args.why.clone())).await
        }
        RunsCommand::Signal(args) => talk::signal(&args, &desk).await,
        RunsCommand::Query(args) => talk::query(&args, &desk).await,
    }
}
