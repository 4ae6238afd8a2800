//! `leadrail chaos`: the whole product under blows, judged by the CRM's own books.
//!
//! Workers are processes of their own that are killed, frozen, and asked to end as at a deploy, some
//! with a wrong clock. PostgreSQL is crashed, sessions are cut, answers to commits get lost, clients
//! hang up, and the CRM misbehaves as its fault plan says. Then everything calms down, and what was
//! accepted is compared with what stands in the CRM. A verdict that nothing could have turned red
//! is worth nothing: every kind of trouble must have struck, and three controls (`--without`) take
//! one safeguard away each and must be seen.

mod chronicle;
mod clocks;
mod control;
mod crew;
mod disk;
mod evidence;
mod failover;
mod faults;
mod fence;
mod figures;
mod hang_up;
pub(crate) mod later_build;
mod member;
mod nemesis;
mod outages;
mod plan;
mod rolling;
mod sender;
mod stage;
mod takeover;
mod verdict;
mod watch;
mod wires;

use crate::failure::Said;
use crate::progress::Progress;
use crate::shutdown;
use chronicle::Chronicle;
use control::Control;
use crew::Crew;
use evidence::Evidence;
use outages::Outages;
use plan::{Plan, Profile};
use sender::Sender;
use stage::Stage;
use std::time::Instant;
use tokio_util::sync::CancellationToken;
use verdict::Verdict;
use watch::Watch;

/// Kills workers, freezes them, crashes PostgreSQL, loses its answers and lets a simulated CRM
/// misbehave while leads come in; then compares what was accepted with the CRM's own books.
///
/// Where libfaketime is installed, two of the four workers have a wrong clock. Everything is private to this command. Exit code 0 only if nothing was lost or doubled and every
/// kind of trouble struck; with --without only if the missing safeguard was noticed.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail chaos --profile ci --seed 7\n  leadrail chaos --without look --leads 400"
)]
pub(crate) struct ChaosArgs {
    /// ci takes up to four minutes, full up to ten.
    #[arg(long, value_enum, default_value_t = Profile::Ci)]
    profile: Profile,
    /// Arms the same faults and aims the same blows again; a new one if not given.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many leads, from 100 to 200000; as many as the profile has time for if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(100..=200_000))]
    leads: Option<u64>,
    /// Takes a safeguard away from outside; the verdict must turn red for it.
    #[arg(long, value_enum, value_name = "SAFEGUARD")]
    without: Option<Control>,
    /// Prints the verdict as one JSON object on standard output, all else on standard error.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: ChaosArgs) -> anyhow::Result<()> {
    let seed = args
        .seed
        .unwrap_or_else(|| rand::random_range(1..1_000_000));
    let plan = Plan::new(args.profile, seed, args.leads, args.without);
    let stop = shutdown::on_signal()?;
    let stage = tokio::select! {
        stage = Stage::up(&plan) => stage?,
        () = stop.cancelled() => return Err(stopped(seed)),
    };
    eprintln!("{}", plan.greeting(&stage));
    let played = tokio::select! {
        verdict = play(&plan, &stage) => verdict,
        () = stop.cancelled() => Err(stopped(seed)),
    };
    stage.down().await;
    let verdict = played?;
    verdict.print(args.json)?;
    match verdict.is_as_it_should_be() {
        true => Ok(()),
        false => Err(Said.into()),
    }
}

fn stopped(seed: u64) -> anyhow::Error {
    anyhow::anyhow!("the chaos run was stopped before its end; run it again with --seed {seed}")
}

/// Leads come in, blows fall, and somebody watches; when all is calm again the books are read.
async fn play(plan: &Plan, stage: &Stage) -> anyhow::Result<Verdict> {
    let chronicle = Chronicle::start(stage.rig.now().await?);
    let mut crew = Crew::start(plan, stage, &chronicle)?;
    let sender = Sender::new(plan, stage).await?;
    let watch = Watch::new(plan, stage, &sender, &chronicle);
    let calm = CancellationToken::new();
    let outages = Outages {
        stage,
        sender: &sender,
        chronicle: &chronicle,
        calm: &calm,
    };
    let began = Instant::now();
    let mut progress = Progress::start("leads", None);
    let (sent, (), struck, (), watched) = tokio::join!(
        sender.send_all(),
        nemesis::strike(plan, &mut crew, &calm),
        outages.strike(plan),
        wires::strike(plan, &stage.proxy, &chronicle, &calm),
        watch.until_drained(began, &calm, &mut progress),
    );
    progress.end();
    let (sent, watched) = (sent?, watched?);
    struck?;
    stage.until_effects_landed().await;
    let evidence = Evidence::gather(stage, &sender, &chronicle).await;
    crew.dismiss().await;
    Ok(Verdict::reach(plan, &sent, &watched, evidence?, &chronicle))
}
