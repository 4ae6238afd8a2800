//! A simulated worker process: it runs the engine's own executor, claims and journal, and can be
//! killed and frozen from outside at any moment.

use super::dice;
use super::ledger::SimulatedLedger;
use super::story::{STORY, Story};
use super::world::World;
use crate::claim::{ClaimedRun, Claims};
use crate::decision::Limits;
use crate::executor::execute_from;
use crate::ids::{RunId, WorkerId};
use crate::journal::Journal;
use crate::past::Past;
use crate::retry::{RetrySchedule, Wait};
use crate::shared::Shared;
use crate::store::Store;
use crate::worker::WorkerConfig;
use crate::workflow::Registry;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

const CONCURRENCY: usize = 2;
const WRITERS: usize = 2;
const RENEW_EVERY: Duration = Duration::from_secs(1);

/// The waits of the schedule in milliseconds, each a fifth more or less.
const WAITS: [u64; 5] = [1_000, 2_000, 4_000, 8_000, 15_000];

/// A process as others see it.
pub(super) struct Body {
    world: World,
    state: Arc<State>,
    process: Mutex<AbortHandle>,
}

#[derive(Default)]
struct State {
    /// It does nothing until then, and does not know.
    frozen_until: Mutex<Duration>,
    worker: Mutex<Option<WorkerId>>,
}

impl Body {
    pub(super) fn born(world: &World) -> Self {
        let state = Arc::new(State::default());
        let process = Mutex::new(start(world, &state));
        Self {
            world: world.clone(),
            state,
            process,
        }
    }

    /// Ends it between two instructions; another one is started in its place after a while.
    pub(super) async fn kill(&self) {
        lock(&self.process).abort();
        let worker = lock(&self.state.worker).take();
        dice::note("worker killed", || format!("{worker:?}"));
        if let Some(worker) = worker {
            self.world.bury(worker);
        }
        *lock(&self.state.frozen_until) = Duration::ZERO;
        dice::a_while(1_500).await;
        *lock(&self.process) = start(&self.world, &self.state);
    }

    /// Stops it for so long.
    pub(super) fn freeze(&self, how_long: Duration) {
        dice::note("worker frozen", || format!("{how_long:?}"));
        *lock(&self.state.frozen_until) = dice::now() + how_long;
    }

    /// Somebody believes that it is dead although it works.
    pub(super) fn slander(&self) {
        if let Some(worker) = *lock(&self.state.worker) {
            dice::note("worker slandered", || worker.to_string());
            self.world.database().take_over(worker);
        }
    }
}

fn start(world: &World, state: &Arc<State>) -> AbortHandle {
    let (world, own) = (world.clone(), state.clone());
    let lives = async move {
        loop {
            incarnation(&world, &own).await;
        }
    };
    tokio::spawn(state.freezable(lives)).abort_handle()
}

/// One life, from its row to its takeover. What it spawned ends with it.
async fn incarnation(world: &World, state: &Arc<State>) {
    world.reach_database().await;
    let worker = world.database().register();
    *lock(&state.worker) = Some(worker);
    let (claims, mut runs) = Claims::new(CONCURRENCY);
    let shared = Arc::new(shared(world, worker, claims));
    let mut tasks = JoinSet::new();
    let ledger = || SimulatedLedger::new(world.clone(), worker);
    for writer in shared.writers(&CancellationToken::new(), ledger) {
        tasks.spawn(state.freezable(writer.run()));
    }
    tasks.spawn(state.freezable(renew(world.clone(), shared.clone())));
    tasks.spawn(state.freezable(ask_for_work(shared.clone())));
    loop {
        tokio::select! {
            biased;
            () = shared.lost.cancelled() => return,
            Some(run) = runs.recv() => {
                let life = execute(world.clone(), run, shared.clone());
                tasks.spawn(state.freezable(life));
            }
        }
    }
}

fn shared(world: &World, worker: WorkerId, claims: Claims) -> Shared {
    let wait = |millis| Wait {
        delay: Duration::from_millis(millis),
        jitter: Duration::from_millis(millis / 5),
    };
    let config = WorkerConfig {
        schedule: RetrySchedule::new(WAITS.map(wait).to_vec()),
        limits: Limits {
            throttle_default: Duration::from_secs(1),
            ..Limits::default()
        },
        ..WorkerConfig::default()
    };
    let store = Store { pool: world.pool() };
    let registry = Registry::new().with(Story(world.clone()));
    assert_eq!(registry.names(), [STORY]);
    let doubts = Arc::default();
    let journal = Journal::new(WRITERS);
    Shared::new(worker, journal, claims, store, doubts, registry, &config)
}

async fn execute(world: World, run: ClaimedRun, shared: Arc<Shared>) {
    let (id, starts) = (run.id, run.starts);
    execute_from(run, shared, async move {
        if starts <= 1 {
            return Some(Past::default());
        }
        Some(read_past(&world, id).await)
    })
    .await;
}

async fn read_past(world: &World, run: RunId) -> Past {
    world.reach_database().await;
    let events = {
        let mut database = world.database();
        database.head(run).history.values().cloned().collect()
    };
    dice::a_while(4).await;
    Past::read(events)
}

async fn renew(world: World, shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        world.reach_database().await;
        if !world.database().renew(shared.worker) {
            return shared.lost.cancel();
        }
    }
}

async fn ask_for_work(shared: Arc<Shared>) {
    loop {
        dice::a_while(1_000).await;
        shared.hint();
    }
}

impl State {
    fn freezable<F: Future>(self: &Arc<Self>, inner: F) -> Freezable<F> {
        Freezable {
            inner: Box::pin(inner),
            state: self.clone(),
            thaw: None,
        }
    }
}

/// A part of a process, polled only while the process is not frozen.
struct Freezable<F> {
    inner: Pin<Box<F>>,
    state: Arc<State>,
    thaw: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Future for Freezable<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        loop {
            let until = *lock(&self.state.frozen_until);
            let Some(rest) = until
                .checked_sub(dice::now())
                .filter(|rest| !rest.is_zero())
            else {
                self.thaw = None;
                return self.inner.as_mut().poll(cx);
            };
            let thaw = self.thaw.insert(Box::pin(tokio::time::sleep(rest)));
            if thaw.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
