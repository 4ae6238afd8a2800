//! `leadrail lead list`: leads in a table, the newest first.

use super::story::time;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output::{self, or_dash};
use leadrail_connections::ConnectionId;
use leadrail_desk::{Desk, LeadFilter};
use leadrail_engine::{RunId, RunState};
use leadrail_workflows::LeadView;

/// Lists leads, the newest first.
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

fn table(leads: &[LeadView]) -> comfy_table::Table {
    let mut table = output::table(&[
        "event_id",
        "account",
        "crm",
        "state",
        "why",
        "step",
        "goes on (UTC)",
        "accepted (UTC)",
    ]);
    for lead in leads {
        let why = lead
            .reason
            .as_ref()
            .filter(|_| lead.state != RunState::Completed);
        let step = lead
            .activity
            .as_ref()
            .filter(|_| lead.state != RunState::Completed);
        table.add_row([
            or_dash(lead.event_id.as_ref()),
            lead.account.clone(),
            or_dash(lead.crm.as_ref()),
            lead.state.to_string(),
            or_dash(why),
            or_dash(step),
            or_dash(lead.next_at.map(time)),
            time(lead.created_at),
        ]);
    }
    table
}
