//! The SQL of what workers and readers need, one file a group of tables.
//!
//! What callers ask for has its SQL beside the call (`engine/`, `cron/`), the journal has its own
//! (`journal/postgres.rs`), and so have the search for the host that takes writes (`hosts.rs`) and the
//! migrations (`migrate/`).
//! Everything else is free of it: what a run does, decides and remembers.

pub(crate) mod access;
pub(crate) mod children;
pub(crate) mod connect;
pub(crate) mod doctor;
pub(crate) mod doubt;
pub(crate) mod gates;
pub(crate) mod housekeeping;
pub(crate) mod lanes;
pub(crate) mod pages;
pub(crate) mod queue;
pub(crate) mod reading;
pub(crate) mod session;
pub(crate) mod signals;
pub(crate) mod turns;
pub(crate) mod workers;
pub(crate) mod writes;

use sqlx::PgPool;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The engine's tables as the worker uses them, outside the journal.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) pool: PgPool,
}

impl Store {
    /// Reads until it works; `None` when `lost` is cancelled before that.
    async fn patiently<T, F>(
        &self,
        trouble: &str,
        lost: &CancellationToken,
        read: impl Fn() -> F,
    ) -> Option<T>
    where
        F: Future<Output = sqlx::Result<T>>,
    {
        let mut waits = connect::backoff();
        loop {
            match read().await {
                Ok(value) => return Some(value),
                Err(error) => tracing::warn!(error = %error, "{trouble}"),
            }
            let wait = waits.next().unwrap_or(Duration::from_secs(1));
            tokio::select! {
                () = lost.cancelled() => return None,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}
