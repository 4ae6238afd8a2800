//! Workers: processes that execute runs.
//!
//! A worker lives in incarnations. Each has a row in the database, which is its fence, a journal, a
//! stream of claimed runs that apalis drives, and a session whose end tells the others that it
//! died. A worker that was taken over (frozen, cut off) drops everything and comes back as a new one.

mod cancels;
mod hearing;
mod hints;
mod housekeeping;
mod incarnation;
mod liveness;

use crate::claim::Claims;
use crate::decision::Limits;
use crate::engine::Engine;
use crate::ids::WorkerId;
use crate::journal::{FlushLoop, Journal};
use crate::retry::RetrySchedule;
use crate::store::Store;
use crate::store::failover::LastFailover;
use crate::workflow::Registry;
use cancels::Cancels;
use hearing::Hearing;
use incarnation::{Ended, Incarnation};
pub(crate) use liveness::WORKER;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, RwLock};
use tokio_util::sync::CancellationToken;

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// For people: shown in lists, not used to tell workers apart.
    pub name: String,
    /// How many runs it holds at a time. Up to 2,047 it writes through one database session, beyond
    /// that through one more for every 1,024, four at most.
    pub concurrency: usize,
    /// How long its silence is believed before others take over (a closed session is noticed at once).
    pub lease: Duration,
    /// How long running activities may take to end at a shutdown.
    pub grace: Duration,
    /// How often it asks for work when nobody gives a hint, jittered by a fifth; six times as rarely
    /// while it is quiet and notifications are known to reach it.
    pub poll: Duration,
    /// After so long without work it is quiet.
    pub quiet_after: Duration,
    /// The retry schedule of activities that have none of their own.
    pub schedule: RetrySchedule,
    /// Bounds on waits that use up no attempt.
    pub limits: Limits,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            name: format!("worker-{}", std::process::id()),
            concurrency: 256,
            lease: Duration::from_secs(15),
            grace: Duration::from_secs(25),
            poll: Duration::from_secs(1),
            quiet_after: Duration::from_secs(60),
            schedule: RetrySchedule::default(),
            limits: Limits::default(),
        }
    }
}

/// What all parts of one incarnation share.
pub(crate) struct Shared {
    pub(crate) worker: WorkerId,
    pub(crate) journal: Journal,
    pub(crate) claims: Arc<Claims>,
    pub(crate) store: Store,
    pub(crate) failover: Arc<LastFailover>,
    pub(crate) registry: Registry,
    pub(crate) schedule: RetrySchedule,
    pub(crate) limits: Limits,
    pub(crate) cancels: Cancels,
    pub(crate) hearing: Hearing,
    quiet_after: Duration,
    /// Told when another worker has come.
    pub(crate) others: Notify,
    /// A schedule was put, resumed, or the clock moved.
    pub(crate) crons_changed: Notify,
    /// Held by all runs in execution together, or by one suspect alone.
    pub(crate) company: RwLock<()>,
    /// This incarnation was taken over: nothing it does counts any more.
    pub(crate) lost: CancellationToken,
    /// The shutdown has waited long enough.
    pub(crate) grace_over: CancellationToken,
    draining: AtomicBool,
}

impl Shared {
    pub(crate) fn new(
        worker: WorkerId,
        journal: Journal,
        claims: Claims,
        store: Store,
        failover: Arc<LastFailover>,
        registry: Registry,
        config: &WorkerConfig,
    ) -> Self {
        Self {
            worker,
            journal,
            claims: Arc::new(claims),
            store,
            failover,
            registry,
            schedule: config.schedule.clone(),
            limits: config.limits,
            cancels: Cancels::default(),
            hearing: Hearing::default(),
            quiet_after: config.quiet_after,
            others: Notify::new(),
            crons_changed: Notify::new(),
            company: RwLock::const_new(()),
            lost: CancellationToken::new(),
            grace_over: CancellationToken::new(),
            draining: AtomicBool::new(false),
        }
    }

    /// The journal's writers, each with a ledger of its own; only the first one claims.
    pub(crate) fn writers<L>(
        &self,
        stop: &CancellationToken,
        ledger: impl Fn() -> L,
    ) -> Vec<FlushLoop<L>> {
        let intakes = self.journal.intakes().iter().enumerate();
        let writers = intakes.map(|(nth, intake)| FlushLoop {
            worker: self.worker,
            intake: intake.clone(),
            claims: (nth == 0).then(|| self.claims.clone()),
            ledger: ledger(),
            lost: self.lost.clone(),
            stop: stop.clone(),
        });
        writers.collect()
    }

    /// Whether runs should be given back at their next step.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(crate) fn drain(&self) {
        self.claims.close();
        self.draining.store(true, Ordering::Release);
    }

    /// Whether it had nothing to do for so long that it may ask for work rarely.
    pub(crate) fn is_quiet(&self) -> bool {
        self.claims.idle_for() >= self.quiet_after
    }

    /// It is worth asking for work now.
    pub(crate) fn hint(&self) {
        self.claims.hint();
        self.journal.wake();
    }
}

/// Executes runs of the registered workflows until `shutdown` is cancelled, then drains: unstarted
/// runs go back at once, running activities get the grace period.
///
/// Survives lost connections, database restarts and takeovers; it ends only by `shutdown`.
pub async fn run_worker(
    engine: &Engine,
    registry: Registry,
    config: WorkerConfig,
    shutdown: CancellationToken,
) {
    while !shutdown.is_cancelled() {
        let Some(incarnation) = Incarnation::begin(engine, &registry, &config, &shutdown).await
        else {
            return;
        };
        match incarnation.run(&config, &shutdown).await {
            Ended::Drained => return,
            Ended::TakenOver => {
                metrics::counter!("leadrail_worker_taken_over_total").increment(1);
                tracing::warn!(worker.name = %config.name, "This worker was taken over; it starts afresh");
            }
        }
    }
}
