//! The journal: all writes of all runs of a worker, shared commits, one fence.
//!
//! Runs hand in what happened to them and wait. A writer writes whatever is pending as one
//! statement, together with the claim of new runs, and wakes those who waited. There is no delay:
//! a flush starts when the last one ends, so an idle worker adds nothing and a busy one shares
//! each commit between thousands of runs.
//!
//! A small worker has one writer. A large one has several, each with a session of its own, so that
//! the server is at work on one statement while the runs of another go on; what one run hands in
//! always goes to the same writer, in turn. Only the first one claims.

mod aside;
mod batch;
mod flush;
mod intake;
mod ledger;
mod postgres;

pub(crate) use batch::{Entry, HistoryRow, LockMoves, Locked, Transition};
pub(crate) use flush::FlushLoop;
pub(crate) use intake::Intake;
#[cfg(test)]
pub(crate) use ledger::{Aftermath, Answer, Broken, Ledger, Receipt, Refusal};
pub(crate) use postgres::PostgresLedger;

use crate::failpoint;
use crate::ids::RunId;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

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
pub(crate) struct Journal {
    intakes: Vec<Arc<Intake>>,
}

impl Journal {
    /// A journal that so many writers share; at least one.
    pub(crate) fn new(writers: usize) -> Self {
        let intakes = (0..writers.max(1)).map(|_| Arc::default()).collect();
        Self { intakes }
    }

    /// One for each writer; the first writer claims.
    pub(crate) fn intakes(&self) -> &[Arc<Intake>] {
        &self.intakes
    }

    /// That of the writer that claims.
    pub(crate) fn first_intake(&self) -> &Arc<Intake> {
        &self.intakes[0]
    }

    /// Hands in rows, the locks that change hands and, if the head moves, the move; returns when they
    /// are committed. Where another run has the lock that is asked for, when to ask again.
    pub(crate) async fn write(
        &self,
        run: RunId,
        rows: Vec<HistoryRow>,
        transition: Option<Transition>,
        locks: LockMoves,
    ) -> Result<Option<Duration>, NotWritten> {
        let (done, committed) = oneshot::channel();
        self.intake_of(run).hand_in(Entry {
            run,
            rows,
            transition,
            locks,
            done,
        });
        failpoint!("journal.handed_in");
        let written = committed.await.unwrap_or(Err(NotWritten::TakenOver));
        failpoint!("journal.answered");
        written
    }

    /// Asks for a flush even if nothing is pending: it may claim.
    pub(crate) fn wake(&self) {
        self.first_intake().wake();
    }

    /// For how long one of its writers has had something to write and no answer.
    pub(crate) fn stuck_for(&self) -> Duration {
        let stuck = self.intakes.iter().filter_map(|intake| intake.busy_for());
        stuck.max().unwrap_or_default()
    }

    /// Always the same for one run, by the random end of its id.
    fn intake_of(&self, run: RunId) -> &Intake {
        let random = usize::from(run.0.as_bytes()[15]);
        &self.intakes[random % self.intakes.len()]
    }
}

#[cfg(test)]
mod tests;
