//! Cancellation: a run that was asked to stop hears of it at its next call and may clean up.

use super::Ctx;
use crate::history::HistoryKind;
use crate::workflow::{CANCELLED, WorkflowError};

impl Ctx {
    /// Whether the run was asked to stop. Calls tell by themselves: they fail with an error for
    /// which [`WorkflowError::is_cancelled`] holds.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel_why().is_some()
    }

    /// The same run for cleaning up: its calls go on although the run was asked to stop.
    #[must_use]
    pub fn clean_up(&self) -> Self {
        Self {
            run: self.run.clone(),
            branch: self.branch.clone(),
            under: self.under.clone(),
            cleaning_up: true,
        }
    }

    /// Why the run was asked to stop, if it was.
    pub(crate) fn cancel_why(&self) -> Option<String> {
        if let Some(why) = &self.progress().past.cancelled {
            return Some(why.clone());
        }
        let claimed = &self.run.claimed;
        claimed
            .cancel_why
            .clone()
            .or_else(|| self.run.shared.cancels.asked(claimed.id))
    }

    /// Whether the history says already that the run was told to stop: then nothing that it does
    /// not have will begin.
    pub(super) fn check_was_cancelled(&self) -> Result<(), WorkflowError> {
        match &self.progress().past.cancelled {
            Some(why) if !self.cleaning_up => Err(cancelled(why)),
            _ => Ok(()),
        }
    }

    /// Whether calls of this context begin nothing new.
    pub(super) fn must_stop(&self) -> bool {
        !self.cleaning_up && self.is_cancelled()
    }

    /// Whether a new call must not begin; the first one that must not is written down.
    pub(super) fn check_cancelled(&self) -> Result<(), WorkflowError> {
        if self.cleaning_up {
            return Ok(());
        }
        let Some(why) = self.cancel_why() else {
            return Ok(());
        };
        if self
            .progress()
            .past
            .cancelled
            .replace(why.clone())
            .is_none()
        {
            let payload = serde_json::json!({ "why": why });
            self.add_row(
                HistoryKind::CancelRequested,
                None,
                None,
                Some(payload.to_string()),
            );
        }
        Err(cancelled(&why))
    }
}

fn cancelled(why: &str) -> WorkflowError {
    WorkflowError::new(CANCELLED, format!("the run was asked to stop: {why}"))
}
