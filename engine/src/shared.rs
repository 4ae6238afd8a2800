//! What all parts of one incarnation of a worker share.

use crate::claim::Claims;
use crate::decision::Limits;
use crate::ids::WorkerId;
use crate::journal::{FlushLoop, Journal};
use crate::retry::RetrySchedule;
use crate::store::Store;
use crate::store::doubt::KnownDoubts;
use crate::worker::cancels::Cancels;
use crate::worker::config::WorkerConfig;
use crate::worker::hearing::Hearing;
use crate::workflow::Registry;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, RwLock};
use tokio_util::sync::CancellationToken;

/// One incarnation of a worker.
pub(crate) struct Shared {
    pub(crate) worker: WorkerId,
    pub(crate) journal: Journal,
    pub(crate) claims: Arc<Claims>,
    pub(crate) store: Store,
    pub(crate) doubts: Arc<KnownDoubts>,
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
    pub(crate) in_execution: RwLock<()>,
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
        doubts: Arc<KnownDoubts>,
        registry: Registry,
        config: &WorkerConfig,
    ) -> Self {
        Self {
            worker,
            journal,
            claims: Arc::new(claims),
            store,
            doubts,
            registry,
            schedule: config.schedule.clone(),
            limits: config.limits,
            cancels: Cancels::default(),
            hearing: Hearing::default(),
            quiet_after: config.quiet_after,
            others: Notify::new(),
            crons_changed: Notify::new(),
            in_execution: RwLock::const_new(()),
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
        let writers = intakes.map(|(nth, intake)| {
            FlushLoop::new(
                self.worker,
                intake.clone(),
                (nth == 0).then(|| self.claims.clone()),
                ledger(),
                (self.lost.clone(), stop.clone()),
            )
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
