//! `leadrail demo`: the whole product on this machine, with everything that can go wrong.

mod print;

use crate::failure::{Said, usage};
use crate::output;
use crate::progress::Progress;
use crate::shutdown;
use leadrail_rig::{Demo, DemoOptions, DemoReport, Program};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Runs everything on this machine: a private PostgreSQL, simulated CRMs that misbehave, the API
/// and workers, one of which is killed.
///
/// Exit code 0 only if every lead ended where it should.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail demo --leads 500\n  leadrail demo --serve --data-dir /var/tmp/leadrail"
)]
pub(crate) struct DemoArgs {
    /// How many leads, from 10 to 20000; all kinds of trouble need about 50.
    #[arg(long, value_name = "N", default_value_t = 200)]
    leads: usize,
    /// Keeps API, worker and simulated CRM up until Ctrl-C, and prints where they are.
    #[arg(long)]
    serve: bool,
    /// Keeps the database and the vault key here; a temporary folder if not given.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Prints the sums as one JSON object on standard output, all else on standard error.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let options = args.options()?;
    let stop = shutdown::on_signal()?;
    let mut demo = tokio::select! {
        demo = Demo::up(options) => demo?,
        () = stop.cancelled() => return Err(stopped()),
    };
    let played = tokio::select! {
        report = play(&args, &mut demo) => report,
        () = stop.cancelled() => Err(stopped()),
    };
    let ended = match &played {
        Ok(report) => finish(&args, &demo, report, &stop).await,
        Err(_) => Ok(()),
    };
    demo.down().await;
    ended?;
    match played?.is_right() {
        true => Ok(()),
        false => Err(Said.into()),
    }
}

impl DemoArgs {
    fn options(&self) -> anyhow::Result<DemoOptions> {
        if !(Demo::FEWEST..=Demo::MOST).contains(&self.leads) {
            return Err(usage(format!(
                "--leads is {} to {}",
                Demo::FEWEST,
                Demo::MOST
            )));
        }
        Ok(DemoOptions {
            program: Program::this()?,
            leads: self.leads,
            data_dir: self.data_dir.clone(),
        })
    }

    /// Says something without getting into the way of `--json`.
    fn say(&self, text: &str) -> anyhow::Result<()> {
        if self.json {
            eprintln!("{text}");
            return Ok(());
        }
        output::line(text)
    }
}

fn stopped() -> anyhow::Error {
    anyhow::anyhow!("the demo was stopped before its end; run it again")
}

async fn play(args: &DemoArgs, demo: &mut Demo) -> anyhow::Result<DemoReport> {
    args.say(&demo.greeting())?;
    let mut progress = Progress::start("leads", Some(args.leads as u64));
    let report = demo
        .play(&mut |ended, words| progress.show(ended, words))
        .await;
    progress.end();
    report
}

async fn finish(
    args: &DemoArgs,
    demo: &Demo,
    report: &DemoReport,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let text = print::text(report);
    args.say(&text)?;
    if args.json {
        output::json(&report.sums)?;
    }
    if args.serve {
        args.say(&demo.addresses())?;
        stop.cancelled().await;
    }
    Ok(())
}
