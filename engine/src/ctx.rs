//! What a workflow sees of its run: activities, timers, side values and locks.
//!
//! A completed activity's row is kept back until something must be durable: it travels with the
//! intent of the next activity, or with the end of the run, in one entry of the journal. Nothing
//! that touches the outside world starts before that entry is committed.

mod activity;
mod lock;
mod park;
mod side_value;
mod timer;

pub use lock::Lock;

use crate::claim::ClaimedRun;
use crate::history::{HistoryKind, Past};
use crate::ids::RunId;
use crate::journal::HistoryRow;
use crate::worker::Shared;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A run, as its workflow sees it. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    pub(crate) run: Arc<RunInHand>,
}

/// A run that this worker executes.
pub(crate) struct RunInHand {
    pub(crate) claimed: ClaimedRun,
    pub(crate) shared: Arc<Shared>,
    /// When this worker began with it.
    taken_up: Instant,
    progress: Mutex<Progress>,
    parked: AtomicBool,
}

struct Progress {
    past: Past,
    next_seq: i32,
    /// Rows that wait for the next entry.
    unsent: Vec<HistoryRow>,
    /// How often each activity name was used.
    uses: HashMap<&'static str, u32>,
}

impl Ctx {
    pub(crate) fn new(claimed: ClaimedRun, past: Past, shared: Arc<Shared>) -> Self {
        let next_seq = past.next_seq.max(1);
        let progress = Progress {
            past,
            next_seq,
            unsent: Vec::new(),
            uses: HashMap::new(),
        };
        Self {
            run: Arc::new(RunInHand {
                claimed,
                shared,
                taken_up: Instant::now(),
                progress: Mutex::new(progress),
                parked: AtomicBool::new(false),
            }),
        }
    }

    /// The run's id.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.run.claimed.id
    }

    /// The tenant that the run belongs to.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.run.claimed.scope
    }

    /// What the run queues behind.
    #[must_use]
    pub fn lane(&self) -> &str {
        &self.run.claimed.lane
    }

    /// The idempotency key under which it was enqueued.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.run.claimed.key.as_deref()
    }

    /// Whether at some time of this run nobody knew if an effect had happened: such a run is worth
    /// a second look later, for effects that landed late.
    #[must_use]
    pub fn had_unknown_outcome(&self) -> bool {
        self.progress().past.unknown_outcome
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.run.parked.load(Ordering::Acquire)
    }

    /// The stored name of this use of an activity: `name`, then `name#2`, `name#3`, ...
    fn label(&self, name: &'static str) -> Cow<'static, str> {
        let mut progress = self.progress();
        let uses = progress.uses.entry(name).or_insert(0);
        *uses += 1;
        match *uses {
            1 => Cow::Borrowed(name),
            nth => Cow::Owned(format!("{name}#{nth}")),
        }
    }

    /// Numbers a row and keeps it for the next entry.
    pub(crate) fn add_row(
        &self,
        kind: HistoryKind,
        activity: Option<Cow<'static, str>>,
        attempt: Option<u32>,
        payload: Option<String>,
    ) {
        let mut progress = self.progress();
        let seq = progress.next_seq;
        progress.next_seq += 1;
        progress.unsent.push(HistoryRow {
            seq,
            kind,
            attempt: attempt.map(|number| i16::try_from(number).unwrap_or(i16::MAX)),
            activity,
            payload,
        });
    }

    pub(crate) fn take_rows(&self) -> Vec<HistoryRow> {
        std::mem::take(&mut self.progress().unsent)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.run
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
