//! Named locks: a part of a workflow that only one run at a time may be in.
//!
//! A lock belongs to the run, not to the worker: it survives a takeover, and a run that comes by
//! again after a restart has it still. Nothing of it needs history. It is free again when the run
//! gives it back or ends.

use super::Ctx;
use crate::history::HistoryKind;
use crate::journal::Transition;
use crate::state::RunState;
use crate::workflow::{WorkflowError, WorkflowResult};
use std::time::Duration;

/// A lock that the run holds until [`Lock::release`] or its end.
#[must_use = "a lock is given back with `release`"]
pub struct Lock {
    ctx: Ctx,
    name: String,
}

impl Ctx {
    /// Takes a named lock; waits (parked, not in memory) while another live run has it.
    ///
    /// # Errors
    /// When the database refuses what the run wants to write.
    pub async fn lock(&self, name: &str) -> WorkflowResult<Lock> {
        if self.run.rehearsal {
            return Ok(self.held(name));
        }
        let _at_work = self.at_work();
        self.check_cancelled()?;
        if self.run.shared.is_draining() {
            return self.release().await;
        }
        let again = self
            .run
            .shared
            .store
            .take_lock(
                name,
                self.run_id(),
                self.run.shared.worker,
                &self.run.shared.lost,
            )
            .await;
        match again {
            None => self.abandon().await,
            Some(None) => Ok(self.held(name)),
            Some(Some(wait)) => self.wait_for_lock(wait).await,
        }
    }

    fn held(&self, name: &str) -> Lock {
        Lock {
            ctx: self.clone(),
            name: name.to_owned(),
        }
    }

    async fn wait_for_lock(&self, wait: Duration) -> WorkflowResult<Lock> {
        let payload = serde_json::json!({ "reason": "locked", "next_in_ms": wait.as_millis() });
        self.add_row(
            HistoryKind::RunWaiting,
            None,
            None,
            Some(payload.to_string()),
        );
        let mut transition = Transition::to(RunState::Waiting);
        transition.delay = Some(wait);
        transition.reason = Some("locked".to_owned());
        self.park(transition).await
    }
}

impl Ctx {
    /// Gives a lock back that this run may hold from before a restart. What was done under it is
    /// committed first.
    ///
    /// # Errors
    /// When the database refuses what the run wants to write.
    pub async fn unlock(&self, name: &str) -> WorkflowResult<()> {
        if self.run.rehearsal {
            return Ok(());
        }
        let _at_work = self.at_work();
        let refused = |why| WorkflowError::new("not_storable", why);
        self.commit().await.map_err(refused)?;
        let shared = &self.run.shared;
        shared
            .store
            .release_lock(name, self.run_id(), &shared.lost)
            .await;
        Ok(())
    }
}

impl Lock {
    /// Gives the lock back. What was done under it is committed first.
    ///
    /// # Errors
    /// When the database refuses what the run wants to write.
    pub async fn release(self) -> WorkflowResult<()> {
        self.ctx.unlock(&self.name).await
    }
}
