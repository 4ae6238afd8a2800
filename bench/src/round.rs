//! One measured round on tables that were just filled.

use crate::jobs::Job;
use crate::meter::{self, Cost, Meter};
use crate::{ours, verify};
use leadrail_engine::Engine;

/// Empties the tables, fills the queue, measures the work, and looks whether it was done.
pub(crate) async fn measure(
    engine: &Engine,
    job: Job,
    workflows: u64,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Cost> {
    meter::empty(engine).await?;
    ours::enqueue(engine, job, workflows).await?;
    settle(engine).await?;
    let meter = Meter::start(engine.pool()).await?;
    work.await?;
    let cost = meter.stop(engine.pool()).await?;
    verify::all_whole(engine.pool(), job, workflows).await?;
    Ok(cost)
}

/// Fresh statistics, and no checkpoint soon.
pub(crate) async fn settle(engine: &Engine) -> sqlx::Result<()> {
    sqlx::query("vacuum analyze leadrail.workflow_run")
        .execute(engine.pool())
        .await?;
    sqlx::query("checkpoint")
        .execute(engine.pool())
        .await
        .map(drop)
}
