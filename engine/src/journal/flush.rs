//! A writer: one session, one statement at a time.

use super::aside::Aside;
use super::ledger::{Aftermath, Answer, Ledger, Refusal};
use super::{Entry, Intake, NotWritten};
use crate::claim::Claims;
use crate::failpoint;
use crate::ids::WorkerId;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The most entries one statement carries; beyond it the gain is nothing and the memory grows.
const LARGEST_BATCH: usize = 4_096;

/// Writes what it finds in its intake until it is told to stop or the worker is taken over.
pub(crate) struct FlushLoop<L> {
    pub(crate) worker: WorkerId,
    pub(crate) intake: Arc<Intake>,
    /// What it claims besides; only one writer of a worker does, so that it knows all that is held.
    pub(crate) claims: Option<Arc<Claims>>,
    pub(crate) ledger: L,
    /// Cancelled here when the fence refuses us.
    pub(crate) lost: CancellationToken,
    /// Cancelled by the owner when nothing will be handed in any more.
    pub(crate) stop: CancellationToken,
    aside: Aside,
}

impl<L> FlushLoop<L> {
    /// A writer that finds its entries in this intake, until `stop` or `lost`.
    pub(crate) fn new(
        worker: WorkerId,
        intake: Arc<Intake>,
        claims: Option<Arc<Claims>>,
        ledger: L,
        (lost, stop): (CancellationToken, CancellationToken),
    ) -> Self {
        Self {
            worker,
            intake,
            claims,
            ledger,
            lost,
            stop,
            aside: Aside::default(),
        }
    }
}

impl<L: Ledger> FlushLoop<L> {
    /// Runs until stopped or taken over.
    pub(crate) async fn run(mut self) {
        let mut carried: Vec<Entry> = Vec::new();
        let mut writable = self.ledger.connect(&self.lost).await;
        while writable {
            if carried.is_empty() {
                carried = self.next_entries().await;
            }
            if self.lost.is_cancelled() || (carried.is_empty() && self.stop.is_cancelled()) {
                break;
            }
            let rest = carried.split_off(carried.len().min(LARGEST_BATCH));
            let batch = std::mem::replace(&mut carried, rest);
            writable = self.flush(batch).await;
        }
        if !writable {
            self.lost.cancel();
        }
        carried.extend(self.aside.take());
        for entry in carried {
            entry.answer(Err(NotWritten::TakenOver));
        }
        self.intake.close();
    }

    /// How many runs it may claim now.
    fn want(&self) -> usize {
        self.claims.as_ref().map_or(0, |claims| claims.want())
    }

    /// A claim came to nothing: it is worth asking again.
    fn hint(&self) {
        if let Some(claims) = &self.claims {
            claims.hint();
        }
    }

    /// Waits until there is something to write or to claim.
    async fn next_entries(&mut self) -> Vec<Entry> {
        loop {
            let mut entries = self.aside.sort(self.intake.take());
            if self.aside.is_due() {
                let locked = self.ledger.locked(self.aside.entries()).await;
                entries.extend(self.aside.free_all_but(&locked));
            }
            let idle = entries.is_empty() && self.want() == 0;
            if !idle || self.stop.is_cancelled() || self.lost.is_cancelled() {
                return entries;
            }
            tokio::select! {
                () = self.intake.woken() => {}
                () = self.aside.due() => {}
                () = self.stop.cancelled() => {}
                () = self.lost.cancelled() => {}
            }
        }
    }

    /// Writes one batch to its end, through broken sessions; false when taken over.
    async fn flush(&mut self, batch: Vec<Entry>) -> bool {
        let mut may_claim = true;
        loop {
            let mut late = false;
            let want = if may_claim { self.want() } else { 0 };
            if batch.is_empty() && want == 0 {
                return true;
            }
            match self.write(&batch, want).await {
                Answer::Written(receipt) => {
                    failpoint!("journal.after_commit");
                    if let Some(claims) = self.claims.as_ref().filter(|_| want > 0) {
                        claims.arrived(want, receipt.runs, receipt.next_due);
                    }
                    for entry in batch {
                        let wait = entry.wait_of(&receipt.locked);
                        entry.answer(Ok(wait));
                    }
                    return true;
                }
                Answer::TakenOver => return self.give_up(batch),
                Answer::Refused(Refusal::Locked) if batch.is_empty() => {
                    self.hint();
                    return true;
                }
                Answer::Refused(refusal) if batch.is_empty() => {
                    // A new session is not opened at once, and by then it may be allowed.
                    tracing::error!(worker.id = %self.worker, ?refusal, "PostgreSQL refuses to let this worker claim");
                }
                Answer::Refused(_) if batch.len() == 1 && want > 0 => {
                    // It may be the claim that was refused.
                    self.hint();
                    may_claim = false;
                    continue;
                }
                Answer::Refused(Refusal::Locked) => {
                    self.hint();
                    return self.step_aside(batch).await;
                }
                Answer::Refused(refusal) => {
                    self.hint();
                    return self.divide(batch, refusal).await;
                }
                Answer::Late => late = true,
                Answer::Unknown => {}
            }
            let aftermath = self.clear_up(&batch).await;
            self.hint();
            match aftermath {
                Aftermath::Committed => return self.ask_again(batch).await,
                Aftermath::NotCommitted if late && batch.len() > 1 => {
                    return self.halve(batch).await;
                }
                Aftermath::NotCommitted => {}
                Aftermath::TakenOver => return self.give_up(batch),
            }
        }
    }

    /// A batch is committed but its answer lost: who asked for a lock does not know whether he has it.
    /// To take what one has already changes nothing.
    async fn ask_again(&mut self, batch: Vec<Entry>) -> bool {
        let mut asking = Vec::new();
        for entry in batch {
            match &entry.locks.takes {
                Some(_) => asking.push(entry.asked_again()),
                None => entry.answer(Ok(None)),
            }
        }
        asking.is_empty() || Box::pin(self.flush(asking)).await
    }

    /// One statement.
    async fn write(&mut self, batch: &[Entry], want: usize) -> Answer {
        if let Some(claims) = self.claims.as_ref().filter(|_| want > 0) {
            claims.asking();
        }
        failpoint!("journal.before_send");
        self.intake.asks();
        let answer = self.ledger.write(batch, want).await;
        failpoint!("journal.after_send");
        if !matches!(answer, Answer::Unknown | Answer::Late) {
            self.intake.is_answered();
        }
        answer
    }

    /// After a broken session: was the batch committed?
    ///
    /// One statement is all or nothing, so its first row tells.
    async fn clear_up(&mut self, batch: &[Entry]) -> Aftermath {
        let first = batch
            .iter()
            .find_map(|entry| entry.rows.first().map(|row| (entry.run, row.seq)));
        loop {
            failpoint!("clear_up.before_connect");
            if !self.ledger.connect(&self.lost).await {
                return Aftermath::TakenOver;
            }
            failpoint!("clear_up.after_connect");
            let held = self.claims.as_ref().map(|claims| claims.held_ids());
            if let Ok(aftermath) = self.ledger.clear_up(first, held.as_deref()).await {
                return aftermath;
            }
        }
    }

    /// Nothing of this incarnation counts any more.
    fn give_up(&self, batch: Vec<Entry>) -> bool {
        self.lost.cancel();
        refuse_all(batch, &NotWritten::TakenOver);
        false
    }

    /// One bad entry must not spoil the others: halve until it stands alone.
    async fn divide(&mut self, batch: Vec<Entry>, refusal: Refusal) -> bool {
        if batch.len() <= 1 {
            let outcome = match refusal {
                Refusal::NotOurs => NotWritten::TakenOver,
                Refusal::Data(why) => {
                    tracing::error!(worker.id = %self.worker, reason = why, "PostgreSQL refused a journal entry");
                    NotWritten::Refused(why)
                }
                Refusal::Locked => {
                    self.aside.put(batch);
                    return true;
                }
            };
            refuse_all(batch, &outcome);
            return true;
        }
        self.halve(batch).await
    }

    async fn halve(&mut self, mut batch: Vec<Entry>) -> bool {
        let second = batch.split_off(batch.len() / 2);
        if !Box::pin(self.flush(batch)).await {
            return self.give_up(second);
        }
        // What the first half left aside goes before what the same runs say later.
        let second = self.aside.sort(second);
        Box::pin(self.flush(second)).await
    }

    /// Entries whose runs somebody else has locked must not make the others wait.
    async fn step_aside(&mut self, batch: Vec<Entry>) -> bool {
        let locked = self.ledger.locked(&batch).await;
        let (aside, free): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .partition(|entry| locked.contains(&entry.run));
        if aside.is_empty() {
            // What is locked is nothing that can be asked for, or is not any more.
            return self.divide(free, Refusal::Locked).await;
        }
        tracing::warn!(worker.id = %self.worker, run.id = %aside[0].run, runs = aside.len(), "Somebody else has locked runs of this worker; they wait, the others go on");
        self.aside.put(aside);
        Box::pin(self.flush(free)).await
    }
}

fn refuse_all(batch: Vec<Entry>, why: &NotWritten) {
    for entry in batch {
        entry.answer(Err(why.clone()));
    }
}

#[cfg(test)]
mod tests;
