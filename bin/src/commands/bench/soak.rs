//! `leadrail bench soak`: whether anything grows.

use super::place::{Place, rows_table};
use crate::output;
use clap::Args;
use leadrail_bench::{SoakOptions, SoakReport, SoakSample, soak};
use std::time::Duration;

/// The columns of the series.
const COLUMNS: [&str; 7] = [
    "second",
    "ended",
    "open",
    "table_mib",
    "index_mib",
    "dead_tuples",
    "rss_mib",
];

/// Half of what the machine can do, for minutes or days: sizes, dead rows and memory over time.
///
/// A workflow leaves about 5 kB of history, so a million of them need 5 GB of disk.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench soak --minutes 10 --rate 2000 --json")]
pub(crate) struct SoakArgs {
    /// How long.
    #[arg(long, default_value_t = 10.0, value_name = "N")]
    minutes: f64,
    /// Workflows a second; without it half of what is measured first.
    #[arg(long)]
    rate: Option<f64>,
    /// Seconds between two samples.
    #[arg(long, default_value_t = 60.0, value_name = "SECONDS")]
    every: f64,
    /// Seconds that ended runs stay in the hot table; an hour in production.
    #[arg(long, default_value_t = 60.0, value_name = "SECONDS")]
    keep: f64,
    /// Workflows that measure the rate.
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    workflows: u64,
    /// Workflows in flight.
    #[arg(long, default_value_t = 2_048, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    inflight: u32,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: SoakArgs) -> anyhow::Result<()> {
    let options = SoakOptions {
        lasts: seconds("--minutes", args.minutes * 60.0)?,
        sample_every: seconds("--every", args.every)?,
        rate: args.rate,
        workflows: args.workflows,
        inflight: usize::try_from(args.inflight)?,
        keep: seconds("--keep", args.keep)?,
    };
    let work = async |url: &str| soak(url, &options, say).await;
    let report = args.place.measure(work).await?;
    match args.place.is_json() {
        true => output::json(&report),
        false => print(&args.place, &report),
    }
}

fn seconds(flag: &str, number: f64) -> anyhow::Result<Duration> {
    match Duration::try_from_secs_f64(number) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(crate::failure::usage(format!("{flag} is more than 0"))),
    }
}

fn say(sample: &SoakSample) {
    eprintln!(
        "{} s: {} ended, {} open, table {:.1} MiB, indexes {:.1} MiB, {} dead rows, {:.0} MiB of memory",
        sample.second,
        sample.ended,
        sample.open,
        sample.table_mib,
        sample.index_mib,
        sample.dead_tuples,
        sample.rss_mib
    );
}

fn print(place: &Place, report: &SoakReport) -> anyhow::Result<()> {
    output::line(rows_table(&COLUMNS, &report.samples)?)?;
    output::line("the last sample against the middle one:")?;
    place.show(&report.growth)?;
    output::line(format!(
        "{:.0} workflows a second of {:.0} offered",
        report.done_wf_s, report.offered_wf_s
    ))
}
