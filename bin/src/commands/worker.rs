//! `leadrail worker`: executes runs, and lists who does.

mod list;

use crate::commands::serve::listening;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output;
use crate::shutdown;
use clap::Subcommand;
use leadrail_desk::{Actor, Desk};
use leadrail_engine::{Engine, Registry, WorkerConfig, run_worker};
use leadrail_server::serve_worker;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Executes the workflows that file leads. Any number of workers share one database; SIGTERM drains.
#[derive(clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  leadrail worker --concurrency 64"
)]
pub(crate) struct WorkerCommand {
    #[command(flatten)]
    pub(crate) start: WorkerArgs,
    #[command(subcommand)]
    pub(crate) instead: Option<Instead>,
}

/// What is done instead of starting one.
#[derive(Subcommand)]
pub(crate) enum Instead {
    List(list::ListArgs),
}

/// How a worker is started.
#[derive(clap::Args)]
pub(crate) struct WorkerArgs {
    /// Runs held at a time.
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<String>,
    /// The name people see in lists; this machine's and the process's if not given.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A loopback address for /healthz, /readyz and /metrics; none if not given.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

pub(crate) async fn run(command: WorkerCommand, config: &Config) -> anyhow::Result<()> {
    if let Some(Instead::List(args)) = command.instead {
        return list::run(&args, config).await;
    }
    run_with(config, |desk| desk.registry().map_err(told)).await
}

/// Executes these workflows.
pub(crate) async fn run_with(
    config: &Config,
    registry: impl FnOnce(&Desk) -> anyhow::Result<Registry>,
) -> anyhow::Result<()> {
    let stop = shutdown::on_signal()?;
    let listener = match config.worker_listen {
        Some(address) => Some(listening(address).await?),
        None => None,
    };
    let Some(desk) = database::desk_for_service(config, &stop).await? else {
        return Ok(());
    };
    let part = Actor::System { part: "worker" };
    desk.keep_for(&part, &config.retention)
        .await
        .map_err(told)?;
    let (engine, config) = (desk.engine(), &config.worker);
    let registry = registry(&desk)?;
    desk.put_schedules().await.map_err(told)?;
    if let Some(listener) = listener {
        output::line(format!(
            "the worker answers for its health at http://{}",
            listener.local_addr()?
        ))?;
        let name = config.name.clone();
        tokio::spawn(serve_worker(listener, desk.clone(), name, stop.clone()));
    }
    let saying = say_when_ready(engine.clone(), config.clone(), stop.clone());
    let saying = tokio::spawn(saying);
    run_worker(engine, registry, config.clone(), stop).await;
    saying.abort();
    database::settled(&desk).await;
    Ok(())
}

/// One line once the worker has its row, which is when it begins to claim.
async fn say_when_ready(engine: Engine, config: WorkerConfig, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let ready = engine.has_worker(&config.name, std::process::id()).await;
        if matches!(ready, Ok(true)) {
            let _ = output::line(format!(
                "worker {} is ready for {} runs at a time",
                config.name, config.concurrency
            ));
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
