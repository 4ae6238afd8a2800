//! `leadrail connection test`: asks the CRM whether a connection works.

use super::{RELEASE_SPACING, open, release};
use crate::config::Config;
use crate::failure::Said;
use crate::output;
use anyhow::Context as _;
use leadrail_adapters::Adapters;
use leadrail_connections::{ConnectionId, ConnectionState};
use leadrail_outbound::Outbound;
use leadrail_server::{ConnectionTest, ServerState, test_connection};

/// Asks the CRM whether it accepts the connection's secret; sends no lead.
///
/// If it does, the connection is active again and the leads that waited for it go out. Exit code 1 if
/// it does not.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail connection test 0b2f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10")]
pub(crate) struct TestArgs {
    /// The connection; `leadrail connection list` shows them.
    id: ConnectionId,
    /// Prints the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &TestArgs, config: &Config) -> anyhow::Result<()> {
    let (connections, engine) = open(config).await?;
    let state = ServerState {
        engine,
        connections,
        adapters: Adapters::all(),
        http: Outbound::new(config.guard.clone())?,
        schedule: config.worker.schedule.clone(),
    };
    let was = state.connections.get(args.id).await?;
    let mut tested = test_connection(&state, args.id)
        .await
        .context("the connection could not be tested")?;
    if tested.ok && was.state == ConnectionState::NeedsReauth {
        // Leads whose workers still remembered it as closed have come to the gate meanwhile.
        tested.released += release(&state.engine, &was, RELEASE_SPACING).await?;
    }
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
