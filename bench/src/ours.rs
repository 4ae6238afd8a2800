//! The job through the real engine, with one worker in this process.

use crate::jobs::{Job, Tally, registry};
use crate::meter;
use leadrail_engine::{Engine, NewRun, Registry, WorkerConfig, run_worker};
use sqlx::PgPool;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Runs enqueued by one statement.
const BATCH: u64 = 1_000;

/// Enqueues `workflows` runs of the job.
pub(crate) async fn enqueue(engine: &Engine, job: Job, workflows: u64) -> anyhow::Result<()> {
    enqueue_many(engine, &job.new_run()?, workflows).await
}

/// Enqueues this run so many times, in batches.
pub(crate) async fn enqueue_many(engine: &Engine, run: &NewRun, times: u64) -> anyhow::Result<()> {
    let mut left = times;
    while left > 0 {
        let batch = usize::try_from(left.min(BATCH))?;
        engine.enqueue(&vec![run.clone(); batch]).await?;
        left -= u64::try_from(batch)?;
    }
    Ok(())
}

/// A worker of this process.
pub(crate) struct Worker {
    task: JoinHandle<()>,
    shutdown: CancellationToken,
}

impl Worker {
    /// Starts one that holds so many runs.
    pub(crate) fn start(engine: &Engine, registry: Registry, inflight: usize) -> Self {
        let config = WorkerConfig {
            concurrency: inflight,
            ..WorkerConfig::default()
        };
        let shutdown = CancellationToken::new();
        let (engine, stop) = (engine.clone(), shutdown.clone());
        let task = tokio::spawn(async move { run_worker(&engine, registry, config, stop).await });
        Self { task, shutdown }
    }

    /// Drains it.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        Ok(self.task.await?)
    }
}

/// Runs what is queued to its end.
pub(crate) async fn run(engine: &Engine, workflows: u64, inflight: usize) -> anyhow::Result<()> {
    let tally = Tally::of(workflows);
    let worker = Worker::start(engine, registry(tally.clone()), inflight);
    tally.all_ended().await;
    until_none_runs(engine.pool()).await?;
    worker.stop().await
}

/// Does the same once without looking at the time: a server is slow until it has written its first
/// segments of log, which would be put down to whatever is measured first.
pub(crate) async fn warm_up(
    engine: &Engine,
    workflows: u64,
    inflight: usize,
) -> anyhow::Result<()> {
    meter::empty(engine).await?;
    enqueue(engine, Job::FourSteps, workflows).await?;
    run(engine, workflows, inflight).await
}

/// Runs so many of what is queued; the rest stays. How long it took.
pub(crate) async fn run_some(
    engine: &Engine,
    workflows: u64,
    inflight: usize,
) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let tally = Tally::of(workflows);
    let worker = Worker::start(engine, registry(tally.clone()), inflight);
    tally.all_ended().await;
    let took = start.elapsed();
    worker.stop().await?;
    Ok(took)
}

/// Returns when every run has come to its end.
pub(crate) async fn until_none_runs(pool: &PgPool) -> sqlx::Result<()> {
    loop {
        let running: bool = sqlx::query_scalar(
            "select exists (select from leadrail.workflow_run where state <> 'completed')",
        )
        .fetch_one(pool)
        .await?;
        if !running {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
