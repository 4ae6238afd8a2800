//! `leadrail bench backlog` and `scheduled`: the rate with much else in the table.

use super::place::Place;
use super::say;
use clap::Args;
use leadrail_bench::{Others, backlog};

/// Throughput beside a long queue.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench backlog --depths 10000,1000000")]
pub(crate) struct BacklogArgs {
    /// How many other runs are queued, one measurement each.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    depths: Vec<u64>,
    #[command(flatten)]
    measured: Measured,
    #[command(flatten)]
    place: Place,
}

/// Throughput beside many runs that wait for a retry in the next hours.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench scheduled --depths 0,1000000")]
pub(crate) struct ScheduledArgs {
    /// How many other runs wait, one measurement each.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1_000_000])]
    depths: Vec<u64>,
    #[command(flatten)]
    measured: Measured,
    #[command(flatten)]
    place: Place,
}

/// What runs beside them.
#[derive(Args)]
struct Measured {
    /// Workflows measured at each depth.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    workflows: u64,
    /// Workflows in flight.
    #[arg(long, default_value_t = 2_048, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    inflight: u32,
}

pub(super) async fn run_backlog(args: BacklogArgs) -> anyhow::Result<()> {
    run(Others::Queued, &args.depths, &args.measured, &args.place).await
}

pub(super) async fn run_scheduled(args: ScheduledArgs) -> anyhow::Result<()> {
    run(Others::Retrying, &args.depths, &args.measured, &args.place).await
}

async fn run(
    others: Others,
    depths: &[u64],
    measured: &Measured,
    place: &Place,
) -> anyhow::Result<()> {
    let inflight = usize::try_from(measured.inflight)?;
    let work =
        async |url: &str| backlog(url, others, depths, measured.workflows, inflight, say).await;
    place.show_rows(&["runs", "wf_s"], &place.measure(work).await?)
}
