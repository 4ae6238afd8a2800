//! The simulated world: one database, one outside, a few workers, and a time of trouble.

use super::database::Database;
use super::outside::Outside;
use super::worker::Body;
use super::{Flaw, dice, nemesis};
use crate::ids::{RunId, WorkerId};
use crate::state::RunState;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

const RUNS: u128 = 4;
const WORKERS: usize = 3;
/// Silence of a worker that is believed for so long.
const LEASE: Duration = Duration::from_secs(3);
/// How long after the trouble everything must have ended.
const PATIENCE: Duration = Duration::from_secs(600);

/// Cheap to clone.
#[derive(Clone)]
pub(super) struct World(Arc<Parts>);

struct Parts {
    database: Mutex<Database>,
    outside: Mutex<Outside>,
    flaw: Option<Flaw>,
    /// Nothing breaks any more.
    calm: AtomicBool,
    /// Never connected: everything that would use it is simulated.
    pool: PgPool,
}

impl World {
    pub(super) fn new(flaw: Option<Flaw>) -> Self {
        let pool = PgPoolOptions::new()
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(PgConnectOptions::new_without_pgpass());
        Self(Arc::new(Parts {
            database: Mutex::new(Database::new(flaw)),
            outside: Mutex::default(),
            flaw,
            calm: AtomicBool::new(false),
            pool,
        }))
    }

    pub(super) fn database(&self) -> MutexGuard<'_, Database> {
        let database = self.0.database.lock();
        database.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn outside(&self) -> MutexGuard<'_, Outside> {
        let outside = self.0.outside.lock();
        outside.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.0.flaw == Some(flaw)
    }

    pub(super) fn pool(&self) -> PgPool {
        self.0.pool.clone()
    }

    /// Whether something breaks now that breaks in so many of a hundred cases.
    pub(super) fn breaks(&self, percent: u32) -> bool {
        !self.0.calm.load(Ordering::Relaxed) && dice::percent(percent)
    }

    /// A question on its way to the database, which may be away for a while.
    pub(super) async fn reach_database(&self) {
        dice::a_while(4).await;
        while self.database().is_away() {
            dice::a_while(100).await;
        }
    }

    /// Lives until every run has ended or all patience is gone.
    pub(super) async fn live(&self) {
        let mut tasks = JoinSet::new();
        let bodies: Vec<_> = (0..WORKERS).map(|_| Body::born(self)).collect();
        tasks.spawn(enqueue(self.clone()));
        tasks.spawn(watch(self.clone()));
        nemesis::strike(self, &bodies).await;
        self.0.calm.store(true, Ordering::Relaxed);
        let end = dice::now() + PATIENCE;
        while !self.is_over() && dice::now() < end {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// Whether every run has ended.
    pub(super) fn is_over(&self) -> bool {
        let database = self.database();
        let ended = |state: RunState| matches!(state, RunState::Completed | RunState::Dead);
        database.heads.len() == usize::try_from(RUNS).expect("few")
            && database.heads.iter().all(|head| ended(head.state))
    }

    /// A worker that was killed: its session is gone, which the others notice.
    pub(super) fn bury(&self, worker: WorkerId) {
        let world = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(800)).await;
            dice::a_while(400).await;
            world.reach_database().await;
            world.database().take_over(worker);
        });
    }
}

async fn enqueue(world: World) {
    for number in 1..=RUNS {
        world.reach_database().await;
        world.database().enqueue(RunId(Uuid::from_u128(number)));
        dice::a_while(2_000).await;
    }
}

/// What all workers do: take over whoever was not heard of for too long.
async fn watch(world: World) {
    loop {
        dice::a_while(800).await;
        world.reach_database().await;
        let mut database = world.database();
        let now = dice::now();
        let silent = database
            .workers
            .iter()
            .filter(|(_, seen)| **seen + LEASE < now);
        for worker in silent.map(|(worker, _)| *worker).collect::<Vec<_>>() {
            database.take_over(worker);
        }
    }
}
