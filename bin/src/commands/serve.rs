//! `leadrail serve`: the HTTP API.

use crate::config::Config;
use crate::database;
use crate::failure::{told, usage};
use crate::output;
use crate::shutdown;
use leadrail_desk::Desk;
use leadrail_engine::Sees;
use leadrail_server::{BindError, Listener, bind, bind_with, is_for_others};
use std::net::SocketAddr;

/// Serves the HTTP API, on this machine or with TLS beyond it. Waits for a database that is away.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail serve --listen 127.0.0.1:4000")]
pub(crate) struct ServeArgs {
    /// Where; beyond this machine with a certificate, or through a proxy that is named.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    // Without it nothing is served, wherever it listens.
    config.need_vault()?;
    let listener = bind_with(config.listen, &config.admission, config.tls()?).await;
    let listener = listener.map_err(refused)?;
    let (scheme, address) = (listener.scheme(), listener.local_addr()?);
    let Some(desk) = database::desk_for_service(config, &stop).await? else {
        return Ok(());
    };
    if is_for_others(address) {
        need_keys(&desk.seeing(Sees::All), address).await?;
    }
    look_for_the_wall(&desk, config.wall_required).await?;
    output::line(format!("the API is ready at {scheme}://{address}"))?;
    leadrail_server::serve(listener, desk.clone(), config.admission.clone(), stop).await;
    database::settled(&desk).await;
    Ok(())
}

/// Whoever is on another machine needs a key, so somebody must have one.
async fn need_keys(desk: &Desk, address: SocketAddr) -> anyhow::Result<()> {
    let keys = desk.keys(None).await.map_err(told)?;
    match keys.iter().any(|key| key.works) {
        true => Ok(()),
        false => Err(usage(format!(
            "{address} can be reached from other machines, and nobody has an API key that works: make \
             one with `leadrail key create`"
        ))),
    }
}

/// Says so, or refuses, where nothing but our own code keeps one account from another.
async fn look_for_the_wall(desk: &Desk, required: bool) -> anyhow::Result<()> {
    let Some(why) = desk.beyond_wall().await.map_err(told)? else {
        return Ok(());
    };
    let way = "make a role for the API and let it with `leadrail migrate --grant-api ROLE`";
    if required {
        return Err(usage(format!(
            "{why}; {way}, or set api.require_wall = false"
        )));
    }
    tracing::warn!("{why}; {way}");
    Ok(())
}

/// Listens on a loopback address.
pub(crate) async fn listening(address: SocketAddr) -> anyhow::Result<Listener> {
    bind(address).await.map_err(refused)
}

fn refused(error: BindError) -> anyhow::Error {
    match error {
        taken @ BindError::Io { .. } => {
            anyhow::Error::new(taken).context("choose another address with --listen")
        }
        open => usage(open.to_string()),
    }
}
