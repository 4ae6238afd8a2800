//! `leadrail serve`: the HTTP API.

use crate::config::Config;
use crate::database;
use crate::failure::usage;
use crate::output;
use crate::shutdown;
use anyhow::Context as _;
use leadrail_adapters::Adapters;
use leadrail_connections::Connections;
use leadrail_engine::Engine;
use leadrail_outbound::Outbound;
use leadrail_server::{BindError, ServerState};

/// Serves the HTTP API on this machine. Waits for a database that is away.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail serve --listen 127.0.0.1:4000")]
pub(crate) struct ServeArgs {
    /// A loopback address; the API has no keys yet.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    let listener = leadrail_server::bind(config.listen).await;
    let listener = listener.map_err(|error| match error {
        far @ BindError::NotLoopback { .. } => usage(far.to_string()),
        taken => anyhow::Error::new(taken).context("choose another address with --listen"),
    })?;
    let address = listener.local_addr()?;
    let vault = config.need_vault_key()?;
    let Some(pool) = database::connect_for_service(config, &stop).await? else {
        return Ok(());
    };
    let state = ServerState {
        engine: Engine::new(pool.clone()),
        connections: Connections::new(pool, vault),
        adapters: Adapters::all(),
        http: Outbound::new(config.guard.clone()).context("the API cannot test connections")?,
        schedule: config.worker.schedule.clone(),
    };
    output::line(format!("the API is ready at http://{address}"))?;
    leadrail_server::serve(listener, state, stop).await;
    Ok(())
}
