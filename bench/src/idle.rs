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
    /// Both, a second; the server's own upkeep (autovacuum) is among them.
    pub transactions_per_s: f64,
    /// The same for as long before there was a worker. The server's upkeep comes and goes, so the
    /// difference is not the worker's; this only shows how much of the figure may not be its own.
    pub without_worker_per_s: f64,
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
    tidy_up(url).await?;
    let mut connection = PgConnection::connect(url).await?;
    progress(&format!("no worker for {watch:?}"));
    let without = transactions_within(&mut connection, watch).await?;
    let worker = Worker::start(&engine, registry(Tally::of(1)), 256);
    progress(&format!("the worker settles for {settle:?}"));
    tokio::time::sleep(settle).await;
    progress(&format!("it is watched for {watch:?}"));
    let with = transactions_within(&mut connection, watch).await?;
    worker.stop().await?;
    Ok(IdleReport {
        seconds: with.seconds,
        commits: with.commits,
        rollbacks: with.rollbacks,
        transactions_per_s: with.rate(),
        without_worker_per_s: without.rate(),
        rss_mib: meter::own_rss_mib(),
    })
}

/// Or the server would tidy up behind the migrations while it is watched. A session's transactions are
/// counted at its end at the latest, so this one ends.
async fn tidy_up(url: &str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query("vacuum analyze")
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}

/// What the database counted.
struct Counted {
    seconds: f64,
    commits: i64,
    rollbacks: i64,
}

impl Counted {
    fn rate(&self) -> f64 {
        (self.commits + self.rollbacks) as f64 / self.seconds
    }
}

async fn transactions_within(
    connection: &mut PgConnection,
    watch: Duration,
) -> sqlx::Result<Counted> {
    let start = Instant::now();
    let before = transactions(connection).await?;
    tokio::time::sleep(watch).await;
    let after = transactions(connection).await?;
    Ok(Counted {
        seconds: start.elapsed().as_secs_f64(),
        // The first look is one of them.
        commits: (after.0 - before.0 - 1).max(0),
        rollbacks: after.1 - before.1,
    })
}

async fn transactions(connection: &mut PgConnection) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "select xact_commit, xact_rollback from pg_stat_database where datname = current_database()",
    )
    .fetch_one(connection)
    .await
}
