//! The journal: all writes of all runs of a worker, shared commits, one fence.
//!
//! Runs hand in what happened to them and wait. One task writes whatever is pending as one
//! statement, together with the claim of new runs, and wakes those who waited. There is no delay:
//! a flush starts when the last one ends, so an idle worker adds nothing and a busy one shares
//! each commit between thousands of runs.

mod batch;
mod flush;
mod ledger;
mod postgres;

pub(crate) use batch::{Entry, HistoryRow, Transition};
pub(crate) use flush::FlushLoop;
#[cfg(test)]
pub(crate) use ledger::{Broken, Ledger, Outcome, Refusal, Settled};
pub(crate) use postgres::PostgresLedger;

use crate::failpoint;
use crate::ids::RunId;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, oneshot};

/// Why something handed in was not written. Either way nothing of it is in the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotWritten {
    /// The run is not this worker's any more: whoever holds it goes on.
    #[error("the run was taken over")]
    TakenOver,
    /// PostgreSQL will never take this entry.
    #[error("the database refused the entry: {0}")]
    Refused(String),
}

/// Where runs hand in what happened to them.
#[derive(Clone)]
pub(crate) struct Journal {
    pending: Arc<Pending>,
}

pub(crate) struct Pending {
    entries: Mutex<Intake>,
    pub(crate) wake: Notify,
}

#[derive(Default)]
struct Intake {
    entries: Vec<Entry>,
    closed: bool,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            pending: Arc::new(Pending {
                entries: Mutex::new(Intake::default()),
                wake: Notify::new(),
            }),
        }
    }

    /// Hands in rows and, if the head moves, the move; returns when they are committed.
    pub(crate) async fn write(
        &self,
        run: RunId,
        rows: Vec<HistoryRow>,
        transition: Option<Transition>,
    ) -> Result<(), NotWritten> {
        let (done, committed) = oneshot::channel();
        {
            let mut intake = self.lock();
            if intake.closed {
                return Err(NotWritten::TakenOver);
            }
            intake.entries.push(Entry {
                run,
                rows,
                transition,
                done,
            });
        }
        self.pending.wake.notify_one();
        failpoint!("journal.handed_in");
        let written = committed.await.unwrap_or(Err(NotWritten::TakenOver));
        failpoint!("journal.answered");
        written
    }

    /// Asks for a flush even if nothing is pending: it may claim.
    pub(crate) fn wake(&self) {
        self.pending.wake.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.pending.wake.notified().await;
    }

    pub(crate) fn take_pending(&self) -> Vec<Entry> {
        std::mem::take(&mut self.lock().entries)
    }

    /// From now on everything handed in is refused, and what is pending too.
    pub(crate) fn close(&self) {
        let entries = {
            let mut intake = self.lock();
            intake.closed = true;
            std::mem::take(&mut intake.entries)
        };
        for entry in entries {
            entry.answer(Err(NotWritten::TakenOver));
        }
        self.pending.wake.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Intake> {
        self.pending
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::HistoryKind;

    fn line() -> Vec<HistoryRow> {
        vec![HistoryRow {
            seq: 0,
            kind: HistoryKind::RunStarted,
            attempt: None,
            activity: None,
            payload: None,
        }]
    }

    #[tokio::test]
    async fn a_closed_journal_refuses_what_is_pending_and_what_comes() {
        let journal = Journal::new();
        let (pending, ()) = tokio::join!(journal.write(RunId::new(), line(), None), async {
            assert_eq!(journal.lock().entries.len(), 1);
            journal.close();
        });
        assert_eq!(pending, Err(NotWritten::TakenOver));
        let later = journal.write(RunId::new(), line(), None).await;
        assert_eq!(later, Err(NotWritten::TakenOver));
        assert!(journal.take_pending().is_empty());
    }

    #[tokio::test]
    async fn what_is_handed_in_wakes_the_writer_and_waits_for_its_answer() {
        let journal = Journal::new();
        let (written, ()) = tokio::join!(journal.write(RunId::new(), line(), None), async {
            journal.woken().await;
            for entry in journal.take_pending() {
                entry.answer(Ok(()));
            }
        });
        assert_eq!(written, Ok(()));
    }
}
