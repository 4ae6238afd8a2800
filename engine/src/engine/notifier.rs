//! Telling idle workers that there may be work.
//!
//! A commit with a pending `NOTIFY` takes a lock of the whole instance, so it never rides on a
//! transaction that does anything else, and at most twenty a second are sent by one process.

use super::NOTIFY_CHANNEL;
use sqlx::PgPool;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const SHORTEST_GAP: Duration = Duration::from_millis(50);

pub(crate) struct Notifier {
    pool: PgPool,
    planned: Arc<AtomicBool>,
    last: Mutex<Option<Instant>>,
}

impl Notifier {
    pub(super) fn new(pool: PgPool) -> Self {
        Self {
            pool,
            planned: Arc::new(AtomicBool::new(false)),
            last: Mutex::new(None),
        }
    }

    /// Sends one soon, now if none was sent lately. Costs the caller nothing; a lost one costs a poll.
    pub(crate) fn poke(&self) {
        if self.planned.swap(true, Ordering::AcqRel) {
            return;
        }
        let wait = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let due = last.map_or(now, |at| (at + SHORTEST_GAP).max(now));
            *last = Some(due);
            due - now
        };
        let (pool, planned) = (self.pool.clone(), self.planned.clone());
        tokio::spawn(async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            planned.store(false, Ordering::Release);
            let sent = sqlx::query!("select pg_notify($1, '')", NOTIFY_CHANNEL)
                .execute(&pool)
                .await;
            if let Err(error) = sent {
                tracing::debug!(error = %error, "No notification was sent; workers will poll");
            }
        });
    }
}
