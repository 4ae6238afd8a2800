//! `leadrail lane`: what runs queue behind together, and what holds it back.

use crate::actor;
use crate::commands::lead::time;
use crate::config::Config;
use crate::database;
use crate::failure::{told, usage};
use crate::output::{self, or_dash};
use clap::Subcommand;
use leadrail_desk::{Actor, Desk, DeskError};
use leadrail_engine::{LaneLimits, LaneView, parse_duration};
use serde_json::json;
use std::time::Duration;

#[derive(Subcommand)]
pub(crate) enum LaneCommand {
    /// Lists the lanes with live runs, dead letters or a setting.
    #[command(after_help = "Example:\n  leadrail lane list --json")]
    List {
        /// Prints a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Stops a lane: its runs stay queued, those that run go on.
    #[command(after_help = "Example:\n  leadrail lane pause acme/housecall_pro")]
    Pause(LaneArgs),
    /// Lets a lane go on, also one that its CRM wanted to be left alone.
    #[command(after_help = "Example:\n  leadrail lane resume acme/housecall_pro")]
    Resume(LaneArgs),
    Limit(LimitArgs),
}

#[derive(clap::Args)]
pub(crate) struct LaneArgs {
    /// The lane; `leadrail lane list` shows them.
    lane: String,
    /// Prints what became of it as JSON.
    #[arg(long)]
    json: bool,
}

/// Limits how many runs of a lane start, over all workers.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail lane limit acme/housecall_pro --concurrency 4 --rate 60/1m --burst 5\n  leadrail lane limit acme/housecall_pro --none"
)]
pub(crate) struct LimitArgs {
    /// The lane.
    lane: String,
    /// At most so many of its runs at a time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    concurrency: Option<u32>,
    /// At most so many starts in so long, such as 10/1m or 2/1s.
    #[arg(long, value_name = "N/TIME", value_parser = rate)]
    rate: Option<Duration>,
    /// So many starts may follow each other at once after a quiet time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    burst: u32,
    /// Takes all limits away.
    #[arg(long, conflicts_with_all = ["concurrency", "rate", "burst"])]
    none: bool,
}

pub(crate) async fn run(command: LaneCommand, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let who = actor::command_line();
    match command {
        LaneCommand::List { json } => list(&desk, json).await,
        LaneCommand::Pause(args) => {
            let news = desk.pause_lane(&who, &args.lane).await.map_err(refused)?;
            said(
                &args,
                "paused",
                news,
                "its runs stay queued until `leadrail lane resume`",
                "it was stopped already",
            )
        }
        LaneCommand::Resume(args) => {
            let news = desk.resume_lane(&who, &args.lane).await.map_err(refused)?;
            desk.tell_workers().await;
            said(
                &args,
                "resumed",
                news,
                "its runs go on",
                "nothing held it back",
            )
        }
        LaneCommand::Limit(args) => limit(&desk, &who, &args).await,
    }
}

fn said(args: &LaneArgs, verb: &str, news: bool, done: &str, nothing: &str) -> anyhow::Result<()> {
    if args.json {
        return output::json(&json!({ "lane": args.lane, verb: news }));
    }
    output::line(if news { done } else { nothing })
}

async fn limit(desk: &Desk, who: &Actor, args: &LimitArgs) -> anyhow::Result<()> {
    if !args.none && args.concurrency.is_none() && args.rate.is_none() {
        return Err(usage(
            "say what is limited: --concurrency N, --rate N/TIME, or --none to take all limits away",
        ));
    }
    let limits = LaneLimits {
        max_running: args.concurrency,
        gap: args.rate,
        burst: args.burst,
    };
    let limited = desk.limit_lane(who, &args.lane, &limits).await;
    limited.map_err(refused)?;
    desk.tell_workers().await;
    output::line(match args.none {
        true => "it has no limits now",
        false => "its next runs start within these limits",
    })
}

/// A lane that is none is best looked for in the list.
fn refused(error: DeskError) -> anyhow::Error {
    match error {
        DeskError::Refused { reason, .. } => {
            usage(format!("{reason}; `leadrail lane list` shows them"))
        }
        error => told(error),
    }
}

/// `10/1m` is one start every six seconds.
fn rate(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as N/TIME, such as 10/1m or 2/1s".to_owned();
    let (starts, time) = text.split_once('/').ok_or_else(wrong)?;
    let starts: u32 = starts.trim().parse().map_err(|_| wrong())?;
    let time = parse_duration(time.trim()).ok_or_else(wrong)?;
    let gap = time
        .checked_div(starts)
        .filter(|gap| *gap >= Duration::from_micros(1));
    gap.ok_or_else(wrong)
}

async fn list(desk: &Desk, as_json: bool) -> anyhow::Result<()> {
    let lanes = desk.lanes().await.map_err(told)?;
    if as_json {
        return output::json(&lanes);
    }
    if lanes.is_empty() {
        return output::line("no lane has a live run, a dead letter or a setting");
    }
    let mut table = output::table(&[
        "lane",
        "queued",
        "later",
        "retrying",
        "running",
        "waiting",
        "dead",
        "oldest due (UTC)",
        "held back",
        "limits",
    ]);
    for lane in &lanes {
        table.add_row([
            lane.lane.clone(),
            lane.queued.to_string(),
            lane.scheduled.to_string(),
            lane.retrying.to_string(),
            lane.running.to_string(),
            lane.waiting.to_string(),
            lane.dead.to_string(),
            or_dash(lane.oldest_due.map(time)),
            held_back(lane),
            limits(lane),
        ]);
    }
    output::line(table.trim_fmt())
}

fn held_back(lane: &LaneView) -> String {
    match (lane.paused_at, lane.held_until, lane.budget_until) {
        (Some(since), _, _) => format!("paused since {}", time(since)),
        (None, Some(until), _) => format!("left alone until {}", time(until)),
        (None, None, Some(until)) => {
            let left = lane.budget_left.unwrap_or(0).max(0);
            format!("{left} calls left until {}", time(until))
        }
        (None, None, None) => "-".to_owned(),
    }
}

fn limits(lane: &LaneView) -> String {
    let running = lane.max_running.map(|most| format!("{most} at a time"));
    let gap = lane.gap_seconds.map(|gap| {
        let burst = lane.burst.filter(|burst| *burst > 1);
        let burst = burst
            .map(|burst| format!(", {burst} at once"))
            .unwrap_or_default();
        format!("one every {gap} s{burst}")
    });
    let all: Vec<_> = running.into_iter().chain(gap).collect();
    or_dash((!all.is_empty()).then(|| all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_time_between_two_starts() {
        assert_eq!(rate("10/1m"), Ok(Duration::from_secs(6)));
        assert_eq!(rate("2/1s"), Ok(Duration::from_millis(500)));
        for wrong in [
            "",
            "10",
            "/1m",
            "0/1m",
            "-1/1m",
            "10/",
            "10/never",
            "4000000000/1s",
            "1/0s",
        ] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
