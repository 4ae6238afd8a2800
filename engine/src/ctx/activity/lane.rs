//! What an answer says to the whole lane: leave us alone for a while, or so many calls are left.

use super::Call;
use crate::activity::{Activity, Attempt, Budget};
use crate::store::lanes;
use std::time::Duration;

impl<A: Activity> Call<'_, A> {
    /// A budget that runs out is everybody's in the lane.
    pub(super) async fn heed_budget(&self, attempt: &Attempt) {
        let scarce = |budget: &Budget| budget.left <= Budget::SCARCE && !self.ctx.lane().is_empty();
        let Some(budget) = attempt.take_budget().filter(scarce) else {
            return;
        };
        let pool = &self.ctx.run.shared.store.pool;
        if let Err(error) = lanes::spend(pool, self.ctx.lane(), budget).await {
            tracing::warn!(run.id = %self.ctx.run_id(), error = %error, "The lane's budget could not be noted; its other runs may be throttled");
        }
    }

    /// The other side wants to be left alone: by all runs of the lane, not by this one only.
    pub(super) async fn hold_lane(&self, wait: Duration) {
        let lane = self.ctx.lane();
        if lane.is_empty() {
            return;
        }
        if let Err(error) = lanes::hold(&self.ctx.run.shared.store.pool, lane, wait).await {
            tracing::warn!(run.id = %self.ctx.run_id(), error = %error, "The lane could not be held back; its other runs may be throttled too");
        }
    }
}
