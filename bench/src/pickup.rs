//! How long an enqueued run waits for an idle worker.

use leadrail_engine::{
    Activity, ActivityResult, Attempt, Ctx, Engine, NewRun, Registry, WorkerConfig, Workflow,
    WorkflowResult, run_worker,
};
use serde::Serialize;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// From the commit of the enqueue to the start of the first activity.
#[derive(Clone, Debug, Serialize)]
pub struct Pickup {
    /// How many were taken.
    pub samples: usize,
    /// The median, in milliseconds.
    pub p50_ms: f64,
    /// The 99th percentile, in milliseconds.
    pub p99_ms: f64,
}

struct Tell(mpsc::UnboundedSender<Instant>);

impl Activity for Tell {
    const NAME: &'static str = "tell";
    type Input = ();
    type Output = ();

    async fn run(&self, _: &Attempt, (): &()) -> ActivityResult<()> {
        // Nobody listens any more only when the benchmark is over.
        let _ = self.0.send(Instant::now());
        Ok(())
    }
}

struct Telling(Tell);

impl Workflow for Telling {
    const NAME: &'static str = "telling";
    type Input = ();
    type Output = ();

    async fn run(&self, ctx: Ctx, (): ()) -> WorkflowResult<()> {
        ctx.activity(&self.0, &()).await
    }
}

/// Enqueues one at a time on an idle worker of this process.
///
/// # Errors
/// When the database cannot be used.
pub async fn pickup(url: &str, samples: usize) -> anyhow::Result<Pickup> {
    let engine = Engine::connect(url).await?;
    engine.migrate().await?;
    let (sender, mut started) = mpsc::unbounded_channel();
    let shutdown = CancellationToken::new();
    let (worker_engine, stop) = (engine.clone(), shutdown.clone());
    let registry = Registry::new().with(Telling(Tell(sender)));
    let worker = tokio::spawn(async move {
        run_worker(&worker_engine, registry, WorkerConfig::default(), stop).await;
    });
    let mut waits = Vec::with_capacity(samples);
    for sample in 0..samples + 10 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        engine.enqueue(&[NewRun::of::<Telling>(&())?]).await?;
        let committed = Instant::now();
        let began = started.recv().await.unwrap_or(committed);
        // The first few find connections that are not there yet.
        if sample >= 10 {
            waits.push(began.saturating_duration_since(committed).as_secs_f64() * 1e3);
        }
    }
    shutdown.cancel();
    worker.await?;
    waits.sort_by(f64::total_cmp);
    let at = |share: usize| {
        waits
            .get((waits.len() * share / 100).min(waits.len() - 1))
            .copied()
    };
    Ok(Pickup {
        samples,
        p50_ms: at(50).unwrap_or(f64::NAN),
        p99_ms: at(99).unwrap_or(f64::NAN),
    })
}
