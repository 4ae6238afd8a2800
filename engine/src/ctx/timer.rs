//! Durable timers: a run that sleeps is in the database, not in memory.

use super::Ctx;
use crate::history::HistoryKind;
use crate::journal::Transition;
use crate::past::RecordedTimer;
use crate::state::RunState;
use crate::workflow::{WorkflowError, WorkflowResult};
use chrono::{DateTime, TimeDelta, Utc};
use std::borrow::Cow;
use std::time::Duration;

const TIMER: &str = "timer";

/// As far as a timer reaches: the year 9999, which PostgreSQL and chrono both can hold.
pub(super) const FAR: DateTime<Utc> = DateTime::from_timestamp(253_370_764_800, 0).expect("a time");

impl Ctx {
    /// Sleeps for this long on the database's clock, from now until once: a restart in between does
    /// not start it again.
    ///
    /// # Errors
    /// The run was asked to stop, or what is stored of the timer cannot be read.
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = WorkflowResult<()>> + Send {
        let due = TimeDelta::from_std(duration)
            .ok()
            .and_then(|duration| self.clock().checked_add_signed(duration));
        self.sleep_until(due.unwrap_or(FAR))
    }

    /// Sleeps until this time on the database's clock; not at all if it has passed, and never
    /// longer than until the year 9999.
    ///
    /// # Errors
    /// The run was asked to stop, or what is stored of the timer cannot be read.
    pub fn sleep_until(
        &self,
        due: DateTime<Utc>,
    ) -> impl Future<Output = WorkflowResult<()>> + Send {
        let label = self.label(TIMER);
        let recorded = self.progress().past.take_timer(&label);
        self.wait_for_timer(label, recorded, due.min(FAR))
    }

    async fn wait_for_timer(
        &self,
        label: Cow<'static, str>,
        recorded: Option<RecordedTimer>,
        due: DateTime<Utc>,
    ) -> WorkflowResult<()> {
        let _at_work = self.at_work();
        let due = match recorded {
            Some(Some(due)) => due,
            Some(None) => return Err(unreadable_timer(&label)),
            None => {
                self.begin_new(&label).await?;
                self.start_timer(label.clone(), due);
                due
            }
        };
        let rest = self.until(due);
        if rest.is_zero() {
            return Ok(());
        }
        self.check_cancelled()?;
        let mut transition = Transition::to(RunState::Waiting);
        transition.delay = Some(rest);
        transition.activity = Some(label);
        transition.reason = Some(TIMER.to_owned());
        self.park(transition).await
    }

    fn start_timer(&self, label: Cow<'static, str>, due: DateTime<Utc>) {
        let rest = self.until(due);
        let payload = serde_json::json!({ "due": due, "next_in_ms": rest.as_millis() });
        let label = Some(label);
        self.add_row(
            HistoryKind::TimerStarted,
            label,
            None,
            Some(payload.to_string()),
        );
    }

    fn until(&self, due: DateTime<Utc>) -> Duration {
        (due - self.clock()).to_std().unwrap_or_default()
    }

    /// The database's time, as far as this worker knows: that of the claim and what passed since.
    /// Not for workflows, which must see the same after a restart: they have [`Ctx::now`].
    pub(super) fn clock(&self) -> DateTime<Utc> {
        let since = TimeDelta::from_std(self.run.taken_up.elapsed()).unwrap_or_default();
        self.run.claimed.claimed_at + since
    }
}

fn unreadable_timer(label: &str) -> WorkflowError {
    WorkflowError {
        reason: "invalid".to_owned(),
        message: "the stored due time of a timer cannot be read".to_owned(),
        activity: Some(label.to_owned()),
    }
}
