//! When to ask for work: a notification, a due time, or nobody said anything for a while.
//!
//! `NOTIFY` is a hint and may be lost; the poll behind it may not.

use super::Shared;
use crate::engine::NOTIFY_CHANNEL;
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

pub(super) struct Hints {
    shared: Arc<Shared>,
    poll: Duration,
    stop: CancellationToken,
}

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

    /// Asks again at the next due time, and in any case every `poll`, jittered by a fifth.
    async fn poll(&self) {
        loop {
            let patience = self.poll.mul_f64(rand::random_range(0.8..=1.2));
            let due = self
                .shared
                .claims
                .next_due()
                .map(|due| due + Duration::from_millis(1));
            tokio::time::sleep(due.map_or(patience, |due| due.min(patience))).await;
            self.shared.hint();
        }
    }

    /// Listens on a connection of its own, for ever.
    async fn listen(&self) {
        loop {
            if let Err(error) = self.listen_until_broken().await {
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
        self.shared.hint();
        while listener.try_recv().await?.is_some() {
            self.shared.hint();
        }
        Ok(())
    }
}
