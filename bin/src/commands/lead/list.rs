//! `leadrail lead list`: leads in a table, the newest first.

use super::story::time;
use crate::config::Config;
use crate::database;
use crate::failure::usage;
use crate::output::{self, or_dash};
use leadrail_engine::{RunId, RunState, RunView, WorkerId};
use leadrail_workflows::LeadView;
use sqlx::PgPool;

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
    if [&args.account, &args.crm]
        .into_iter()
        .flatten()
        .any(|text| text.contains('\0'))
    {
        return Err(usage("an account or a CRM has no NUL in its name"));
    }
    let pool = database::connect_migrated(config).await?;
    let leads: Vec<_> = page(&pool, args).await?.iter().map(LeadView::of).collect();
    if args.json {
        return output::json(&leads);
    }
    if leads.is_empty() {
        return output::line("no such leads");
    }
    output::line(table(&leads).trim_fmt())?;
    if leads.len() == args.limit as usize
        && let Some(last) = leads.last()
    {
        eprintln!("there may be more: --before {}", last.run_id);
    }
    Ok(())
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

/// The inputs stay in the database: they are large and nobody asked for them.
async fn page(pool: &PgPool, args: &ListArgs) -> sqlx::Result<Vec<RunView>> {
    sqlx::query_as!(
        RunView,
        r#"
        select id as "id!: RunId", state as "state!: RunState", due_at, worker_id as "worker_id: WorkerId",
               starts as "starts!", activity, attempt, reason, priority as "priority!",
               workflow as "workflow!", scope as "scope!", key, lane as "lane!",
               created_at as "created_at!", changed_at as "changed_at!", 'null'::json as "input!"
        from leadrail.run
        where workflow = 'push_lead'
          and ($1::text is null or state::text = $1)
          and ($2::text is null or scope = $2)
          and ($3::text is null or right(lane, length($3) + 1) = '/' || $3)
          and ($4::uuid is null or id < $4)
        order by id desc
        limit $5
        "#,
        args.state.map(RunState::as_str),
        args.account.as_deref(),
        args.crm.as_deref(),
        args.before.map(|id| id.0),
        i64::from(args.limit),
    )
    .fetch_all(pool)
    .await
}
