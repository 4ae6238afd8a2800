//! `leadrail bench`: the engine beside bare PostgreSQL, as anyone can measure it on their own.

use crate::output;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use leadrail_bench::{EngineOptions, Others, backlog, engine, pickup, refuse_if_in_use};
use leadrail_postgres::{Options, PrivateServer};

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    Engine(EngineArgs),
    Pickup(PickupArgs),
    Backlog(BacklogArgs),
}

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

/// How long an enqueued run waits for an idle worker.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench pickup --samples 200")]
pub(crate) struct PickupArgs {
    /// Runs, enqueued one by one.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    samples: u32,
    #[command(flatten)]
    place: Place,
}

/// Throughput beside a long queue, or beside many runs that wait for a retry.
#[derive(Args)]
#[command(after_help = "Example:\n  leadrail bench backlog --depths 10000,1000000 --retrying")]
pub(crate) struct BacklogArgs {
    /// How many other runs are there, one measurement each.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    depths: Vec<u64>,
    /// The others wait for a retry instead of queueing.
    #[arg(long)]
    retrying: bool,
    /// Workflows measured at each depth.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    workflows: u64,
    /// Workflows in flight.
    #[arg(long, default_value_t = 2_048, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    inflight: u32,
    #[command(flatten)]
    place: Place,
}

/// Where to measure, and how to print.
#[derive(Args)]
struct Place {
    /// A database to measure on, which must hold nothing else: its engine tables are emptied.
    /// Without it a private server is started.
    #[arg(long, value_name = "URL")]
    on: Option<String>,
    /// Prints the figures as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: BenchCommand) -> anyhow::Result<()> {
    match command {
        BenchCommand::Engine(args) => measure_engine(args).await,
        BenchCommand::Pickup(args) => measure_pickup(args).await,
        BenchCommand::Backlog(args) => measure_backlog(args).await,
    }
}

async fn measure_engine(args: EngineArgs) -> anyhow::Result<()> {
    let site = Site::open(args.place.on).await?;
    let options = EngineOptions {
        workflows: args.workflows,
        inflight: usize::try_from(args.inflight)?,
        rounds: usize::from(args.rounds),
    };
    let report = engine(&site.url, &options, |what| eprintln!("{what}")).await?;
    site.close().await;
    show(&report, args.place.json)
}

async fn measure_pickup(args: PickupArgs) -> anyhow::Result<()> {
    let site = Site::open(args.place.on).await?;
    let measured = pickup(&site.url, usize::try_from(args.samples)?).await?;
    site.close().await;
    show(&measured, args.place.json)
}

async fn measure_backlog(args: BacklogArgs) -> anyhow::Result<()> {
    let site = Site::open(args.place.on).await?;
    let others = if args.retrying {
        Others::Retrying
    } else {
        Others::Queued
    };
    let inflight = usize::try_from(args.inflight)?;
    let measured = backlog(
        &site.url,
        others,
        &args.depths,
        args.workflows,
        inflight,
        |what| {
            eprintln!("{what}");
        },
    )
    .await?;
    site.close().await;
    if args.place.json {
        return output::json(&measured);
    }
    let mut table = output::table(&["others", "workflows a second"]);
    for depth in measured {
        table.add_row([depth.runs.to_string(), format!("{:.0}", depth.wf_s)]);
    }
    output::line(table.to_string())
}

/// A report whose fields are figures, as JSON or as a table.
fn show(report: &impl serde::Serialize, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(report);
    }
    let figures = serde_json::to_value(report)?;
    let mut table = output::table(&["figure", "value"]);
    for (figure, value) in figures.as_object().into_iter().flatten() {
        let value = value
            .as_f64()
            .map_or(value.to_string(), |number| format!("{number:.3}"));
        table.add_row([figure.clone(), value]);
    }
    output::line(table.to_string())
}

/// The database that is measured, and its server if it is ours.
struct Site {
    url: String,
    server: Option<PrivateServer>,
}

impl Site {
    async fn open(given: Option<String>) -> anyhow::Result<Self> {
        if let Some(url) = given {
            refuse_if_in_use(&url).await?;
            return Ok(Self { url, server: None });
        }
        eprintln!("starting a private PostgreSQL");
        let settings = [("shared_buffers", "1GB"), ("max_connections", "200")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let server = PrivateServer::start(Options {
            settings: settings.into(),
            ..Options::default()
        })
        .await
        .context("the private PostgreSQL did not start")?;
        server.create_database("bench").await?;
        Ok(Self {
            url: server.url("bench"),
            server: Some(server),
        })
    }

    async fn close(self) {
        if let Some(server) = self.server {
            server.close().await;
        }
    }
}
