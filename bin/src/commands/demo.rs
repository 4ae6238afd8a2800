//! `leadrail demo`: the whole product on this machine, with everything that can go wrong.
//!
//! The parts are the real ones: a PostgreSQL with durability on, the API, a worker in this process
//! and one in another that is killed. Only the CRM is simulated, and it is never told what should
//! come of a lead: what is expected is decided here (`cast`) and compared with the CRM's own books
//! (`books`).

mod books;
mod cast;
mod door;
mod first_worker;
mod follow;
mod report;
mod stage;

use crate::failure::{Said, usage};
use crate::progress::Progress;
use crate::shutdown;
use cast::Cast;
use follow::Followed;
use report::Report;
use stage::Stage;
use std::path::PathBuf;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// Runs everything on this machine: a private PostgreSQL, a simulated CRM that misbehaves, the API
/// and workers, one of which is killed.
///
/// Exit code 0 only if every lead ended where it should.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail demo --leads 500\n  leadrail demo --serve --data-dir /var/tmp/leadrail"
)]
pub(crate) struct DemoArgs {
    /// How many leads, from 10 to 20000; all kinds of trouble need about 30.
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
    if !(cast::FEWEST..=cast::MOST).contains(&args.leads) {
        return Err(usage(format!(
            "--leads is {} to {}",
            cast::FEWEST,
            cast::MOST
        )));
    }
    let stop = shutdown::on_signal()?;
    let began = Instant::now();
    let mut stage = tokio::select! {
        stage = Stage::up(args.data_dir.as_deref(), args.json) => stage?,
        () = stop.cancelled() => return Err(stopped()),
    };
    let played = tokio::select! {
        report = play(&args, &mut stage, began) => report,
        () = stop.cancelled() => Err(stopped()),
    };
    let ended = match &played {
        Ok(report) => finish(&args, &stage, report, &stop).await,
        Err(_) => Ok(()),
    };
    stage.rig.down().await;
    ended?;
    match played?.is_right() {
        true => Ok(()),
        false => Err(Said.into()),
    }
}

fn stopped() -> anyhow::Error {
    anyhow::anyhow!("the demo was stopped before its end; run it again")
}

/// Act one: a worker is killed in the middle. Act two: another takes over while every other kind of
/// trouble comes up. Then the books are compared.
async fn play(args: &DemoArgs, stage: &mut Stage, began: Instant) -> anyhow::Result<Report> {
    let cast = Cast::of(args.leads, stage.rig.now().await?);
    stage.connect(&cast).await?;
    stage.arm(&cast)?;
    stage.revoke_key(&cast.accounts).await?;
    let mut progress = Progress::start("leads", Some(cast.len()));
    let first = first_worker::start(stage).await?;
    door::push(stage, &cast.first).await?;
    first_worker::kill_in_the_middle(first, stage, &cast).await?;
    stage.start_worker()?;
    door::push(stage, &cast.second).await?;
    let repeats = door::push_again(stage, cast.repeated()).await?;
    let followed = Followed::until_ended(stage, &cast, &mut progress).await?;
    progress.end();
    let books = books::compare(&stage.rig.books(), &cast, &followed);
    Report::new(stage, &cast, &followed, books, repeats, began).await
}

async fn finish(
    args: &DemoArgs,
    stage: &Stage,
    report: &Report,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    report.print(args.json)?;
    if args.serve {
        stage.say(&stage.addresses())?;
        stop.cancelled().await;
    }
    Ok(())
}
