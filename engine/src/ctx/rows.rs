//! The rows of history that a run has to write: numbered, kept back, committed in turn.

use super::Ctx;
use crate::history::HistoryKind;
use crate::journal::{HistoryRow, LockMoves, NotWritten, Transition};
use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Rows that wait for the next entry of the journal.
pub(super) struct Rows {
    pending: Mutex<Pending>,
    /// Calls of one run commit one after the other: whoever finds nothing to write knows that what
    /// it depends on is committed.
    turn: tokio::sync::Mutex<()>,
}

struct Pending {
    next_seq: i32,
    unsent: Vec<HistoryRow>,
    /// Side values that are written down with the next row that binds the workflow.
    attached: Vec<Attached>,
    /// Locks that the run has done with.
    given_back: Vec<String>,
    /// The database refused rows of this run; nothing that builds on them may follow.
    refused: Option<String>,
}

struct Attached {
    /// Where it was asked for.
    branch: String,
    label: Cow<'static, str>,
    payload: String,
}

impl Attached {
    /// Whether rows of this branch may follow from it: not those of one beside it.
    fn precedes(&self, branch: &str) -> bool {
        branch.starts_with(&self.branch) || self.branch.starts_with(branch)
    }
}

impl Pending {
    fn add(&mut self, mut row: HistoryRow) {
        row.seq = self.next_seq;
        self.next_seq += 1;
        self.unsent.push(row);
    }

    fn take(&mut self) -> (Vec<HistoryRow>, Vec<String>) {
        let rows = std::mem::take(&mut self.unsent);
        (rows, std::mem::take(&mut self.given_back))
    }
}

impl Rows {
    pub(super) fn after(next_seq: i32) -> Self {
        Self {
            pending: Mutex::new(Pending {
                next_seq,
                unsent: Vec::new(),
                attached: Vec::new(),
                given_back: Vec::new(),
                refused: None,
            }),
            turn: tokio::sync::Mutex::const_new(()),
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ctx {
    /// Keeps a side value until a row is added that binds the workflow, so that both are committed or
    /// neither: as long as nothing follows from it, another build may come to another value.
    pub(super) fn keep_for_what_follows(&self, label: Cow<'static, str>, payload: String) {
        self.run.rows.pending().attached.push(Attached {
            branch: self.branch.prefix().to_owned(),
            label,
            payload,
        });
    }

    /// Numbers a row and keeps it for the next entry.
    pub(crate) fn add_row(
        &self,
        kind: HistoryKind,
        activity: Option<Cow<'static, str>>,
        attempt: Option<u32>,
        payload: Option<String>,
    ) {
        let mut pending = self.run.rows.pending();
        if kind.binds() && !pending.attached.is_empty() {
            let branch = self.branch.prefix();
            let due = pending
                .attached
                .extract_if(.., |kept| kept.precedes(branch));
            for Attached { label, payload, .. } in due.collect::<Vec<_>>() {
                pending.add(row(
                    HistoryKind::SideValue,
                    Some(label),
                    None,
                    Some(payload),
                ));
            }
        }
        pending.add(row(kind, activity, attempt, payload));
    }

    /// Gives a lock back in the commit that comes next, with what was done under it.
    pub(super) fn give_back_with_rows(&self, lock: &str) {
        self.run.rows.pending().given_back.push(lock.to_owned());
    }

    /// Commits the rows kept back. Does not come back when the run was taken over: its future is
    /// dropped.
    pub(crate) async fn commit(&self) -> Result<(), String> {
        self.commit_with(None).await.map(drop)
    }

    /// Commits the rows kept back and takes a lock; where another run has it, when to ask again.
    pub(super) async fn commit_taking(&self, lock: &str) -> Result<Option<Duration>, String> {
        self.commit_with(Some(lock.to_owned())).await
    }

    async fn commit_with(&self, takes: Option<String>) -> Result<Option<Duration>, String> {
        if self.run.rehearsal {
            return self.abandon().await;
        }
        let _turn = self.run.rows.turn.lock().await;
        let (rows, gives) = self.unsent()?;
        if rows.is_empty() && gives.is_empty() && takes.is_none() {
            return Ok(None);
        }
        self.write(rows, None, LockMoves { gives, takes }).await
    }

    /// Commits the rows kept back and the head's move.
    pub(crate) async fn commit_move(&self, mut transition: Transition) -> Result<(), String> {
        let _turn = self.run.rows.turn.lock().await;
        transition.since = self.run.claimed.claimed_at;
        let (rows, gives) = self.run.rows.pending().take();
        let locks = LockMoves { gives, takes: None };
        self.write(rows, Some(transition), locks).await.map(drop)
    }

    fn unsent(&self) -> Result<(Vec<HistoryRow>, Vec<String>), String> {
        let mut pending = self.run.rows.pending();
        match &pending.refused {
            Some(why) => Err(why.clone()),
            None => Ok(pending.take()),
        }
    }

    /// Why rows of this run were refused, if some were.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.run.rows.pending().refused.clone()
    }

    async fn write(
        &self,
        rows: Vec<HistoryRow>,
        transition: Option<Transition>,
        locks: LockMoves,
    ) -> Result<Option<Duration>, String> {
        let first = rows.first().map(|row| row.seq);
        let journal = &self.run.shared.journal;
        match journal.write(self.run_id(), rows, transition, locks).await {
            Ok(wait) => Ok(wait),
            Err(NotWritten::TakenOver) => self.abandon().await,
            Err(NotWritten::Refused(why)) => {
                let mut pending = self.run.rows.pending();
                // The numbers are free again, and what came after cannot stand without them.
                pending.next_seq = first.unwrap_or(pending.next_seq);
                pending.unsent.clear();
                pending.refused = Some(why.clone());
                Err(why)
            }
        }
    }
}

/// A row without its number.
fn row(
    kind: HistoryKind,
    activity: Option<Cow<'static, str>>,
    attempt: Option<u32>,
    payload: Option<String>,
) -> HistoryRow {
    HistoryRow {
        seq: 0,
        kind,
        attempt: attempt.map(|number| i16::try_from(number).unwrap_or(i16::MAX)),
        activity,
        payload,
    }
}
