//! `leadrail migrate`: brings the tables and functions into the database.

use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::{Said, told};
use crate::output;
use leadrail_desk::newer_than_us;

/// Applies the migrations that are missing.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail migrate\n  leadrail migrate --check || echo 'not yet'\n  leadrail migrate --grant call_pipeline\n  leadrail migrate --grant-api leadrail_api"
)]
pub(crate) struct MigrateArgs {
    /// Changes nothing; exit code 1 if any is missing. A database that a newer release has migrated lacks
    /// nothing.
    #[arg(long)]
    check: bool,
    /// Lets this database role hand over leads by `select leadrail.enqueue_lead(...)`: usage of the
    /// schema, and the functions enqueue_lead, lead_warnings and hint. It needs nothing else, and can do
    /// nothing else.
    #[arg(long, value_name = "ROLE", conflicts_with = "check")]
    grant: Option<String>,
    /// Lets this database role serve the API from behind the wall between accounts: `leadrail serve` with
    /// its name in DATABASE_URL reads and changes rows only of the account that a caller is let see,
    /// whatever else goes wrong. It must not own the tables, nor be allowed to bypass row-level security.
    #[arg(long, value_name = "ROLE", conflicts_with = "check")]
    grant_api: Option<String>,
    /// Prints the names as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &MigrateArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::on(database::connect(config).await?, config);
    let pending = match args.check {
        true => desk.pending_migrations().await.map_err(told)?,
        false => desk.migrate(&actor::command_line()).await.map_err(told)?,
    };
    let newer = desk.newer_migrations().await.map_err(told)?;
    say(args, &pending, &newer)?;
    if let Some(role) = &args.grant {
        let granted = desk.grant_doors(&actor::command_line(), role).await;
        granted.map_err(told)?;
        eprintln!("{role} may hand over leads by `select leadrail.enqueue_lead(...)`");
    }
    if let Some(role) = &args.grant_api {
        let granted = desk.grant_api(&actor::command_line(), role).await;
        granted.map_err(told)?;
        eprintln!("{role} may serve the API, from behind the wall between accounts");
    }
    if args.check && !pending.is_empty() {
        return Err(Said.into());
    }
    Ok(())
}

fn say(args: &MigrateArgs, names: &[String], newer: &[String]) -> anyhow::Result<()> {
    if args.json {
        let key = if args.check { "pending" } else { "applied" };
        return output::json(&serde_json::json!({ key: names, "newer": newer }));
    }
    for name in names {
        let verb = if args.check { "pending" } else { "applied" };
        output::line(format!("{verb}  {name}"))?;
    }
    match (args.check, names.len()) {
        (_, 0) => {
            let is_newer = newer_than_us(newer);
            output::line(is_newer.as_deref().unwrap_or("the database is up to date"))
        }
        (true, missing) => {
            eprintln!("{missing} migrations are missing; run `leadrail migrate`");
            Ok(())
        }
        (false, _) => Ok(()),
    }
}
