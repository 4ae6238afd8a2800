//! `leadrail lead list`: leads in a table, the newest first.

use super::story;
use crate::commands::standing::{minute, standing};
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output::{self, Column, or_dash};
use chrono::{DateTime, Utc};
use leadrail_connections::ConnectionId;
use leadrail_desk::{Desk, LeadFilter};
use leadrail_engine::{RunId, RunState};
use leadrail_workflows::LeadView;

/// Lists leads, the newest first.
///
/// The state of a lead that something holds back is a word of its own: paused (a person stopped its
/// lane), throttled (the CRM wants to be left alone), released (its connection is back, and those that
/// waited go out ten a minute, with its place in line). Times are UTC. A terminal that is too narrow
/// shows fewer columns.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail lead list --state dead --crm housecall_pro")]
pub(crate) struct ListArgs {
    /// Only leads in this state: queued, running, retrying, waiting, replaying, completed, dead or cancelled.
    #[arg(long)]
    state: Option<RunState>,
    /// Only this account's.
    #[arg(long)]
    account: Option<String>,
    /// Only those for this CRM.
    #[arg(long)]
    crm: Option<String>,
    /// Only those that go through this connection, or waited for it to be made.
    #[arg(long, value_name = "CONNECTION_ID")]
    connection: Option<ConnectionId>,
    /// Only those of this caller's number, however it is written, or the one with this event id or run id.
    #[arg(long, value_name = "NUMBER|ID", allow_hyphen_values = true)]
    q: Option<String>,
    /// Only leads older than this run: the last of the page before.
    #[arg(long, value_name = "RUN_ID")]
    before: Option<RunId>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Prints a JSON array.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &ListArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let (leads, next) = newest(&desk, args).await?;
    if args.json {
        return output::json(&leads);
    }
    if leads.is_empty() {
        return output::line("no such leads");
    }
    output::line(table(&leads).trim_fmt())?;
    if let Some(next) = next {
        eprintln!("there may be more: --before {next}");
    }
    Ok(())
}

/// As many leads as were asked for, from as many pages as it takes, and where the next one begins.
async fn newest(desk: &Desk, args: &ListArgs) -> anyhow::Result<(Vec<LeadView>, Option<RunId>)> {
    let filter = LeadFilter {
        state: args.state,
        account: args.account.clone(),
        crm: args.crm.clone(),
        connection: args.connection,
        q: args.q.clone(),
    };
    let (mut leads, mut before) = (Vec::new(), args.before);
    loop {
        let wanted = args.limit.saturating_sub(u32::try_from(leads.len())?);
        let page = desk.leads(&filter, before, wanted).await.map_err(told)?;
        leads.extend(page.leads);
        before = page.next;
        if before.is_none() || leads.len() >= args.limit as usize {
            return Ok((leads, before));
        }
    }
}

/// The columns in their order, and how soon each goes where the terminal is narrow.
const COLUMNS: [Column; 10] = [
    Column("event_id", 0),
    Column("state", 1),
    Column("caller", 2),
    Column("try", 4),
    Column("goes on", 3),
    Column("why", 5),
    Column("account", 6),
    Column("crm", 7),
    Column("step", 9),
    Column("accepted (UTC)", 8),
];

fn table(leads: &[LeadView]) -> comfy_table::Table {
    let has_ended_well = |lead: &LeadView| lead.state == RunState::Completed;
    let rows = leads.iter().map(|lead| {
        let step = lead.activity.as_ref().filter(|_| !has_ended_well(lead));
        let caller = lead.caller.to_string();
        [
            or_dash(lead.event_id.as_ref()),
            standing(lead.state, lead.held.as_ref()),
            or_dash((!caller.is_empty()).then_some(caller)),
            or_dash(story::tries(lead)),
            or_dash(lead.next_at.map(soon)),
            or_dash(lead.reason.as_ref()),
            lead.account.clone(),
            or_dash(lead.crm.as_ref()),
            or_dash(step),
            minute(lead.created_at),
        ]
    });
    output::fitted(&COLUMNS, rows)
}

/// A time that is days away at most, to the minute.
fn soon(at: DateTime<Utc>) -> String {
    at.format("%m-%d %H:%M").to_string()
}
