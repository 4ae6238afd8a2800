//! Runs whose only activity takes a while and says when it began.

use crate::jobs::Job;
use crate::verify;
use leadrail_engine::{
    Activity, ActivityResult, Attempt, Ctx, NewRun, Registry, Workflow, WorkflowResult,
};
use sqlx::PgPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Which marked run began, and when.
pub(crate) type Started = mpsc::UnboundedReceiver<(usize, Instant)>;

/// A run; its start is told only if it is marked.
pub(crate) fn new_run(mark: Option<usize>) -> serde_json::Result<NewRun> {
    NewRun::of::<Timed>(&mark)
}

/// Fails unless exactly so many runs have a whole history.
pub(crate) async fn all_whole(pool: &PgPool, runs: u64) -> anyhow::Result<()> {
    // A start, one result and an end, as the workflow of one step.
    verify::all_whole(pool, Job::OneStep, runs).await
}

/// What the runs tell.
#[derive(Clone)]
pub(crate) struct Marks {
    sender: mpsc::UnboundedSender<(usize, Instant)>,
    started: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
}

impl Marks {
    pub(crate) fn new() -> (Self, Started) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let marks = Self {
            sender,
            started: Arc::default(),
            ended: Arc::default(),
        };
        (marks, receiver)
    }

    /// The workflow, with an activity that takes so long.
    pub(crate) fn registry(&self, takes: Duration) -> Registry {
        let marks = self.clone();
        Registry::new().with(Timed(Work { takes, marks }))
    }

    /// Runs that began, marked or not.
    pub(crate) fn started(&self) -> u64 {
        self.started.load(Ordering::Acquire)
    }

    /// Returns when so many have begun.
    pub(crate) async fn until_started(&self, runs: u64) {
        until(&self.started, runs).await;
    }

    /// Returns when so many activities have ended.
    pub(crate) async fn until_ended(&self, runs: u64) {
        until(&self.ended, runs).await;
    }
}

async fn until(counter: &AtomicU64, reached: u64) {
    while counter.load(Ordering::Acquire) < reached {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

struct Work {
    takes: Duration,
    marks: Marks,
}

impl Activity for Work {
    const NAME: &'static str = "work";
    type Input = Option<usize>;
    type Output = ();

    async fn run(&self, _: &Attempt, mark: &Option<usize>) -> ActivityResult<()> {
        if let Some(mark) = *mark {
            // Nobody listens any more only when the benchmark is over.
            let _ = self.marks.sender.send((mark, Instant::now()));
        }
        self.marks.started.fetch_add(1, Ordering::AcqRel);
        tokio::time::sleep(self.takes).await;
        self.marks.ended.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }
}

struct Timed(Work);

impl Workflow for Timed {
    const NAME: &'static str = "timed";
    type Input = Option<usize>;
    type Output = ();

    async fn run(&self, ctx: Ctx, mark: Option<usize>) -> WorkflowResult<()> {
        ctx.activity(&self.0, &mark).await
    }
}
