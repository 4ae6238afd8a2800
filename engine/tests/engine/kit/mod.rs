//! What the engine's tests share: a fresh database, a scripted activity, a worker in this process.

// Every test binary uses its own part of the kit.
#![allow(dead_code, unreachable_pub)]

pub mod dead;

use leadrail_engine::{
    Activity, ActivityError, ActivityOptions, ActivityResult, Attempt, Ctx, Effect, Engine,
    FailureKind, Found, HistoryKind, NewRun, Registry, RunId, RunState, RunView, WorkerConfig,
    Workflow, WorkflowResult, run_worker,
};
use leadrail_postgres::testing::TestDatabase;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A migrated database of this test's own.
pub struct Bench {
    pub engine: Engine,
    pub database: TestDatabase,
}

impl Bench {
    pub async fn new() -> Self {
        let database = TestDatabase::fresh().await;
        let engine = Engine::connect(database.url()).await.expect("connect");
        engine.migrate().await.expect("migrate");
        Self { engine, database }
    }

    /// Enqueues one run of [`Story`].
    pub async fn enqueue(&self, steps: &[&str]) -> RunId {
        let input = steps.iter().map(|&step| step.to_owned()).collect();
        let run = NewRun::of::<Story>(&input).expect("input");
        self.engine.enqueue(&[run]).await.expect("enqueue")[0].run_id
    }

    /// Waits until the run is in this state; fails with its history after a minute.
    pub async fn until(&self, run: RunId, state: RunState) -> RunView {
        self.until_that(run, |view| view.state == state, state.as_str())
            .await
    }

    pub async fn until_that(
        &self,
        run: RunId,
        wanted: impl Fn(&RunView) -> bool,
        what: &str,
    ) -> RunView {
        let patience = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let view = self
                .engine
                .run(run)
                .await
                .expect("read")
                .expect("the run is there");
            if wanted(&view) {
                return view;
            }
            if tokio::time::Instant::now() > patience {
                let history = self.engine.history(run).await.expect("history");
                panic!("the run is not {what} but {view:?}\n{history:#?}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until so many runs are completed; fails after a minute.
    pub async fn until_completed(&self, wanted: usize) {
        let patience = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let completed: i64 = sqlx::query_scalar(
                "select count(*) from leadrail.workflow_run where state = 'completed'",
            )
            .fetch_one(self.engine.pool())
            .await
            .expect("count");
            if usize::try_from(completed).expect("a count") >= wanted {
                return;
            }
            let now = tokio::time::Instant::now();
            assert!(now < patience, "{completed} of {wanted}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Lets so many seconds pass on the engine's clock.
    pub async fn pass(&self, seconds: u64) {
        let ahead = Duration::from_secs(seconds);
        self.engine.shift_clock(ahead).await.expect("the clock");
    }

    /// Waits until the run is to be tried again for the first time, and passes that time.
    pub async fn pass_first_retry(&self, run: RunId) {
        self.until(run, RunState::Retrying).await;
        self.pass(41).await;
    }

    pub async fn kinds(&self, run: RunId) -> Vec<HistoryKind> {
        let history = self.engine.history(run).await.expect("history");
        history.into_iter().map(|event| event.kind).collect()
    }

    /// The times of the given kind's payload `next_in_ms`.
    pub async fn waits_ms(&self, run: RunId) -> Vec<u64> {
        let history = self.engine.history(run).await.expect("history");
        let waits = history
            .iter()
            .filter_map(|event| event.payload.as_ref()?["next_in_ms"].as_u64());
        waits.collect()
    }
}

/// What a scripted step does at one attempt.
#[derive(Clone)]
pub enum Act {
    Ok,
    Fail(FailureKind, &'static str),
    /// Takes effect, then fails like this.
    EffectThen(FailureKind, &'static str),
    Panic,
    Hang,
    /// Takes effect when told to.
    When(Arc<Notify>),
}

/// The outside world: scripts a step, books of effects, how often each was run.
#[derive(Default)]
pub struct World {
    scripts: Mutex<HashMap<String, Vec<Act>>>,
    pub books: Mutex<Vec<String>>,
    pub executed: Mutex<Vec<String>>,
    pub looks: Mutex<Vec<Act>>,
}

impl World {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn script(&self, step: &str, acts: &[Act]) {
        let mut acts = acts.to_vec();
        acts.reverse();
        self.scripts.lock().unwrap().insert(step.to_owned(), acts);
    }

    pub fn effects(&self, step: &str) -> usize {
        self.books
            .lock()
            .unwrap()
            .iter()
            .filter(|there| *there == step)
            .count()
    }

    pub fn executions(&self, step: &str) -> usize {
        self.executed
            .lock()
            .unwrap()
            .iter()
            .filter(|there| *there == step)
            .count()
    }

    fn next(&self, step: &str) -> Act {
        let mut scripts = self.scripts.lock().unwrap();
        scripts.get_mut(step).and_then(Vec::pop).unwrap_or(Act::Ok)
    }

    fn book(&self, step: &str) {
        self.books.lock().unwrap().push(step.to_owned());
    }
}

/// A step of the story: its effect is a line in the world's books.
pub struct Step {
    pub world: Arc<World>,
    pub options: ActivityOptions,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
pub struct Done(pub String);

impl Activity for Step {
    const NAME: &'static str = "step";
    type Input = String;
    type Output = Done;

    fn options(&self, _: &String) -> ActivityOptions {
        ActivityOptions {
            effect: Effect::Once,
            ..self.options.clone()
        }
    }

    async fn run(&self, attempt: &Attempt, step: &String) -> ActivityResult<Done> {
        self.world.executed.lock().unwrap().push(step.clone());
        attempt.record(serde_json::json!({ "step": step }));
        match self.world.next(step) {
            Act::Ok => {
                self.world.book(step);
                Ok(Done(step.clone()))
            }
            Act::Fail(kind, reason) => Err(ActivityError::new(kind, reason, "scripted")),
            Act::EffectThen(kind, reason) => {
                self.world.book(step);
                Err(ActivityError::new(kind, reason, "scripted"))
            }
            Act::Panic => panic!("scripted"),
            Act::Hang => std::future::pending().await,
            Act::When(told) => {
                told.notified().await;
                self.world.book(step);
                Ok(Done(step.clone()))
            }
        }
    }

    async fn reconcile(&self, _: &Attempt, step: &String) -> ActivityResult<Found<Done>> {
        if let Some(Act::Fail(kind, reason)) = self.world.looks.lock().unwrap().pop() {
            return Err(ActivityError::new(kind, reason, "the look-up failed"));
        }
        let there = self.world.effects(step) > 0;
        Ok(if there {
            Found::Yes(Done(step.clone()))
        } else {
            Found::No
        })
    }
}

/// Runs its steps one after the other.
pub struct Story {
    pub step: Step,
}

impl Workflow for Story {
    const NAME: &'static str = "story";
    type Input = Vec<String>;
    type Output = Vec<Done>;

    async fn run(&self, ctx: Ctx, steps: Vec<String>) -> WorkflowResult<Vec<Done>> {
        let mut done = Vec::new();
        for step in &steps {
            done.push(ctx.activity(&self.step, step).await?);
        }
        Ok(done)
    }
}

/// Settles in a time that tests can wait for, and times out in none that a busy machine takes.
pub fn quick() -> ActivityOptions {
    ActivityOptions {
        timeout: Duration::from_secs(10),
        settle: Duration::from_millis(200),
        ..ActivityOptions::default()
    }
}

pub fn registry(world: &Arc<World>, options: ActivityOptions) -> Registry {
    Registry::new().with(Story {
        step: Step {
            world: world.clone(),
            options,
        },
    })
}

pub fn quick_config() -> WorkerConfig {
    WorkerConfig {
        concurrency: 16,
        lease: Duration::from_secs(2),
        grace: Duration::from_secs(2),
        poll: Duration::from_millis(100),
        ..WorkerConfig::default()
    }
}

/// A worker in this process.
pub struct Working {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Working {
    pub fn start(bench: &Bench, registry: Registry, config: WorkerConfig) -> Self {
        Self::of(&bench.engine, registry, config)
    }

    pub fn of(engine: &Engine, registry: Registry, config: WorkerConfig) -> Self {
        let shutdown = CancellationToken::new();
        let (engine, token) = (engine.clone(), shutdown.clone());
        let task = tokio::spawn(async move { run_worker(&engine, registry, config, token).await });
        Self { shutdown, task }
    }

    /// Drains and waits for the end.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("the worker ends in order");
    }
}

/// A workflow told by a closure, so that a test shows its whole story.
pub struct Told<F>(pub F);

impl<F, Fut> Workflow for Told<F>
where
    F: Fn(Ctx, serde_json::Value) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = WorkflowResult<serde_json::Value>> + Send,
{
    const NAME: &'static str = "told";
    type Input = serde_json::Value;
    type Output = serde_json::Value;

    fn run(
        &self,
        ctx: Ctx,
        input: serde_json::Value,
    ) -> impl Future<Output = WorkflowResult<serde_json::Value>> + Send {
        (self.0)(ctx, input)
    }
}

/// The same under another name, to be a child.
pub struct Child<F>(pub F);

impl<F, Fut> Workflow for Child<F>
where
    F: Fn(Ctx, serde_json::Value) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = WorkflowResult<serde_json::Value>> + Send,
{
    const NAME: &'static str = "child";
    type Input = serde_json::Value;
    type Output = serde_json::Value;

    fn run(
        &self,
        ctx: Ctx,
        input: serde_json::Value,
    ) -> impl Future<Output = WorkflowResult<serde_json::Value>> + Send {
        (self.0)(ctx, input)
    }
}

/// A child's type for parents, which need only its name and shape.
pub struct AnyChild;

impl Workflow for AnyChild {
    const NAME: &'static str = "child";
    type Input = serde_json::Value;
    type Output = serde_json::Value;

    async fn run(&self, _: Ctx, _: serde_json::Value) -> WorkflowResult<serde_json::Value> {
        unreachable!("only its name is used")
    }
}

/// The kit's activity in this world, quick.
pub fn step(world: &Arc<World>) -> Arc<Step> {
    Arc::new(Step {
        world: world.clone(),
        options: quick(),
    })
}

impl Bench {
    /// Enqueues one run of [`Told`].
    pub async fn tell(&self, input: serde_json::Value) -> RunId {
        let run = [telling(&input)];
        self.engine.enqueue(&run).await.expect("enqueue")[0].run_id
    }

    /// The output of a completed run.
    pub async fn output(&self, run: RunId) -> serde_json::Value {
        self.until(run, RunState::Completed).await;
        let history = self.engine.history(run).await.expect("history");
        let end = history.last().expect("an end");
        end.payload.as_ref().expect("a payload")["output"].clone()
    }

    /// Lines of one kind.
    pub async fn count(&self, run: RunId, kind: HistoryKind) -> usize {
        let kinds = self.kinds(run).await;
        kinds.into_iter().filter(|there| *there == kind).count()
    }
}

/// A run of [`Told`].
pub fn telling(input: &serde_json::Value) -> NewRun {
    NewRun {
        workflow: "told".to_owned(),
        scope: String::new(),
        key: None,
        fingerprint: String::new(),
        lane: String::new(),
        priority: 2,
        delay: Duration::ZERO,
        input: input.to_string(),
    }
}

/// [`Told`] by this story.
pub fn told<F, Fut>(story: F) -> Told<F>
where
    F: Fn(Ctx, serde_json::Value) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = WorkflowResult<serde_json::Value>> + Send,
{
    Told(story)
}

/// A [`Child`] with this story.
pub fn child<F, Fut>(story: F) -> Child<F>
where
    F: Fn(Ctx, serde_json::Value) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = WorkflowResult<serde_json::Value>> + Send,
{
    Child(story)
}
