//! `leadrail bench workers`: several processes, each of them this program.

use super::place::Place;
use super::say;
use anyhow::Context as _;
use clap::Args;
use leadrail_bench::{WorkerProgram, one_worker, workers};

/// Throughput with several worker processes.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench workers --processes 1,2,4,8")]
pub(crate) struct WorkersArgs {
    /// How many processes, one measurement each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8], value_parser = clap::value_parser!(u16).range(1..=64))]
    processes: Vec<u16>,
    /// Workflows of each measurement.
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    workflows: u64,
    /// Workflows in flight in all processes together.
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(64..=65_536))]
    inflight: u32,
    #[command(flatten)]
    place: Place,
}

/// One of these processes; reads the address of the database from its input and ends with it.
#[derive(Args)]
#[command(
    after_help = "Example:\n  echo \"$DATABASE_URL\" | leadrail bench one-worker --inflight 64"
)]
pub(crate) struct OneWorkerArgs {
    /// Workflows in flight.
    #[arg(long)]
    inflight: usize,
}

pub(super) async fn run(args: WorkersArgs) -> anyhow::Result<()> {
    let program = WorkerProgram {
        path: std::env::current_exe()
            .context("this program cannot find itself to start workers")?,
        arguments: vec!["bench".to_owned(), "one-worker".to_owned()],
    };
    let processes: Vec<usize> = args.processes.iter().copied().map(usize::from).collect();
    let inflight = usize::try_from(args.inflight)?;
    let work =
        async |url: &str| workers(url, &program, &processes, args.workflows, inflight, say).await;
    let measured = args.place.measure(work).await?;
    args.place
        .show_rows(&["processes", "wf_s", "rss_mib"], &measured)
}

pub(super) async fn run_one(args: &OneWorkerArgs) -> anyhow::Result<()> {
    one_worker(args.inflight).await
}
