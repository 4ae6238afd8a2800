//! Entries of runs that somebody else has locked, such as a person who looks at one in an open
//! transaction: they wait here, and the others go on.

use super::Entry;
use crate::ids::RunId;
use std::time::Duration;
use tokio::time::Instant;

const SHORTEST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

pub(super) struct Aside {
    entries: Vec<Entry>,
    wait: Duration,
    retry_at: Instant,
}

impl Default for Aside {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            wait: SHORTEST_WAIT,
            retry_at: Instant::now(),
        }
    }
}

impl Aside {
    /// Puts entries here; all of them are asked for again after the same wait.
    pub(super) fn put(&mut self, entries: Vec<Entry>) {
        self.entries.extend(entries);
        self.wait_longer();
    }

    /// The entries that may go on: those of runs that wait here stay behind what is here of them.
    pub(super) fn sort(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        if self.entries.is_empty() {
            return entries;
        }
        let waits = |entry: &Entry| self.entries.iter().any(|there| there.run == entry.run);
        let (behind, free): (Vec<_>, Vec<_>) = entries.into_iter().partition(waits);
        self.entries.extend(behind);
        free
    }

    /// All that wait.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Takes those out whose runs are not locked any more.
    pub(super) fn free_all_but(&mut self, locked: &[RunId]) -> Vec<Entry> {
        let entries = std::mem::take(&mut self.entries);
        let (kept, free) = entries
            .into_iter()
            .partition(|entry| locked.contains(&entry.run));
        self.entries = kept;
        self.wait_longer();
        free
    }

    /// Takes all out.
    pub(super) fn take(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// Whether it is time to look again.
    pub(super) fn is_due(&self) -> bool {
        !self.entries.is_empty() && Instant::now() >= self.retry_at
    }

    /// Returns when it is; never while nothing waits.
    pub(super) async fn due(&self) {
        match self.entries.is_empty() {
            true => std::future::pending().await,
            false => tokio::time::sleep_until(self.retry_at).await,
        }
    }

    /// A lock that was long may be longer still; after a quiet time it is another one.
    fn wait_longer(&mut self) {
        let quiet = self.retry_at.elapsed() > LONGEST_WAIT * 2;
        self.wait = match quiet {
            true => SHORTEST_WAIT,
            false => (self.wait * 2).min(LONGEST_WAIT),
        };
        self.retry_at = Instant::now() + self.wait;
    }
}
