//! Durable timers: a run that sleeps is in the database, not in memory.

use super::Ctx;
use crate::history::HistoryKind;
use crate::journal::Transition;
use crate::state::RunState;
use crate::workflow::WorkflowResult;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

const TIMER: &str = "timer";

/// As far as a timer reaches: the year 9999, which PostgreSQL and chrono both can hold.
const FAR: DateTime<Utc> = DateTime::from_timestamp(253_370_764_800, 0).expect("a time");

impl Ctx {
    /// Sleeps for this long on the database's clock, from now until once: a restart in between does
    /// not start it again.
    ///
    /// # Errors
    /// When the database refuses what the run wants to write.
    pub async fn sleep(&self, duration: Duration) -> WorkflowResult<()> {
        let due = TimeDelta::from_std(duration)
            .ok()
            .and_then(|duration| self.clock().checked_add_signed(duration));
        self.sleep_until(due.unwrap_or(FAR)).await
    }

    /// Sleeps until this time on the database's clock; not at all if it has passed, and never
    /// longer than until the year 9999.
    ///
    /// # Errors
    /// When the database refuses what the run wants to write.
    pub async fn sleep_until(&self, due: DateTime<Utc>) -> WorkflowResult<()> {
        let label = self.label(TIMER);
        let recorded = self.progress().past.take_timer(&label);
        let due = recorded.unwrap_or(due).min(FAR);
        let rest = (due - self.clock()).to_std().unwrap_or_default();
        if recorded.is_none() {
            let payload = serde_json::json!({ "due": due, "next_in_ms": rest.as_millis() });
            let label = Some(label.clone());
            self.add_row(
                HistoryKind::TimerStarted,
                label,
                None,
                Some(payload.to_string()),
            );
        }
        if rest.is_zero() {
            return Ok(());
        }
        let mut transition = Transition::to(RunState::Waiting);
        transition.delay = Some(rest);
        transition.activity = Some(label);
        transition.reason = Some(TIMER.to_owned());
        self.park(transition).await
    }

    /// The database's time, as far as this worker knows: that of the claim and what passed since.
    /// Not for workflows, which must see the same after a restart: they have [`Ctx::now`].
    pub(super) fn clock(&self) -> DateTime<Utc> {
        let since = TimeDelta::from_std(self.run.taken_up.elapsed()).unwrap_or_default();
        self.run.claimed.claimed_at + since
    }
}
