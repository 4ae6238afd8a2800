//! When to ask for work: a notification, a due time, or nobody said anything for a while.
//!
//! `NOTIFY` is a hint and may be lost; the poll behind it may not.

use super::Shared;
use super::cancels::CANCEL;
use super::liveness::WORKER;
use crate::engine::NOTIFY_CHANNEL;
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub(super) struct Hints {
    shared: Arc<Shared>,
    poll: Duration,
    stop: CancellationToken,
    /// Notifications reach this worker.
    listening: AtomicBool,
}

/// After so long without work it asks more rarely, as long as notifications reach it.
const QUIET_AFTER: Duration = Duration::from_secs(60);
/// So many times more rarely.
const QUIET_FACTOR: u32 = 6;

impl Hints {
    pub(super) fn new(shared: Arc<Shared>, poll: Duration, stop: CancellationToken) -> Self {
        Self {
            shared,
            poll,
            stop,
            listening: AtomicBool::new(false),
        }
    }

    /// Hints until stopped.
    pub(super) async fn run(self) {
        tokio::select! {
            () = self.listen() => {}
            () = self.poll() => {}
            () = self.stop.cancelled() => {}
            () = self.shared.lost.cancelled() => {}
        }
    }

    /// Asks again at the next due time, and in any case every now and then, jittered by a fifth.
    async fn poll(&self) {
        loop {
            let patience = self.patience().mul_f64(rand::random_range(0.8..=1.2));
            let due = self
                .shared
                .claims
                .next_due()
                .map(|due| due + Duration::from_millis(1));
            tokio::time::sleep(due.map_or(patience, |due| due.min(patience))).await;
            self.shared.hint();
        }
    }

    /// How long it may go without asking: longer in quiet times, when notifications are known to
    /// arrive.
    fn patience(&self) -> Duration {
        let quiet = self.shared.claims.idle_for() >= QUIET_AFTER;
        match quiet && self.listening.load(Ordering::Acquire) {
            true => self.poll * QUIET_FACTOR,
            false => self.poll,
        }
    }

    /// Listens on a connection of its own, for ever.
    async fn listen(&self) {
        loop {
            let ended = self.listen_until_broken().await;
            self.listening.store(false, Ordering::Release);
            if let Err(error) = ended {
                tracing::debug!(error = %error, "The listener broke; polling goes on");
            }
            tokio::time::sleep(self.poll).await;
        }
    }

    async fn listen_until_broken(&self) -> sqlx::Result<()> {
        let options = (*self.shared.store.pool.connect_options()).clone();
        let own = sqlx::postgres::PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(NOTIFY_CHANNEL).await?;
        self.listening.store(true, Ordering::Release);
        self.shared.hint();
        while let Some(notification) = listener.try_recv().await? {
            if notification.payload() == CANCEL {
                self.shared.cancels.look();
            }
            if notification.payload() == WORKER {
                self.shared.others.notify_one();
            }
            if notification.payload() == crate::schedules::CRON {
                self.shared.crons_changed.notify_one();
            }
            self.shared.hint();
        }
        Ok(())
    }
}
