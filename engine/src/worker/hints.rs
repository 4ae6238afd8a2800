//! When to ask for work: a notification, a due time, or nobody said anything for a while.
//!
//! `NOTIFY` is a hint and may be lost; the poll behind it may not.

use crate::names::{CANCEL, CRON, NOTIFY_CHANNEL, WORKER, own_channel};
use crate::shared::Shared;
use crate::store::session;
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

pub(super) struct Hints {
    shared: Arc<Shared>,
    poll: Duration,
    stop: CancellationToken,
}

/// A quiet worker asks so many times more rarely, as long as notifications reach it.
const QUIET_FACTOR: u32 = 6;

impl Hints {
    pub(super) fn new(shared: Arc<Shared>, poll: Duration, stop: CancellationToken) -> Self {
        Self { shared, poll, stop }
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
        let told = self.shared.hearing.is_proven(Instant::now());
        match told && self.shared.is_quiet() {
            true => self.poll * QUIET_FACTOR,
            false => self.poll,
        }
    }

    /// Listens on a connection of its own, for ever.
    async fn listen(&self) {
        loop {
            let ended = self.listen_until_broken().await;
            self.shared.hearing.set_connected(false);
            if let Err(error) = ended {
                tracing::debug!(error = %error, "The listener broke; polling goes on");
            }
            tokio::time::sleep(self.poll).await;
        }
    }

    async fn listen_until_broken(&self) -> sqlx::Result<()> {
        let options = session::pinned((*self.shared.store.pool.connect_options()).clone());
        let alone = sqlx::postgres::PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&alone).await?;
        let own = own_channel(self.shared.worker);
        listener.listen_all([NOTIFY_CHANNEL, &own]).await?;
        self.shared.hearing.set_connected(true);
        self.shared.hint();
        while let Some(notification) = listener.try_recv().await? {
            if notification.channel() == own {
                self.shared.hearing.heard();
                continue;
            }
            if notification.payload() == CANCEL {
                self.shared.cancels.look();
            }
            if notification.payload() == WORKER {
                self.shared.others.notify_one();
            }
            if notification.payload() == CRON {
                self.shared.crons_changed.notify_one();
            }
            self.shared.hint();
        }
        Ok(())
    }
}
