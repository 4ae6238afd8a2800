//! Doubt after a failover: what was committed last may be lost, and what it did outside is not.

use super::Ctx;
use crate::store::failover::is_suspect;
use chrono::{DateTime, TimeDelta, Utc};

/// Runs enqueued so soon after a failover may be repeats of runs that it lost.
const REPEATS_WITHIN: TimeDelta = TimeDelta::minutes(15);

impl Ctx {
    /// When the failover was since which nobody knows whether this run's steps took effect; `None`
    /// when the history can be believed. Costs nothing while there was no failover.
    pub(super) async fn suspected_since(&self) -> Option<DateTime<Utc>> {
        let shared = &self.run.shared;
        let at = shared.failover.at()?;
        let created = self.run.claimed.created_at;
        if created > at {
            return (created <= at + REPEATS_WITHIN).then_some(at);
        }
        // Where the database does not answer, looking in vain does no harm.
        let suspect = is_suspect(&shared.store.pool, self.run.claimed.id).await;
        suspect.unwrap_or(true).then_some(at)
    }
}
