//! `leadrail bench engine` and `single`: the plain rates.

use super::place::Place;
use super::say;
use clap::Args;
use leadrail_bench::{EngineOptions, engine, single};

/// Four-step workflows through the engine beside two floors of bare SQL, interleaved, medians.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench engine --workflows 50000 --json")]
pub(crate) struct EngineArgs {
    /// Workflows a round.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    workflows: u64,
    /// Workflows in flight.
    #[arg(long, default_value_t = 2_048, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    inflight: u32,
    /// Rounds, at least three.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(3..=99))]
    rounds: u8,
    #[command(flatten)]
    place: Place,
}

/// Workflows of one activity, to compare with plain queues; medians.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench single --workflows 50000 --json")]
pub(crate) struct SingleArgs {
    /// Workflows a round.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    workflows: u64,
    /// Workflows in flight.
    #[arg(long, default_value_t = 2_048, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    inflight: u32,
    /// Rounds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=99))]
    rounds: u8,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: EngineArgs) -> anyhow::Result<()> {
    let options = EngineOptions {
        workflows: args.workflows,
        inflight: usize::try_from(args.inflight)?,
        rounds: usize::from(args.rounds),
    };
    let work = async |url: &str| engine(url, &options, say).await;
    args.place.show(&args.place.measure(work).await?)
}

pub(super) async fn run_single(args: SingleArgs) -> anyhow::Result<()> {
    let (inflight, rounds) = (usize::try_from(args.inflight)?, usize::from(args.rounds));
    let work = async |url: &str| single(url, args.workflows, inflight, rounds, say).await;
    args.place.show(&args.place.measure(work).await?)
}
