//! Claims: which runs the worker asks for, and where they go.

use crate::ids::RunId;
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use uuid::Uuid;

/// The most that one statement claims.
const LARGEST_CLAIM: usize = 500;

/// A run that this worker now holds.
#[derive(Debug, Clone)]
pub(crate) struct ClaimedRun {
    pub(crate) id: RunId,
    pub(crate) workflow: String,
    pub(crate) scope: String,
    pub(crate) key: Option<String>,
    pub(crate) lane: String,
    pub(crate) starts: i32,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) claimed_at: DateTime<Utc>,
    pub(crate) input: String,
    /// The run that started it and hears how it ends.
    pub(crate) parent: Option<RunId>,
    /// It was asked to stop before this claim.
    pub(crate) cancel_why: Option<String>,
}

#[cfg(test)]
impl ClaimedRun {
    /// One that nobody enqueued.
    pub(crate) fn sample() -> Self {
        Self {
            id: RunId::new(),
            workflow: "test".into(),
            scope: String::new(),
            key: None,
            lane: String::new(),
            starts: 1,
            created_at: DateTime::UNIX_EPOCH,
            claimed_at: DateTime::UNIX_EPOCH,
            input: "null".into(),
            parent: None,
            cancel_why: None,
        }
    }
}

/// What the worker holds and how much more it wants.
pub(crate) struct Claims {
    capacity: usize,
    held: Mutex<HashSet<Uuid>>,
    held_count: AtomicUsize,
    hungry: AtomicBool,
    open: AtomicBool,
    /// Suspects that want to be alone.
    pauses: AtomicUsize,
    runs: mpsc::UnboundedSender<ClaimedRun>,
    next_due: Mutex<Option<Duration>>,
    last_arrival: Mutex<Instant>,
}

impl Claims {
    pub(crate) fn new(capacity: usize) -> (Self, mpsc::UnboundedReceiver<ClaimedRun>) {
        let (runs, receiver) = mpsc::unbounded_channel();
        let claims = Self {
            capacity,
            held: Mutex::new(HashSet::with_capacity(capacity)),
            held_count: AtomicUsize::new(0),
            hungry: AtomicBool::new(true),
            open: AtomicBool::new(true),
            pauses: AtomicUsize::new(0),
            runs,
            next_due: Mutex::new(None),
            last_arrival: Mutex::new(Instant::now()),
        };
        (claims, receiver)
    }

    /// How many runs to claim now. Nothing until an eighth of the places is free: claiming one at a
    /// time is many times dearer than claiming many.
    pub(crate) fn want(&self) -> usize {
        if !self.open.load(Ordering::Acquire) || !self.hungry.load(Ordering::Acquire) {
            return 0;
        }
        if self.pauses.load(Ordering::Acquire) > 0 {
            return 0;
        }
        let free = self.capacity.saturating_sub(self.held());
        if free < (self.capacity / 8).max(1) && self.held() > 0 {
            return 0;
        }
        free.min(LARGEST_CLAIM)
    }

    /// A claim is on its way: a hint that comes from now on asks for another one.
    pub(crate) fn asking(&self) {
        self.hungry.store(false, Ordering::Release);
    }

    /// Takes in what a claim brought. `next_due` says when more is due if it brought less than wanted.
    pub(crate) fn arrived(&self, wanted: usize, runs: Vec<ClaimedRun>, next_due: Option<Duration>) {
        if runs.len() >= wanted {
            self.hint();
        }
        if !runs.is_empty() {
            *lock(&self.last_arrival) = Instant::now();
        }
        *lock(&self.next_due) = next_due;
        lock(&self.held).extend(runs.iter().map(|run| run.id.0));
        self.held_count.fetch_add(runs.len(), Ordering::AcqRel);
        for run in runs {
            // The receiver lives as long as the worker; after it the runs are taken over.
            let _ = self.runs.send(run);
        }
    }

    /// A hint, a timer or a free place: it is worth asking again.
    pub(crate) fn hint(&self) {
        self.hungry.store(true, Ordering::Release);
    }

    pub(crate) fn finished(&self, run: RunId) {
        if lock(&self.held).remove(&run.0) {
            self.held_count.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// No claims until `go_on` was called as often.
    pub(crate) fn pause(&self) {
        self.pauses.fetch_add(1, Ordering::AcqRel);
    }

    /// Ends a pause.
    pub(crate) fn go_on(&self) {
        self.pauses.fetch_sub(1, Ordering::AcqRel);
        self.hint();
    }

    /// No further claims.
    pub(crate) fn close(&self) {
        self.open.store(false, Ordering::Release);
    }

    pub(crate) fn held(&self) -> usize {
        self.held_count.load(Ordering::Acquire)
    }

    pub(crate) fn held_ids(&self) -> Vec<Uuid> {
        lock(&self.held).iter().copied().collect()
    }

    /// How long ago a claim last brought something, or the worker began.
    pub(crate) fn idle_for(&self) -> Duration {
        lock(&self.last_arrival).elapsed()
    }

    /// How long until the next run is due, as the last claim saw it.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        *lock(&self.next_due)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_worker_asks_for_nothing_until_an_eighth_is_free() {
        let (claims, _runs) = Claims::new(16);
        let runs: Vec<_> = (0..16).map(|_| ClaimedRun::sample()).collect();
        let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
        claims.asking();
        claims.arrived(16, runs, None);
        assert_eq!(claims.want(), 0);
        claims.finished(ids[0]);
        assert_eq!(claims.want(), 0);
        claims.finished(ids[1]);
        claims.finished(ids[1]);
        assert_eq!(claims.want(), 2);
    }

    #[test]
    fn a_hint_that_comes_while_a_claim_is_under_way_asks_for_another() {
        let (claims, _runs) = Claims::new(4);
        claims.asking();
        claims.hint();
        claims.arrived(4, Vec::new(), None);
        assert_eq!(claims.want(), 4);
    }

    #[test]
    fn after_an_empty_claim_it_waits_for_a_hint() {
        let (claims, _runs) = Claims::new(4);
        claims.asking();
        claims.arrived(4, vec![ClaimedRun::sample()], Some(Duration::from_secs(3)));
        assert_eq!(claims.want(), 0);
        assert_eq!(claims.next_due(), Some(Duration::from_secs(3)));
        claims.hint();
        assert_eq!(claims.want(), 3);
        claims.close();
        assert_eq!(claims.want(), 0);
    }
}
