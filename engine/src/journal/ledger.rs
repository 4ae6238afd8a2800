//! Where a worker's journal is written, and how that may come out.

use super::{Entry, Locked};
use crate::claim::ClaimedRun;
use crate::ids::RunId;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a statement brought that was committed.
#[derive(Default)]
pub(crate) struct Receipt {
    /// The runs it claimed.
    pub(crate) runs: Vec<ClaimedRun>,
    /// When more is due, if they are fewer than wanted.
    pub(crate) next_due: Option<Duration>,
    /// The locks that it could not take.
    pub(crate) locked: Vec<Locked>,
}

/// What came of one statement.
pub(crate) enum Answer {
    /// Committed.
    Written(Receipt),
    /// The fence: the worker has no row any more.
    TakenOver,
    /// The connection broke: it may have been committed.
    Unknown,
    /// No answer in time: it may have been committed, and as much again may take as long.
    Late,
    /// Refused as a whole; nothing of it was committed.
    Refused(Refusal),
}

/// Why a statement was refused.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// A run in it belongs to another worker.
    NotOurs,
    /// Somebody else has locked something of it for longer than the others should wait.
    Locked,
    /// Data that the database will never take.
    Data(String),
}

/// What became of a batch whose session broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aftermath {
    Committed,
    NotCommitted,
    /// The worker has no row any more: what stands in its runs' histories is another's.
    TakenOver,
}

/// The session in which that was to be found out broke as well.
#[derive(Debug)]
pub(crate) struct Broken;

/// One session at a time with the database that holds the journal.
pub(crate) trait Ledger: Send {
    /// Opens a session, patiently; false when `given_up` is cancelled before that, or when the worker
    /// can write nothing any more because the database has failed over.
    fn connect(&mut self, given_up: &CancellationToken) -> impl Future<Output = bool> + Send;

    /// Writes the entries and claims up to `want` runs, in one commit.
    fn write(&mut self, batch: &[Entry], want: usize) -> impl Future<Output = Answer> + Send;

    /// Which of these entries' runs cannot be moved now, because somebody else has locked them.
    fn locked(&mut self, batch: &[Entry]) -> impl Future<Output = Vec<RunId>> + Send;

    /// After a broken session: makes sure that nothing of it can still be committed, tells whether
    /// the batch that begins with this line of history was, and, where it may have claimed, gives
    /// back runs of the worker that `held` does not name.
    fn clear_up(
        &mut self,
        first: Option<(RunId, i32)>,
        held: Option<&[Uuid]>,
    ) -> impl Future<Output = Result<Aftermath, Broken>> + Send;
}
