//! `leadrail serve`: the HTTP API.

use crate::config::Config;
use crate::database;
use crate::failure::usage;
use crate::output;
use crate::shutdown;
use leadrail_server::{BindError, Listener};
use std::net::SocketAddr;

/// Serves the HTTP API on this machine. Waits for a database that is away.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail serve --listen 127.0.0.1:4000")]
pub(crate) struct ServeArgs {
    /// A loopback address; others come through a proxy with TLS.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    let listener = listening(config.listen).await?;
    let address = listener.local_addr()?;
    let Some(desk) = database::desk_for_service(config, &stop).await? else {
        return Ok(());
    };
    output::line(format!("the API is ready at http://{address}"))?;
    leadrail_server::serve(listener, desk.clone(), config.admission.clone(), stop).await;
    database::settled(&desk).await;
    Ok(())
}

/// Listens on a loopback address.
pub(crate) async fn listening(address: SocketAddr) -> anyhow::Result<Listener> {
    let listener = leadrail_server::bind(address).await;
    listener.map_err(|error| match error {
        far @ BindError::NotLoopback { .. } => usage(far.to_string()),
        taken => anyhow::Error::new(taken).context("choose another address with --listen"),
    })
}
