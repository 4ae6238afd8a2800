//! `leadrail bench`: the engine beside bare PostgreSQL, as anyone can measure it on their own.

mod beside;
mod doors;
mod engine;
mod fair;
mod leads;
mod lists;
mod place;
mod soak;
mod workers;

use clap::Subcommand;

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    Engine(engine::EngineArgs),
    Single(engine::SingleArgs),
    Pickup(doors::PickupArgs),
    Enqueue(doors::EnqueueArgs),
    Backlog(beside::BacklogArgs),
    Scheduled(beside::ScheduledArgs),
    Workers(workers::WorkersArgs),
    Fair(fair::FairArgs),
    Idle(doors::IdleArgs),
    Leads(leads::LeadsArgs),
    Lists(lists::ListsArgs),
    Soak(soak::SoakArgs),
    #[command(hide = true)]
    OneWorker(workers::OneWorkerArgs),
}

pub(crate) async fn run(command: BenchCommand) -> anyhow::Result<()> {
    match command {
        BenchCommand::Engine(args) => engine::run(args).await,
        BenchCommand::Single(args) => engine::run_single(args).await,
        BenchCommand::Pickup(args) => doors::run_pickup(args).await,
        BenchCommand::Enqueue(args) => doors::run_enqueue(args).await,
        BenchCommand::Backlog(args) => beside::run_backlog(args).await,
        BenchCommand::Scheduled(args) => beside::run_scheduled(args).await,
        BenchCommand::Workers(args) => workers::run(args).await,
        BenchCommand::Fair(args) => fair::run(args).await,
        BenchCommand::Idle(args) => doors::run_idle(args).await,
        BenchCommand::Leads(args) => leads::run(args).await,
        BenchCommand::Lists(args) => lists::run(args).await,
        BenchCommand::Soak(args) => soak::run(args).await,
        BenchCommand::OneWorker(args) => workers::run_one(&args).await,
    }
}

/// A share of the work, on standard error.
fn say(what: &str) {
    eprintln!("{what}");
}
