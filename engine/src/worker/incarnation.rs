//! One life of a worker, from its row to its end.

use super::cancels;
use super::config::WorkerConfig;
use super::hints::Hints;
use super::housekeeping::keep_house;
use super::liveness::Liveness;
use crate::backend::ClaimedRuns;
use crate::claim::{ClaimedRun, Claims};
use crate::engine::{Engine, Near};
use crate::executor::execute;
use crate::journal::{Journal, PostgresLedger};
use crate::shared::Shared;
use crate::store::connect::{Connector, backoff};
use crate::store::{Store, workers};
use crate::workflow::Registry;
use apalis::layers::WorkerBuilderExt;
use apalis::prelude::{Monitor, ParallelizeExt, WorkerBuilder};
use sqlx::PgConnection;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Two writers were half as fast again as one with 2,048 runs in flight, four as fast as two with 4,096;
/// whether a second one is worth its session with fewer runs was not measured.
const RUNS_A_WRITER: usize = 1_024;
const MOST_WRITERS: usize = 4;

/// How long, after the grace, the end of a worker may take that the database does not answer.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How an incarnation ended.
pub(super) enum Ended {
    Drained,
    TakenOver,
}

pub(super) struct Incarnation {
    shared: Arc<Shared>,
    runs: UnboundedReceiver<ClaimedRun>,
    session: PgConnection,
    connector: Connector,
}

impl Incarnation {
    /// Registers; waits for a database that is away. `None` when shut down before that.
    pub(super) async fn begin(
        engine: &Engine,
        registry: &Registry,
        config: &WorkerConfig,
        shutdown: &CancellationToken,
    ) -> Option<Self> {
        let connector = Connector::new(engine.pool().clone(), config.lease);
        let mut waits = backoff();
        let (session, worker) = loop {
            let mut session = connector.connect_patiently(shutdown).await?;
            match workers::register(&mut session, &config.name, config.lease).await {
                Ok(worker) => break (session, worker),
                Err(error) => {
                    tracing::warn!(error = %error, "The worker could not register yet; is the database migrated?");
                    tokio::time::sleep(waits.next().unwrap_or_default()).await;
                }
            }
        };
        let (claims, runs) = Claims::new(config.concurrency);
        let store = Store {
            pool: engine.pool().clone(),
        };
        let shared = Arc::new(Shared::new(
            worker,
            Journal::new(writers(config.concurrency)),
            claims,
            store,
            connector.doubts(),
            registry.clone(),
            config,
        ));
        let near = Near::new(&shared.claims, shared.journal.first_intake());
        engine.notifier().add_near(near);
        if let Err(error) = workers::open_code_gates(engine.pool(), &registry.names()).await {
            tracing::warn!(error = %error, "Runs that wait for other code could not be woken");
        }
        tracing::info!(worker.id = %worker, worker.name = %config.name, "The worker is ready");
        Some(Self {
            shared,
            runs,
            session,
            connector,
        })
    }

    /// Works until shut down or taken over. A shutdown ends it soon after the grace, whatever still waits
    /// for an answer: the others take over what is left.
    pub(super) async fn run(self, config: &WorkerConfig, shutdown: &CancellationToken) -> Ended {
        let lost = self.shared.lost.clone();
        let overdue = async {
            shutdown.cancelled().await;
            tokio::time::sleep(config.grace + LAST_WORDS).await;
        };
        tokio::select! {
            ended = self.work(config, shutdown) => ended,
            () = overdue => {
                tracing::warn!(worker.name = %config.name, "The worker could not end in order; the others will take over");
                lost.cancel();
                Ended::Drained
            }
        }
    }

    async fn work(self, config: &WorkerConfig, shutdown: &CancellationToken) -> Ended {
        let shared = self.shared;
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let ledger = || {
            let names = shared.registry.names();
            PostgresLedger::new(shared.worker, names, self.connector.clone())
        };
        for writer in shared.writers(&stop, ledger) {
            tasks.spawn(writer.run());
        }
        let liveness = Liveness::new(shared.clone(), self.connector, config.lease, stop.clone());
        tasks.spawn(liveness.run(self.session));
        tasks.spawn(Hints::new(shared.clone(), config.poll, stop.clone()).run());
        tasks.spawn(keep_house(shared.clone(), stop.clone()));
        tasks.spawn(cancels::watch(shared.clone(), stop.clone()));
        tasks.spawn(crate::cron::watch(shared.clone(), stop.clone()));
        tasks.spawn(drain_at(
            shutdown.clone(),
            shared.clone(),
            config.grace,
            stop.clone(),
        ));

        drive(&config.name, self.runs, shared.clone(), shutdown).await;

        let ended = end(&shared).await;
        stop.cancel();
        while tasks.join_next().await.is_some() {}
        ended
    }
}

/// A writer for every thousand runs, where one session would keep one core of the server busy and
/// the others waiting.
fn writers(concurrency: usize) -> usize {
    (concurrency / RUNS_A_WRITER).clamp(1, MOST_WRITERS)
}

/// Retires in order unless the incarnation is lost already.
async fn end(shared: &Shared) -> Ended {
    if shared.lost.is_cancelled() {
        return Ended::TakenOver;
    }
    match workers::retire(&shared.store.pool, shared.worker).await {
        Ok(0) => tracing::info!(worker.id = %shared.worker, "The worker has drained"),
        Ok(runs) => {
            tracing::info!(worker.id = %shared.worker, runs, "The worker has drained and gave runs back")
        }
        Err(error) => {
            tracing::warn!(error = %error, "The worker could not retire; the others will take over")
        }
    }
    Ended::Drained
}

/// At shutdown: no new claims, runs go back at their next step, and after the grace all at once.
async fn drain_at(
    shutdown: CancellationToken,
    shared: Arc<Shared>,
    grace: Duration,
    stop: CancellationToken,
) {
    tokio::select! {
        () = shutdown.cancelled() => shared.drain(),
        () = stop.cancelled() => return,
    }
    tokio::select! {
        () = tokio::time::sleep(grace) => shared.grace_over.cancel(),
        () = stop.cancelled() => {}
    }
}

/// Lets apalis run what was claimed until shutdown or takeover, and waits for what is running.
async fn drive(
    name: &str,
    runs: UnboundedReceiver<ClaimedRun>,
    shared: Arc<Shared>,
    shutdown: &CancellationToken,
) {
    let lost = shared.lost.clone();
    // The monitor asks for the worker once; it never restarts it, an incarnation is not reused.
    let backend = Mutex::new(Some(ClaimedRuns::new(runs, shared.clone())));
    let name = name.to_owned();
    let monitor = Monitor::new().register(move |_| {
        let backend = backend
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .expect("the monitor builds a worker once");
        let shared = shared.clone();
        WorkerBuilder::new(name.as_str())
            .backend(backend)
            .catch_panic()
            .parallelize(tokio::spawn)
            .build(move |run: ClaimedRun| {
                let shared = shared.clone();
                async move {
                    execute(run, shared).await;
                    Ok::<(), std::convert::Infallible>(())
                }
            })
    });
    let signal = async {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = lost.cancelled() => {}
        }
        Ok(())
    };
    if let Err(error) = monitor.run_with_signal(signal).await {
        tracing::error!(error = %error, "The run loop ended with an error");
    }
}
