//! `leadrail link`: the links to recordings and transcripts that CRMs have.

use crate::actor;
use crate::commands::lead::{missing, time};
use crate::config::Config;
use crate::database;
use crate::output::{self, or_dash};
use clap::Subcommand;
use leadrail_connections::links::LinkKind;
use leadrail_desk::{LinkState, LinkView};
use leadrail_lead::EventId;
use serde_json::json;

#[derive(Subcommand)]
pub(crate) enum LinkCommand {
    List(ListArgs),
    Revoke(RevokeArgs),
}

/// Lists the links of a lead. Whoever has one can hear the recording.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail link list 3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10")]
pub(crate) struct ListArgs {
    /// The lead's event_id.
    event_id: EventId,
    /// Whose lead, where two accounts use the same id.
    #[arg(long)]
    account: Option<String>,
    /// Prints a JSON array.
    #[arg(long)]
    json: bool,
}

/// Takes the links of a lead back, for good: whoever follows one is told so.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail link revoke 3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10 --kind recording"
)]
pub(crate) struct RevokeArgs {
    /// The lead's event_id.
    event_id: EventId,
    /// Whose lead, where two accounts use the same id.
    #[arg(long)]
    account: Option<String>,
    /// Only the link to this: recording or transcript.
    #[arg(long)]
    kind: Option<LinkKind>,
    /// Prints what became of them as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(command: &LinkCommand, config: &Config) -> anyhow::Result<()> {
    match command {
        LinkCommand::List(args) => list(args, config).await,
        LinkCommand::Revoke(args) => revoke(args, config).await,
    }
}

async fn list(args: &ListArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk_with_vault(config).await?;
    let links = desk.links(args.event_id, args.account.as_deref()).await;
    let links = links.map_err(|error| missing(error, args.event_id))?;
    if args.json {
        return output::json(&links);
    }
    if config.links.public_url.is_none() {
        eprintln!("leadrail: public_url is not set, so CRMs get no links");
    }
    let mut table = output::table(&["to", "link", "state", "opened", "last (UTC)"]);
    for link in &links {
        table.add_row([
            link.kind.to_string(),
            or_dash(link.url.as_ref()),
            state(link),
            link.opened.to_string(),
            or_dash(link.last_opened_at.map(time)),
        ]);
    }
    output::line(table.trim_fmt())
}

fn state(link: &LinkView) -> String {
    match link.state {
        LinkState::Works => "works".to_owned(),
        LinkState::Revoked => format!("revoked by {}", or_dash(link.revoked_by.as_ref())),
        LinkState::Nothing => "nothing there".to_owned(),
    }
}

async fn revoke(args: &RevokeArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let (who, account) = (actor::command_line(), args.account.as_deref());
    let revoked = desk.revoke_links(&who, args.event_id, account, args.kind);
    let revoked = revoked
        .await
        .map_err(|error| missing(error, args.event_id))?;
    if args.json {
        return output::json(&json!({"event_id": args.event_id, "revoked": revoked}));
    }
    output::line(match revoked {
        0 => "they were taken back already".to_owned(),
        1 => "1 link leads nowhere from now on".to_owned(),
        some => format!("{some} links lead nowhere from now on"),
    })
}
