//! `leadrail bench fair`: small customers beside a large one, and emergencies.

use super::place::Place;
use super::say;
use clap::Args;
use leadrail_bench::{FairOptions, fair};
use std::time::Duration;

/// How long small lanes wait beside a large one, and an emergency behind a backlog.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench fair --big 50000 --json")]
pub(crate) struct FairArgs {
    /// Runs of the large lane.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    big: u64,
    /// Small lanes.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    lanes: u16,
    /// Runs of each small lane.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    small: u16,
    /// Runs that are queued before each emergency.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    backlog: u64,
    /// Emergencies, one after the other.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    emergencies: u16,
    /// How long the only activity of each run takes, in milliseconds.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    work_ms: u16,
    /// Runs in flight.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    inflight: u32,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: FairArgs) -> anyhow::Result<()> {
    let options = FairOptions {
        big: args.big,
        lanes: usize::from(args.lanes),
        small: usize::from(args.small),
        backlog: args.backlog,
        emergencies: usize::from(args.emergencies),
        work: Duration::from_millis(u64::from(args.work_ms)),
        inflight: usize::try_from(args.inflight)?,
    };
    let work = async |url: &str| fair(url, &options, say).await;
    args.place.show(&args.place.measure(work).await?)
}
