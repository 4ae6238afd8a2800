//! Named locks: a part of a workflow that only one run at a time may be in.
//!
//! A lock belongs to the run, not to the worker: it survives a takeover, and a run that comes by
//! again after a restart has it still. Nothing of it needs history. It is free again when the run
//! gives it back or ends.
//!
//! It is taken where something begins that is not recorded, and not before: what is recorded needs
//! no lock, and to ask for it again could mean to wait for another run.

use super::Ctx;
use crate::history::HistoryKind;
use crate::journal::Transition;
use crate::state::RunState;
use crate::workflow::{WorkflowError, WorkflowResult};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The locks that a run asked for since its worker took it up, by name.
#[derive(Default)]
pub(super) struct Locks(Mutex<HashMap<String, Arc<Lock>>>);

/// One of them. Branches of a run share it: it keeps other runs out, not this one.
pub(super) struct Lock {
    name: String,
    /// Blocks under it that have begun and not ended.
    blocks: AtomicUsize,
    /// Kept locked while the lock is asked for, so that taking and giving back never cross.
    held: tokio::sync::Mutex<Held>,
}

/// Whether the run has the lock.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    No,
    /// From before a restart, or nobody heard the answer.
    Perhaps,
    Yes,
}

/// A block under a lock that has begun and not ended.
struct Block(Arc<Lock>);

impl Ctx {
    /// Runs a block that only one run at a time may be in, of all runs that name this lock. Calls
    /// are under the lock when they are made with the context that is handed to the block:
    ///
    /// ```no_run
    /// # use leadrail_engine::{Activity, Ctx, WorkflowResult};
    /// # async fn story<A: Activity<Input = String, Output = Option<String>>>(ctx: Ctx, find: &A, make: &A) -> WorkflowResult<()> {
    /// let caller = "caller".to_owned();
    /// ctx.under_lock("caller", async |ctx| {
    ///     match ctx.activity(find, &caller).await? {
    ///         Some(known) => Ok(Some(known)),
    ///         None => ctx.activity(make, &caller).await,
    ///     }
    /// })
    /// .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The lock is taken when the first call begins that has no stored result. While another live
    /// run has it, this one waits (parked, not in memory). It is kept through retries, waits and
    /// takeovers, and given back after the block has ended, well or badly, in one commit with what was
    /// done under it: before the next call does anything, or the run waits or ends.
    ///
    /// Blocks may stand in each other. Runs that nest several locks must do so in the same order,
    /// and a block must not wait for a run that needs its lock, or they wait for each other.
    ///
    /// # Errors
    /// That of the block; or the database refuses what the run wants to write.
    pub async fn under_lock<T: Send, F>(
        &self,
        name: &str,
        block: impl FnOnce(Self) -> F + Send,
    ) -> WorkflowResult<T>
    where
        F: Future<Output = WorkflowResult<T>> + Send,
    {
        let begun = Block::begin(self.run.locks.named(name, self.held_at_first()));
        let mut inside = self.clone();
        inside.under.push(begun.0.clone());
        let result = block(inside).await;
        self.give_back(&begun.end()).await;
        result
    }

    /// Comes back when the run has all locks under which this context's calls stand, outer ones
    /// first. For calls that may begin something.
    ///
    /// # Errors
    /// The database refuses what the run wants to write.
    pub(super) async fn take_locks(&self) -> WorkflowResult<()> {
        for lock in &self.under {
            if let Some(wait) = self.take(lock).await? {
                self.wait_for_lock(wait).await
            }
        }
        Ok(())
    }

    /// Takes the lock; says how long to wait where another run has it.
    async fn take(&self, lock: &Lock) -> WorkflowResult<Option<Duration>> {
        if self.run.shared.is_draining() {
            return self.release().await;
        }
        let mut held = lock.held.lock().await;
        if *held == Held::Yes || !lock.is_in_use() {
            return Ok(None);
        }
        *held = Held::Perhaps;
        let refused = |why| WorkflowError::new("not_storable", why);
        let wait = self.commit_taking(&lock.name).await.map_err(refused)?;
        *held = match wait {
            None => Held::Yes,
            Some(_) => Held::No,
        };
        Ok(wait)
    }

    async fn wait_for_lock(&self, wait: Duration) {
        let payload = serde_json::json!({ "reason": "locked", "next_in_ms": wait.as_millis() });
        self.add_row(
            HistoryKind::RunWaiting,
            None,
            None,
            Some(payload.to_string()),
        );
        let mut transition = Transition::to(RunState::Waiting);
        transition.delay = Some(wait);
        transition.reason = Some("locked".to_owned());
        self.park(transition).await
    }

    /// Gives the lock back, unless another block of this run is under it.
    async fn give_back(&self, lock: &Lock) {
        if self.run.rehearsal {
            return;
        }
        let mut held = lock.held.lock().await;
        if *held != Held::No && !lock.is_in_use() {
            self.give_back_with_rows(&lock.name);
            *held = Held::No;
        }
    }

    /// A run that was never begun before has no lock from then.
    fn held_at_first(&self) -> Held {
        match self.run.claimed.starts {
            ..=1 => Held::No,
            _ => Held::Perhaps,
        }
    }
}

impl Locks {
    fn named(&self, name: &str, at_first: Held) -> Arc<Lock> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Arc::new(Lock {
                name: name.to_owned(),
                blocks: AtomicUsize::new(0),
                held: tokio::sync::Mutex::new(at_first),
            })
        };
        locks.entry(name.to_owned()).or_insert_with(new).clone()
    }
}

impl Lock {
    /// Not so for a context that outlives its block.
    fn is_in_use(&self) -> bool {
        self.blocks.load(Ordering::Acquire) > 0
    }
}

impl Block {
    fn begin(lock: Arc<Lock>) -> Self {
        lock.blocks.fetch_add(1, Ordering::AcqRel);
        Self(lock)
    }

    fn end(self) -> Arc<Lock> {
        self.0.clone()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.0.blocks.fetch_sub(1, Ordering::AcqRel);
    }
}
