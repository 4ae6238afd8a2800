//! `leadrail bench lists`: how long people wait for a page of leads.

use super::place::Place;
use super::say;
use clap::Args;
use leadrail_bench::{ListsOptions, lists};

/// How long a page of each list of leads takes beside millions of others.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench lists --rows 10000000 --json")]
pub(crate) struct ListsArgs {
    /// Leads that there are; ten million take 8 GB.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    rows: u64,
    /// Pages of each list.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    samples: u32,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: ListsArgs) -> anyhow::Result<()> {
    let options = ListsOptions {
        rows: args.rows,
        samples: usize::try_from(args.samples)?,
    };
    let work = async |url: &str| lists(url, &options, say).await;
    let report = args.place.measure(work).await?;
    if args.place.is_json() {
        return args.place.show(&report);
    }
    say(&format!(
        "{} leads, made in {:.0} s, {} MiB with all that belongs to them",
        report.rows, report.made_in_s, report.database_mib
    ));
    let fields = ["list", "shortest", "samples", "p50_ms", "p95_ms", "max_ms"];
    args.place.show_rows(&fields, &report.lists)
}
