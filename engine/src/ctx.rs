//! What a workflow sees of its run: activities, timers, signals, children, side values and locks.
//!
//! Every call takes its label (name and occurrence) and what is recorded under it when it is made,
//! not when it is first polled, so calls may be driven side by side ([`Ctx::join`]).
//!
//! A completed activity's row is kept back until something must be durable: it travels with the
//! intent of the next activity, or with the end of the run, in one entry of the journal. Nothing
//! that touches the outside world starts before that entry is committed.

mod activity;
mod branch;
mod cancel;
mod child;
mod continue_as_new;
mod frontier;
mod join;
mod lock;
mod park;
mod publish;
mod rows;
mod side_value;
mod signal;
mod suspect;
mod timer;
mod version;

pub use child::{Child, ChildOptions};
pub(crate) use park::Parked;

use crate::claim::ClaimedRun;
use crate::ids::RunId;
use crate::past::Past;
use crate::shared::Shared;
use branch::Branch;
use chrono::{DateTime, Utc};
use lock::{Lock, Locks};
use park::Parking;
use rows::Rows;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// A run, as its workflow sees it. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    pub(crate) run: Arc<RunInHand>,
    branch: Arc<Branch>,
    /// The locks that its calls need, outer ones first.
    under: Vec<Arc<Lock>>,
    /// Cleaning up: goes on although the run was told to stop.
    cleaning_up: bool,
}

/// A run that this worker executes.
pub(crate) struct RunInHand {
    pub(crate) claimed: ClaimedRun,
    pub(crate) shared: Arc<Shared>,
    /// Only what is recorded is gone through; nothing new begins.
    pub(crate) rehearsal: bool,
    /// When this worker began with it.
    taken_up: Instant,
    progress: Mutex<Progress>,
    parking: Parking,
    locks: Locks,
    rows: Rows,
}

struct Progress {
    past: Past,
    /// How often each name was used.
    uses: HashMap<Cow<'static, str>, u32>,
    /// Which version of each change this run goes by.
    versions: HashMap<&'static str, u32>,
    /// Signals taken from the inbox by entries that may not be committed yet.
    taken_signals: Vec<i64>,
    /// The input of the run that follows this one, and the run.
    successor: Option<(RunId, String)>,
    /// What today's code asked for and history does not have there.
    mismatch: Option<String>,
    /// A call was made while another of the same branch was at work: its label means nothing.
    overlap: bool,
}

impl Ctx {
    pub(crate) fn new(claimed: ClaimedRun, past: Past, shared: Arc<Shared>) -> Self {
        Self::begin(claimed, past, shared, false)
    }

    /// A context that goes through what is recorded and stops where something new would begin.
    pub(crate) fn rehearsal(claimed: ClaimedRun, past: Past, shared: Arc<Shared>) -> Self {
        Self::begin(claimed, past, shared, true)
    }

    fn begin(claimed: ClaimedRun, past: Past, shared: Arc<Shared>, rehearsal: bool) -> Self {
        let rows = Rows::after(past.next_seq.max(1));
        let progress = Progress {
            past,
            uses: HashMap::new(),
            versions: HashMap::new(),
            taken_signals: Vec::new(),
            successor: None,
            mismatch: None,
            overlap: false,
        };
        Self {
            run: Arc::new(RunInHand {
                claimed,
                shared,
                rehearsal,
                taken_up: Instant::now(),
                progress: Mutex::new(progress),
                parking: Parking::default(),
                locks: Locks::default(),
                rows,
            }),
            branch: Arc::default(),
            under: Vec::new(),
            cleaning_up: false,
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

    /// When it was enqueued.
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        self.run.claimed.created_at
    }

    /// Whether at some time of this run nobody knew if an effect had happened: such a run is worth
    /// a second look later, for effects that landed late.
    #[must_use]
    pub fn had_unknown_outcome(&self) -> bool {
        self.progress().past.unknown_outcome
    }

    /// Whether the next call under this label ([`crate::Activity::label`]) has its stored result
    /// already, so that it will not run.
    #[must_use]
    pub fn is_recorded(&self, activity: &str) -> bool {
        let name = self.branch.name(Cow::Borrowed(activity));
        let progress = self.progress();
        let nth = progress.uses.get(name.as_ref()).copied().unwrap_or(0) + 1;
        progress.past.has_result(&nth_use(name, nth))
    }

    /// The stored name of this use: `name`, then `name#2`, `name#3`, ...
    fn label(&self, name: impl Into<Cow<'static, str>>) -> Cow<'static, str> {
        let name = self.branch.name(name.into());
        let mut progress = self.progress();
        let uses = progress.uses.entry(name.clone()).or_insert(0);
        *uses += 1;
        let nth = *uses;
        progress.overlap |= self.branch.is_at_work();
        nth_use(name, nth)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.run
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn nth_use(name: Cow<'_, str>, nth: u32) -> Cow<'_, str> {
    match nth {
        1 => name,
        nth => Cow::Owned(format!("{name}#{nth}")),
    }
}
