//! `leadrail connection test`: asks the CRM whether a connection works.

use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::{Said, told};
use crate::output;
use anyhow::Context as _;
use leadrail_connections::ConnectionId;
use leadrail_desk::ConnectionTest;

/// Asks the CRM whether it accepts the connection's secret; sends no lead.
///
/// If it does, the connection is active again and the leads that waited for it go out. Exit code 1 if
/// it does not.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail connection test 0b2f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10")]
pub(crate) struct TestArgs {
    /// The connection; `leadrail connection list` shows them.
    id: ConnectionId,
    /// Tries a refresh token once more of whose last use no answer came, as the connection then says. A
    /// provider that did hear the first time may end the whole sign-in for that.
    #[arg(long)]
    once_more: bool,
    /// Prints the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &TestArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk_with_vault(config).await?;
    let who = actor::command_line();
    let tested = match args.once_more {
        true => desk.test_once_more(&who, args.id).await,
        false => desk.test(&who, args.id).await,
    };
    database::settled(&desk).await;
    let tested = tested
        .map_err(told)
        .context("the connection could not be tested")?;
    desk.tell_workers().await;
    match args.json {
        true => output::json(&tested)?,
        false => output::line(text(&tested))?,
    }
    match tested.ok {
        true => Ok(()),
        false => Err(Said.into()),
    }
}

fn text(tested: &ConnectionTest) -> String {
    let state = tested.state;
    if tested.ok {
        let name = tested.account_name.as_deref().unwrap_or("the account");
        let released = match tested.released {
            0 => String::new(),
            leads => format!("; {leads} leads waited for it and go out, ten a minute"),
        };
        return format!("it works: {name}; the connection is {state}{released}");
    }
    let detail = tested.detail.as_deref().unwrap_or("no reason was given");
    format!("it does not work: {detail}; the connection is {state}")
}
