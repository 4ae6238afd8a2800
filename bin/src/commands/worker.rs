//! `leadrail worker`: executes runs.

use crate::config::Config;
use crate::database;
use crate::output;
use crate::shutdown;
use anyhow::Context as _;
use leadrail_connections::Doors;
use leadrail_engine::{Engine, Registry, WorkerConfig, run_worker};
use leadrail_outbound::Outbound;
use sqlx::PgPool;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Executes the workflows that file leads. Any number of workers share one database; SIGTERM drains.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail worker --concurrency 64")]
pub(crate) struct WorkerArgs {
    /// Runs held at a time.
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<String>,
    /// The name people see in lists.
    #[arg(long)]
    pub(crate) name: Option<String>,
}

pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    run_with(config, leadrail_workflows::registry).await
}

/// Executes these workflows.
pub(crate) async fn run_with(
    config: &Config,
    registry: impl FnOnce(&Engine, Doors) -> Registry,
) -> anyhow::Result<()> {
    let vault = config.need_vault_key()?;
    let stop = shutdown::on_signal()?;
    let Some(pool) = database::connect_for_service(config, &stop).await? else {
        return Ok(());
    };
    let engine = Engine::new(pool.clone());
    let http = Outbound::new(config.guard.clone()).context("the worker cannot call CRMs")?;
    let registry = registry(&engine, Doors::over(pool.clone(), vault, http));
    let saying = tokio::spawn(say_when_ready(pool, config.worker.clone(), stop.clone()));
    run_worker(&engine, registry, config.worker.clone(), stop).await;
    saying.abort();
    Ok(())
}

/// One line once the worker has its row, which is when it begins to claim.
async fn say_when_ready(pool: PgPool, config: WorkerConfig, stop: CancellationToken) {
    let pid = i32::try_from(std::process::id()).unwrap_or(i32::MAX);
    while !stop.is_cancelled() {
        if matches!(is_registered(&pool, &config.name, pid).await, Ok(true)) {
            let _ = output::line(format!(
                "worker {} is ready for {} runs at a time",
                config.name, config.concurrency
            ));
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn is_registered(pool: &PgPool, name: &str, pid: i32) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from leadrail.worker where name = $1 and pid = $2) as "is!""#,
        name,
        pid,
    )
    .fetch_one(pool)
    .await
}
