//! The job through the real engine: four activities, three of them with intents.

use leadrail_engine::{
    Activity, ActivityResult, Attempt, Ctx, Effect, Engine, NewRun, Registry, WorkerConfig,
    Workflow, WorkflowResult, run_worker,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Inputs and results are of this size, as in a real lead's steps.
const BYTES: usize = 300;

/// What travels between steps.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Parcel(String);

/// A parcel whose JSON has [`BYTES`] bytes.
pub(crate) fn parcel() -> Parcel {
    Parcel("x".repeat(BYTES - 2))
}

macro_rules! step {
    ($name:ident, $stored:literal, $effect:expr) => {
        struct $name;

        impl Activity for $name {
            const NAME: &'static str = $stored;
            const EFFECT: Effect = $effect;
            type Input = Parcel;
            type Output = Parcel;

            async fn run(&self, _: &Attempt, parcel: &Parcel) -> ActivityResult<Parcel> {
                Ok(parcel.clone())
            }
        }
    };
}

step!(Lookup, "lookup", Effect::Repeatable);
step!(Customer, "customer_create", Effect::Once);
step!(Lead, "lead_create", Effect::Once);
step!(Note, "note_attach", Effect::Once);

/// Counts ended workflows and wakes whoever waits for the last one.
#[derive(Default)]
pub(crate) struct Tally {
    left: AtomicU64,
    all: Notify,
}

struct FourSteps(Arc<Tally>);

impl Workflow for FourSteps {
    const NAME: &'static str = "four_steps";
    type Input = Parcel;
    type Output = ();

    async fn run(&self, ctx: Ctx, parcel: Parcel) -> WorkflowResult<()> {
        let found = ctx.activity(&Lookup, &parcel).await?;
        let customer = ctx.activity(&Customer, &found).await?;
        let lead = ctx.activity(&Lead, &customer).await?;
        ctx.activity(&Note, &lead).await?;
        if self.0.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.all.notify_one();
        }
        Ok(())
    }
}

/// Enqueues `workflows` runs.
pub(crate) async fn enqueue(engine: &Engine, workflows: u64) -> anyhow::Result<()> {
    let run = NewRun::of::<FourSteps>(&parcel())?;
    let mut left = workflows;
    while left > 0 {
        let batch = usize::try_from(left.min(1_000))?;
        engine.enqueue(&vec![run.clone(); batch]).await?;
        left -= u64::try_from(batch)?;
    }
    Ok(())
}

/// Runs what is queued to its end, with one worker in this process.
pub(crate) async fn run(engine: &Engine, workflows: u64, inflight: usize) -> anyhow::Result<()> {
    let (worker, shutdown) = work(engine, workflows, inflight).await;
    until_none_runs(engine.pool()).await?;
    shutdown.cancel();
    worker.await?;
    Ok(())
}

/// Runs so many of what is queued, with one worker in this process; the rest stays. How long it took.
pub(crate) async fn run_some(
    engine: &Engine,
    workflows: u64,
    inflight: usize,
) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let (worker, shutdown) = work(engine, workflows, inflight).await;
    let took = start.elapsed();
    shutdown.cancel();
    worker.await?;
    Ok(took)
}

/// Starts a worker and waits until so many workflows have come to their end.
async fn work(
    engine: &Engine,
    workflows: u64,
    inflight: usize,
) -> (JoinHandle<()>, CancellationToken) {
    let tally = Arc::new(Tally {
        left: AtomicU64::new(workflows),
        all: Notify::new(),
    });
    let registry = Registry::new().with(FourSteps(tally.clone()));
    let config = WorkerConfig {
        concurrency: inflight,
        ..WorkerConfig::default()
    };
    let shutdown = CancellationToken::new();
    let (worker_engine, stop) = (engine.clone(), shutdown.clone());
    let worker =
        tokio::spawn(async move { run_worker(&worker_engine, registry, config, stop).await });
    tally.all.notified().await;
    (worker, shutdown)
}

async fn until_none_runs(pool: &PgPool) -> sqlx::Result<()> {
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
