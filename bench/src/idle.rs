//! What a worker without work costs the database.

use crate::jobs::{Tally, registry};
use crate::meter;
use crate::ours::Worker;
use leadrail_engine::Engine;
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use std::time::{Duration, Instant};

/// What an idle worker did.
#[derive(Clone, Debug, Serialize)]
pub struct IdleReport {
    /// How long it was watched.
    pub seconds: f64,
    /// Committed transactions.
    pub commits: i64,
    /// Transactions that were rolled back.
    pub rollbacks: i64,
    /// Both, a second.
    pub transactions_per_s: f64,
    /// Memory of this process, which is the worker.
    pub rss_mib: f64,
}

/// Watches an idle worker of this process after it has had the time to settle: a worker without
/// work asks more rarely after a minute.
///
/// # Errors
/// When the database cannot be used.
pub async fn idle(
    url: &str,
    settle: Duration,
    watch: Duration,
    progress: impl Fn(&str),
) -> anyhow::Result<IdleReport> {
    let engine = Engine::connect(url).await?;
    engine.migrate().await?;
    meter::empty(&engine).await?;
    let worker = Worker::start(&engine, registry(Tally::of(1)), 256);
    let mut connection = PgConnection::connect(url).await?;
    progress(&format!("the worker settles for {settle:?}"));
    tokio::time::sleep(settle).await;
    progress(&format!("it is watched for {watch:?}"));
    let start = Instant::now();
    let before = transactions(&mut connection).await?;
    tokio::time::sleep(watch).await;
    let after = transactions(&mut connection).await?;
    let seconds = start.elapsed().as_secs_f64();
    worker.stop().await?;
    // The first look is one of them.
    let commits = (after.0 - before.0 - 1).max(0);
    let rollbacks = after.1 - before.1;
    Ok(IdleReport {
        seconds,
        commits,
        rollbacks,
        transactions_per_s: (commits + rollbacks) as f64 / seconds,
        rss_mib: meter::own_rss_mib(),
    })
}

async fn transactions(connection: &mut PgConnection) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "select xact_commit, xact_rollback from pg_stat_database where datname = current_database()",
    )
    .fetch_one(connection)
    .await
}
