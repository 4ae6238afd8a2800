//! How long an enqueued run waits for an idle worker.

use crate::ours::Worker;
use crate::stats::Quantiles;
use leadrail_engine::{
    Activity, ActivityResult, Attempt, Ctx, Engine, NewRun, Registry, Workflow, WorkflowResult,
};
use serde::Serialize;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How the worker learns of a run.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// Its own process enqueues it.
    Directly,
    /// Another process enqueues it, and the database notifies.
    Notified,
    /// It reaches the database through this address, which lets no notification through.
    Deaf(&'a str),
}

/// From the commit of the enqueue to the start of the first activity.
#[derive(Clone, Debug, Serialize)]
pub struct Pickup {
    /// How the worker learned of the runs.
    pub heard: &'static str,
    /// How many were taken.
    pub samples: usize,
    /// How long they waited.
    #[serde(flatten)]
    pub waits: Quantiles,
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

impl Heard<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Directly => "directly",
            Self::Notified => "notified",
            Self::Deaf(_) => "deaf",
        }
    }

    /// The worker's engine. Another one than the caller's is as another process is to it.
    async fn engine(self, callers: &Engine, url: &str) -> anyhow::Result<Engine> {
        Ok(match self {
            Self::Directly => callers.clone(),
            Self::Notified => Engine::connect(url).await?,
            Self::Deaf(through) => Engine::connect(through).await?,
        })
    }
}

/// Enqueues one at a time on an idle worker.
///
/// # Errors
/// When the database cannot be used.
pub async fn pickup(url: &str, heard: Heard<'_>, samples: usize) -> anyhow::Result<Pickup> {
    let engine = Engine::connect(url).await?;
    engine.migrate().await?;
    let workers = heard.engine(&engine, url).await?;
    let (sender, mut started) = mpsc::unbounded_channel();
    let registry = Registry::new().with(Telling(Tell(sender)));
    let worker = Worker::start(&workers, registry, 256);
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
    worker.stop().await?;
    Ok(Pickup {
        heard: heard.name(),
        samples,
        waits: Quantiles::of(waits),
    })
}
