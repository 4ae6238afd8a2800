//! `leadrail chaos-worker`: a worker as a later deploy brings it, for `leadrail chaos`.

use crate::commands::worker::{self, WorkerArgs};
use crate::config::Config;
use crate::failure::told;

/// Executes runs as `leadrail worker` does, with a later build's workflow.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail chaos-worker --changes 1 --name worker-0")]
pub(crate) struct ChaosWorkerArgs {
    #[command(flatten)]
    pub(crate) worker: WorkerArgs,
    /// How many deploys came before.
    #[arg(long, value_name = "N")]
    changes: usize,
}

pub(crate) async fn run(args: &ChaosWorkerArgs, config: &Config) -> anyhow::Result<()> {
    let changes = args.changes;
    worker::run_with(config, |desk| {
        let doors = desk.doors().map_err(told)?.clone();
        Ok(leadrail_rig::later_build(desk.engine(), doors, changes))
    })
    .await
}
