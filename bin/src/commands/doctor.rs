//! `leadrail doctor`: is everything as it must be?

use crate::config::Config;
use crate::database;
use crate::failure::{Said, sentence, told};
use crate::output;
use leadrail_desk::{check_privacy, check_server, unreachable};
use leadrail_engine::Check;

/// Checks database, migrations, durability, clocks, vault key and the invariants of every run.
///
/// One line each; exit code 1 if any fails. Changes nothing and may run beside live workers.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail doctor || echo 'look above'")]
pub(crate) struct DoctorArgs {
    /// Prints a JSON array of `{name, ok, detail}`.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &DoctorArgs, config: &Config) -> anyhow::Result<()> {
    let checks = all(config).await?;
    if args.json {
        output::json(&checks)?;
    } else {
        for check in &checks {
            let mark = if check.ok { "ok  " } else { "FAIL" };
            output::line(format!("{mark}  {:<20}  {}", check.name, check.detail))?;
        }
    }
    match checks.iter().all(|check| check.ok) {
        true => Ok(()),
        false => Err(Said.into()),
    }
}

/// Later checks need what earlier ones found: without a database, or without tables, it ends there.
async fn all(config: &Config) -> anyhow::Result<Vec<Check>> {
    let hosts = database::hosts(config)?;
    let place = hosts.place();
    let mut session = match database::try_once(&hosts).await {
        Ok(session) => session,
        Err(error) => return Ok(vec![unreachable(&place, &error)]),
    };
    let mut checks = check_server(&mut session, &place).await;
    checks.push(check_privacy(&hosts));
    let desk = database::on(database::connect(config).await?, config);
    let key = config.vault().map_err(|error| sentence(&error));
    checks.extend(desk.doctor(key).await.map_err(told)?);
    Ok(checks)
}
