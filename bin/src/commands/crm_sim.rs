//! `leadrail crm-sim`: the simulated CRMs by themselves.

use crate::failure::usage;
use crate::output;
use crate::shutdown;
use anyhow::Context as _;
use leadrail_crm_sim::CrmSim;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// Runs stand-ins for the CRMs' APIs, which misbehave on demand. Their books are in memory.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail crm-sim --listen 127.0.0.1:4010")]
pub(crate) struct CrmSimArgs {
    /// A loopback address; its control API asks nobody who he is.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4010")]
    listen: SocketAddr,
    /// Prints the addresses as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &CrmSimArgs) -> anyhow::Result<()> {
    if !args.listen.ip().to_canonical().is_loopback() {
        return Err(usage(format!(
            "{} can be reached from other machines and the simulator asks for no password: listen on 127.0.0.1",
            args.listen
        )));
    }
    let stop = shutdown::on_signal()?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another --listen", args.listen))?;
    let sim = CrmSim::new();
    say(args, listener.local_addr()?, &sim)?;
    leadrail_crm_sim::serve(listener, sim, stop.cancelled_owned()).await?;
    Ok(())
}

fn say(args: &CrmSimArgs, address: SocketAddr, sim: &CrmSim) -> anyhow::Result<()> {
    if args.json {
        let base = |crm: &&str| format!("http://{address}/{crm}");
        let crms: serde_json::Map<_, _> = sim
            .crms()
            .iter()
            .map(|crm| ((*crm).to_owned(), base(crm).into()))
            .collect();
        return output::json_line(&serde_json::json!({ "listen": address, "crms": crms }));
    }
    for crm in sim.crms() {
        output::line(format!(
            "{crm} is simulated at http://{address}/{crm}, its books and faults at http://{address}/_sim/{crm}"
        ))?;
    }
    Ok(())
}
