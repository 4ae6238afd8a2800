//! What struck when, on the database's clock.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Everything that was done to the product. Shared by whoever strikes.
pub(super) struct Chronicle {
    base: DateTime<Utc>,
    since: Instant,
    events: Mutex<Events>,
}

/// What happened so far.
#[derive(Clone, Default)]
pub(super) struct Events {
    pub(super) kills: Vec<Blow>,
    pub(super) freezes: Vec<Blow>,
    /// Freezes in the middle of a call to the CRM.
    pub(super) freezes_in_calls: Vec<Blow>,
    pub(super) outages: Vec<Outage>,
    /// Outages in which the first process was killed, and in which it was told to drop everything.
    pub(super) crashes: u64,
    pub(super) restarts: u64,
    /// Outages in which a standby took the server's place.
    pub(super) failovers: u64,
    pub(super) cuts: u64,
    pub(super) sessions_cut: u64,
    /// When the disk was full, and how many writes failed then.
    pub(super) full_disks: Vec<Outage>,
    pub(super) writes_without_room: u64,
    /// Answers to committed statements that never arrived, and notifications.
    pub(super) answers_lost: u64,
    pub(super) notifications_lost: u64,
    /// The time in which no notification arrived.
    pub(super) deaf: Option<Outage>,
    /// Rounds in which every worker was started anew.
    pub(super) rounds: Vec<Outage>,
    /// Workers that were sent a SIGTERM, and how long those took that ended in order.
    pub(super) asked_to_end: u64,
    pub(super) ended_in_order: Vec<Duration>,
    /// Writes of workers without a row that the database refused.
    pub(super) fenced_writes: u64,
    /// Workers that ended although nobody killed them.
    pub(super) quitters: u64,
    /// The most memory that a worker had, in KiB.
    pub(super) largest_rss_kib: u64,
}

/// A worker that was struck.
#[derive(Clone)]
pub(super) struct Blow {
    pub(super) at: DateTime<Utc>,
    /// Under which ids the database knew it; none if the database was away.
    pub(super) workers: Vec<Uuid>,
}

/// A time in which something was away: the database, its notifications, a worker at a time.
#[derive(Clone, Copy)]
pub(super) struct Outage {
    pub(super) from: DateTime<Utc>,
    pub(super) until: DateTime<Utc>,
}

impl Chronicle {
    /// Begins at this time of the database's clock.
    pub(super) fn start(now: DateTime<Utc>) -> Self {
        Self {
            base: now,
            since: Instant::now(),
            events: Mutex::default(),
        }
    }

    /// Now on the database's clock, which need not be up.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.base + TimeDelta::from_std(self.since.elapsed()).unwrap_or_default()
    }

    /// What happened so far, to be added to.
    pub(super) fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// In a few words, for the progress line.
    pub(super) fn words(&self) -> String {
        let events = self.events();
        format!(
            "{} kills, {} freezes, {} database crashes, {} cuts",
            events.kills.len(),
            events.freezes.len() + events.freezes_in_calls.len(),
            events.outages.len(),
            events.cuts
        )
    }
}
