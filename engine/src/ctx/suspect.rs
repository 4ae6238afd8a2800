//! Doubt after a failover or a restore: what was committed may be lost, and what it did outside is not.

use super::Ctx;
use crate::store::doubt::{is_suspect, repeats_failover};
use chrono::{DateTime, Utc};

impl Ctx {
    /// When that was since which nobody knows whether this run's steps took effect; `None` when the
    /// history can be believed. Costs nothing while there is no doubt.
    pub(super) async fn suspected_since(&self) -> Option<DateTime<Utc>> {
        let doubts = self.run.shared.doubts.get();
        let restored = doubts.restore_of(self.run.claimed.created_at);
        let failed_over = match doubts.failed_over_at {
            Some(at) => self.failed_over(at).await,
            None => None,
        };
        restored.max(failed_over)
    }

    /// That failover, if it concerns this run.
    async fn failed_over(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let created = self.run.claimed.created_at;
        if created > at {
            return repeats_failover(at, created).then_some(at);
        }
        // Where the database does not answer, looking in vain does no harm.
        let suspect = is_suspect(&self.run.shared.store.pool, self.run.claimed.id).await;
        suspect.unwrap_or(true).then_some(at)
    }

    /// The earliest time at which a step can have taken effect for this run, or for the one that it
    /// repeats.
    pub(super) fn effects_since(&self) -> DateTime<Utc> {
        let created = self.run.claimed.created_at;
        self.run.shared.doubts.get().effects_since(created)
    }
}
