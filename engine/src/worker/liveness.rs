//! Staying alive in the eyes of the others, and noticing who is not.
//!
//! No leader: every worker watches all others, and a takeover is one guarded statement that any
//! number of them may run at once.

use crate::ids::WorkerId;
use crate::shared::Shared;
use crate::store::connect::{Connector, in_time, is_locked};
use crate::store::workers;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often the others are looked at.
const WATCH_EVERY: Duration = Duration::from_millis(400);

/// A session may be gone for so long before it counts as dead: after a restart of PostgreSQL all
/// sessions are gone, and their workers are coming back.
const BELIEVED_GONE_AFTER: Duration = Duration::from_millis(800);

pub(super) struct Liveness {
    shared: Arc<Shared>,
    connector: Connector,
    lease: Duration,
    renew_every: Duration,
    stop: CancellationToken,
    gone_since: HashMap<WorkerId, Instant>,
}

impl Liveness {
    pub(super) fn new(
        shared: Arc<Shared>,
        connector: Connector,
        lease: Duration,
        stop: CancellationToken,
    ) -> Self {
        Self {
            shared,
            connector,
            lease,
            renew_every: lease / 3,
            stop,
            gone_since: HashMap::new(),
        }
    }

    /// Renews and watches until stopped or taken over; a broken session is replaced.
    pub(super) async fn run(mut self, session: PgConnection) {
        let mut session = Some(session);
        while let Some(live) = session.as_mut() {
            match self.serve(live).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::debug!(error = %error, "The worker's session broke");
                    self.gone_since.clear();
                    session = self.connector.connect_patiently(&self.over()).await;
                }
            }
        }
    }

    /// Cancelled when there is nothing to stay alive for.
    fn over(&self) -> CancellationToken {
        let over = CancellationToken::new();
        let (stop, lost, both) = (self.stop.clone(), self.shared.lost.clone(), over.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = lost.cancelled() => {}
            }
            both.cancel();
        });
        over
    }

    async fn serve(&mut self, session: &mut PgConnection) -> sqlx::Result<()> {
        let mut renewed: Option<Instant> = None;
        let mut alone = false;
        loop {
            if renewed.is_none_or(|at| at.elapsed() >= self.renew_every) {
                let Some(others) = self.renew(session).await? else {
                    self.shared.lost.cancel();
                    return Ok(());
                };
                alone = others == 0;
                renewed = Some(Instant::now());
            }
            if !alone {
                self.watch(session).await?;
            }
            // Nobody is there to be watched: only its own lease is to be renewed.
            let next = if alone {
                self.renew_every
            } else {
                WATCH_EVERY.min(self.renew_every)
            };
            tokio::select! {
                () = tokio::time::sleep(next) => {}
                () = self.shared.others.notified() => alone = false,
                () = self.stop.cancelled() => return Ok(()),
                () = self.shared.lost.cancelled() => return Ok(()),
            }
        }
    }

    /// Renews the lease; how many others there are, or `None` when this worker was taken over. A quiet
    /// worker tests its hearing by the way.
    async fn renew(&self, session: &mut PgConnection) -> sqlx::Result<Option<i64>> {
        let patience = self.connector.patience();
        if self.shared.journal.stuck_for() > self.lease {
            tracing::warn!(worker.id = %self.shared.worker, "The journal has had no answer for so long that the lease is not renewed");
            let others = workers::others(session, self.shared.worker);
            return in_time(patience, others).await;
        }
        let hearing = &self.shared.hearing;
        let quiet = self.shared.is_quiet() && hearing.is_connected();
        if quiet {
            hearing.ask(Instant::now());
        }
        let renewed = workers::renew(session, self.shared.worker, quiet);
        in_time(patience, renewed).await
    }

    /// Takes over whoever is dead for sure: its lease is over, or its session stays gone.
    async fn watch(&mut self, session: &mut PgConnection) -> sqlx::Result<()> {
        let suspects = workers::suspects(session);
        let mut suspects = in_time(self.connector.patience(), suspects).await?;
        // A jump of the database's clock makes everyone look late; this one is clearly alive.
        suspects.retain(|suspect| suspect.worker != self.shared.worker);
        self.gone_since
            .retain(|worker, _| suspects.iter().any(|suspect| suspect.worker == *worker));
        let mut dead = Vec::new();
        for suspect in suspects {
            let since = *self
                .gone_since
                .entry(suspect.worker)
                .or_insert_with(Instant::now);
            if suspect.lease_over || since.elapsed() >= BELIEVED_GONE_AFTER {
                dead.push(suspect.worker);
            }
        }
        if dead.is_empty() {
            return Ok(());
        }
        crate::failpoint!("takeover.before_send");
        let taken = workers::take_over(session, &dead);
        let runs = match in_time(self.lease.max(self.connector.patience()), taken).await {
            // Somebody looks at one of their runs in a transaction: asked again with the next look.
            Err(error) if is_locked(&error) => {
                tracing::warn!(error = %error, "Dead workers cannot be taken over yet");
                return Ok(());
            }
            taken => taken?,
        };
        crate::failpoint!("takeover.after_send");
        tracing::info!(workers = dead.len(), runs, "Dead workers were taken over");
        metrics::counter!("leadrail_runs_taken_over_total")
            .increment(u64::try_from(runs).unwrap_or(0));
        self.shared.hint();
        Ok(())
    }
}
