//! `leadrail bench pickup`, `enqueue` and `idle`: how work comes in, and what none costs.

use super::place::Place;
use super::say;
use clap::Args;
use leadrail_bench::{EnqueueOptions, Heard, Pickup, enqueue, idle, pickup};
use leadrail_rig::Proxy;
use std::time::Duration;

/// How long an enqueued run waits for an idle worker.
///
/// Enqueued by the worker's own process, by another one, and, on a private server, while no notification
/// arrives.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench pickup --samples 200")]
pub(crate) struct PickupArgs {
    /// Runs, enqueued one by one.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    samples: u32,
    #[command(flatten)]
    place: Place,
}

/// How many leads a second come in by HTTP and by SQL, one by one and in batches, beside bare inserts.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench enqueue --leads 20000 --clients 32 --json")]
pub(crate) struct EnqueueArgs {
    /// Leads of each way.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    leads: u32,
    /// Callers at a time.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=128))]
    clients: u16,
    /// Leads of a batch.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    batch: u16,
    #[command(flatten)]
    place: Place,
}

/// How many transactions a second a worker without work makes.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench idle --seconds 60 --json")]
pub(crate) struct IdleArgs {
    /// How long it is watched.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// How long it runs before that: it becomes quieter after a minute without work.
    #[arg(long, default_value_t = 75, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    settle: u32,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run_pickup(args: PickupArgs) -> anyhow::Result<()> {
    let samples = usize::try_from(args.samples)?;
    let is_private = args.place.is_private();
    let work = async |url: &str| pickups(url, samples, is_private).await;
    let measured = args.place.measure(work).await?;
    let fields = ["heard", "samples", "p50_ms", "p99_ms", "max_ms"];
    args.place.show_rows(&fields, &measured)
}

async fn pickups(url: &str, samples: usize, is_private: bool) -> anyhow::Result<Vec<Pickup>> {
    let mut measured = Vec::new();
    for heard in [Heard::Directly, Heard::Notified] {
        measured.push(pickup(url, heard, samples).await?);
    }
    if is_private {
        let proxy = Proxy::open(url, 1, 0).await?;
        proxy.keep_notifications(true);
        // Each takes most of a second.
        let samples = samples.div_ceil(4);
        let deaf = pickup(url, Heard::Deaf(proxy.url(0)), samples).await;
        proxy.close().await;
        measured.push(deaf?);
    }
    Ok(measured)
}

pub(super) async fn run_enqueue(args: EnqueueArgs) -> anyhow::Result<()> {
    let options = EnqueueOptions {
        leads: usize::try_from(args.leads)?,
        clients: usize::from(args.clients),
        batch: usize::from(args.batch),
    };
    let work = async |url: &str| enqueue(url, &options, say).await;
    args.place.show(&args.place.measure(work).await?)
}

pub(super) async fn run_idle(args: IdleArgs) -> anyhow::Result<()> {
    let seconds = |number: u32| Duration::from_secs(u64::from(number));
    let work = async |url: &str| idle(url, seconds(args.settle), seconds(args.seconds), say).await;
    args.place.show(&args.place.measure(work).await?)
}
