//! `leadrail migrate`: brings the tables and functions into the database.

use crate::config::Config;
use crate::database;
use crate::failure::Said;
use crate::output;
use leadrail_connections::MigrateError;

/// Applies the migrations that are missing.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail migrate\n  leadrail migrate --check || echo 'not yet'"
)]
pub(crate) struct MigrateArgs {
    /// Changes nothing; exit code 1 if any is missing.
    #[arg(long)]
    check: bool,
    /// Prints the names as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &MigrateArgs, config: &Config) -> anyhow::Result<()> {
    let pool = database::connect(config).await?;
    if args.check {
        let pending = leadrail_connections::pending(&pool).await;
        let pending = pending.map_err(database::unwrap_migration)?;
        say(args, &pending)?;
        return if pending.is_empty() {
            Ok(())
        } else {
            Err(Said.into())
        };
    }
    let applied = leadrail_connections::migrate(&pool).await.map_err(failed)?;
    say(args, &applied)
}

fn failed(error: MigrateError) -> anyhow::Error {
    if error.is_of_another_release() {
        return database::unwrap_migration(error);
    }
    anyhow::Error::new(error).context(
        "the migration failed; nothing that failed was kept, correct the cause and run it again",
    )
}

fn say(args: &MigrateArgs, names: &[String]) -> anyhow::Result<()> {
    if args.json {
        let key = if args.check { "pending" } else { "applied" };
        return output::json(&serde_json::json!({ key: names }));
    }
    for name in names {
        let verb = if args.check { "pending" } else { "applied" };
        output::line(format!("{verb}  {name}"))?;
    }
    match (args.check, names.len()) {
        (_, 0) => output::line("the database is up to date"),
        (true, missing) => {
            eprintln!("{missing} migrations are missing; run `leadrail migrate`");
            Ok(())
        }
        (false, _) => Ok(()),
    }
}
