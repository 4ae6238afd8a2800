//! Where one writer of a journal finds what runs handed in.

use super::NotWritten;
use super::batch::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// What waits for one writer.
#[derive(Default)]
pub(crate) struct Intake {
    pending: Mutex<Pending>,
    /// Since when its writer waits for an answer.
    busy_since: Mutex<Option<Instant>>,
    wake: Notify,
}

#[derive(Default)]
struct Pending {
    entries: Vec<Entry>,
    closed: bool,
}

impl Intake {
    /// Puts the entry in line; one that comes after the close is answered at once.
    pub(super) fn hand_in(&self, entry: Entry) {
        {
            let mut pending = self.lock();
            if !pending.closed {
                pending.entries.push(entry);
                drop(pending);
                return self.wake();
            }
        }
        entry.answer(Err(NotWritten::TakenOver));
    }

    /// Asks for a flush even if nothing is pending: it may claim.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Its writer asks the database, perhaps again.
    pub(super) fn asks(&self) {
        self.busy().get_or_insert_with(Instant::now);
    }

    /// The database has answered its writer.
    pub(super) fn is_answered(&self) {
        *self.busy() = None;
    }

    /// For how long its writer has had no answer; `None` while it asks for nothing.
    pub(super) fn busy_for(&self) -> Option<Duration> {
        self.busy().map(|since| since.elapsed())
    }

    fn busy(&self) -> MutexGuard<'_, Option<Instant>> {
        self.busy_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    pub(super) fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.lock().entries)
    }

    /// From now on everything handed in is refused, and what is pending too.
    pub(super) fn close(&self) {
        let entries = {
            let mut pending = self.lock();
            pending.closed = true;
            std::mem::take(&mut pending.entries)
        };
        for entry in entries {
            entry.answer(Err(NotWritten::TakenOver));
        }
        self.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
