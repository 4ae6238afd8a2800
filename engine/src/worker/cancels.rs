//! Which of a worker's runs were asked to stop.
//!
//! A notification says that somebody asked; the look behind it costs nothing while the worker holds
//! no run.

use crate::ids::RunId;
use crate::shared::Shared;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often it is asked for without a notification.
const EVERY: Duration = Duration::from_secs(5);

/// The runs of a worker that were asked to stop, with the reasons.
#[derive(Default)]
pub(crate) struct Cancels {
    any: AtomicBool,
    asked: Mutex<HashMap<Uuid, String>>,
    look: Notify,
}

impl Cancels {
    /// Why this run was asked to stop, if it was.
    pub(crate) fn asked(&self, run: RunId) -> Option<String> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        self.lock().get(&run.0).cloned()
    }

    /// Somebody asked some run to stop.
    pub(super) fn look(&self) {
        self.look.notify_one();
    }

    fn set(&self, asked: HashMap<Uuid, String>) {
        self.any.store(!asked.is_empty(), Ordering::Release);
        *self.lock() = asked;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks for runs in hand that were asked to stop, until stopped.
pub(super) async fn watch(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = shared.cancels.look.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
            () = shared.lost.cancelled() => return,
        }
        if shared.claims.held() > 0 {
            match shared.store.cancel_requests(shared.worker).await {
                Ok(asked) => shared.cancels.set(asked),
                Err(error) => {
                    tracing::debug!(error = %error, "Who was asked to stop could not be read yet")
                }
            }
        }
    }
}
