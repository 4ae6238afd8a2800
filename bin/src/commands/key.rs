//! `leadrail key`: API keys, made, listed and taken back.

use crate::actor;
use crate::commands::lead::time;
use crate::config::Config;
use crate::database;
use crate::failure::{told, usage};
use crate::output::{self, or_dash};
use clap::Subcommand;
use leadrail_desk::{ApiKey, DeskError, KeyId, KeyMode, NewKey, Role};
use leadrail_engine::parse_duration;
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::time::Duration;

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    Create(CreateArgs),
    List(ListArgs),
    Revoke(RevokeArgs),
}

/// Makes an API key and prints it, this once.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail key create --purpose \"call pipeline\" --role intake\n  leadrail key create --purpose dashboard --role account --account acme --expires 90d\n  leadrail key create --purpose \"new pipeline\" --role intake --test\n\nRoles: operator (everything), operator_read_only (looks at everything), account (its own leads and\nconnections), intake (hands leads over and nothing else)."
)]
pub(crate) struct CreateArgs {
    /// What it is for. Two keys of one purpose may work at a time, the old one and the new.
    #[arg(long)]
    purpose: String,
    /// What its holder may do: operator, operator_read_only, account or intake.
    #[arg(long)]
    role: Role,
    /// Whose leads and connections it is for.
    #[arg(long)]
    account: Option<String>,
    /// A test key, which begins with lr_test_: a lead that is handed over with it is judged, shown as it would be
    /// filed, and not kept; it changes nothing. Its role is account or intake.
    #[arg(long)]
    test: bool,
    /// For how long it is good, such as 90d; for ever without.
    #[arg(long, value_name = "TIME", value_parser = life)]
    expires: Option<Duration>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Lists the API keys, without the keys themselves.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail key list --account acme")]
pub(crate) struct ListArgs {
    /// Only this account's.
    #[arg(long)]
    account: Option<String>,
    /// Prints a JSON array.
    #[arg(long)]
    json: bool,
}

/// Takes an API key back: within five seconds it is refused everywhere.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail key revoke 3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10")]
pub(crate) struct RevokeArgs {
    /// The key's id, from `leadrail key list`.
    id: KeyId,
    /// Prints what became of it as JSON.
    #[arg(long)]
    json: bool,
}

fn life(text: &str) -> Result<Duration, String> {
    let life = parse_duration(text).filter(|life| !life.is_zero());
    life.ok_or_else(|| "use a time such as 12h or 90d".to_owned())
}

pub(crate) async fn run(command: KeyCommand, config: &Config) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create(args) => create(args, config).await,
        KeyCommand::List(args) => list(&args, config).await,
        KeyCommand::Revoke(args) => revoke(&args, config).await,
    }
}

async fn create(args: CreateArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let new = NewKey {
        purpose: args.purpose,
        role: args.role,
        account: args.account,
        mode: match args.test {
            true => KeyMode::Test,
            false => KeyMode::Live,
        },
        expires_in: args.expires,
    };
    let made = desk.create_key(&actor::command_line(), new).await;
    let made = made.map_err(told)?;
    let key = made.secret.expose_secret();
    if args.json {
        let mut shown = json!(made.key);
        shown["key"] = json!(key);
        return output::json(&shown);
    }
    output::line(key)?;
    eprintln!(
        "this is the only time that the key is shown; its id is {}",
        made.key.id
    );
    Ok(())
}

async fn list(args: &ListArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let keys = desk.keys(args.account.as_deref()).await.map_err(told)?;
    if args.json {
        return output::json(&keys);
    }
    if keys.is_empty() {
        return output::line("no such keys; `leadrail key create` makes one");
    }
    let mut table = output::table(&[
        "id",
        "key",
        "purpose",
        "role",
        "account",
        "state",
        "used (UTC)",
    ]);
    for key in &keys {
        table.add_row([
            key.id.to_string(),
            format!("{}...", key.shown),
            key.purpose.clone(),
            key.role.to_string(),
            or_dash(key.account.as_ref()),
            state(key),
            or_dash(key.last_used_at.map(time)),
        ]);
    }
    output::line(table.trim_fmt())
}

fn state(key: &ApiKey) -> String {
    match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked".to_owned(),
        (None, _) if !key.works => "expired".to_owned(),
        (None, Some(end)) => format!("until {}", time(end)),
        (None, None) => "works".to_owned(),
    }
}

async fn revoke(args: &RevokeArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let revoked = desk.revoke_key(&actor::command_line(), args.id).await;
    let revoked = revoked.map_err(|error| match error {
        unknown @ DeskError::NoSuchKey { .. } => usage(unknown.to_string()),
        other => told(other),
    })?;
    if args.json {
        return output::json(&json!({"id": args.id, "revoked": revoked}));
    }
    output::line(match revoked {
        true => "within five seconds it is refused everywhere",
        false => "it was revoked already",
    })
}
