//! `leadrail vault`: which keys seal the credentials, and moving them to the next one.

use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output;
use crate::progress::Progress;
use clap::Subcommand;
use leadrail_desk::VaultStatus;

#[derive(Subcommand)]
pub(crate) enum VaultCommand {
    Status(StatusArgs),
    Rotate(RotateArgs),
}

/// Says which vault keys are configured, and how much each seals.
///
/// Exit code 1 if something is sealed with a key that is not configured here.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail vault status")]
pub(crate) struct StatusArgs {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Moves every credential from the older vault key to the new one, while leads flow.
///
/// Give every service the new key as vault_key and the one before it as vault_old_key first, rotate,
/// and take vault_old_key away when `leadrail vault status` shows that it seals nothing any more. It may
/// be stopped and run again at any time.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail vault rotate    with LEADRAIL_VAULT_KEY_FILE=new.key and LEADRAIL_VAULT_OLD_KEY_FILE=old.key"
)]
pub(crate) struct RotateArgs {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: VaultCommand, config: &Config) -> anyhow::Result<()> {
    match command {
        VaultCommand::Status(args) => status(&args, config).await,
        VaultCommand::Rotate(args) => rotate(&args, config).await,
    }
}

async fn status(args: &StatusArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk_with_vault(config).await?;
    let status = desk.vault_status().await.map_err(told)?;
    if args.json {
        output::json(&status)?;
    } else {
        show(&status)?;
    }
    match status.locked() {
        0 => Ok(()),
        locked => Err(anyhow::anyhow!(missing(locked))),
    }
}

fn missing(locked: i64) -> String {
    format!(
        "{locked} connections or clients of ours are sealed with a key that is not configured here: set it \
         as vault_old_key, or disable them and add them again"
    )
}

fn show(status: &VaultStatus) -> anyhow::Result<()> {
    let mut table = output::table(&["key", "is", "seals"]);
    let mut row = |id: &str, is: &str, seals: (i64, i64)| {
        let seals = match seals {
            (connections, 0) => format!("{connections} connections"),
            (connections, clients) => {
                format!("{connections} connections, {clients} clients of ours")
            }
        };
        table.add_row([id, is, &seals]);
    };
    let seals = |id: &str| {
        let mut all = status.sealed.iter();
        let one = all.find(|one| one.vault_key_id == id);
        one.map_or((0, 0), |one| (one.connections, one.clients))
    };
    row(
        &status.current,
        "the one that seals",
        seals(&status.current),
    );
    for id in &status.older {
        row(id, "older, still opens", seals(id));
    }
    for one in &status.sealed {
        if one.vault_key_id != status.current && !status.older.contains(&one.vault_key_id) {
            row(
                &one.vault_key_id,
                "not configured",
                (one.connections, one.clients),
            );
        }
    }
    output::line(table.trim_fmt())
}

async fn rotate(args: &RotateArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk_with_vault(config).await?;
    let status = desk.vault_status().await.map_err(told)?;
    let older = status
        .sealed
        .iter()
        .filter(|one| status.older.contains(&one.vault_key_id));
    let total = older.map(|one| one.connections + one.clients).sum::<i64>();
    let mut progress = Progress::start("credentials", u64::try_from(total).ok());
    let who = actor::command_line();
    let rotated = desk
        .rotate_vault(&who, |moved| progress.show(moved, ""))
        .await;
    progress.end();
    let rotated = rotated.map_err(told)?;
    if args.json {
        output::json(&rotated)?;
    } else if rotated.moved > 0 || rotated.left == 0 {
        let key = &status.current;
        output::line(format!("{} credentials moved to {key}", rotated.moved))?;
    }
    match i64::try_from(rotated.left) {
        Ok(0) => Ok(()),
        left => Err(anyhow::anyhow!(missing(left.unwrap_or(i64::MAX)))),
    }
}
