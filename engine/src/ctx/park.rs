//! Putting a run down: its place in the database is committed, its future is dropped.

use super::Ctx;
use crate::history::HistoryKind;
use crate::journal::{NotWritten, Transition};
use crate::state::RunState;
use std::future::pending;
use std::sync::atomic::Ordering;

impl Ctx {
    /// Commits the rows kept back, and the head's move if there is one. Does not come back when the
    /// run was taken over: its future is dropped.
    pub(crate) async fn commit(&self, transition: Option<Transition>) -> Result<(), String> {
        let rows = self.take_rows();
        if rows.is_empty() && transition.is_none() {
            return Ok(());
        }
        let journal = &self.run.shared.journal;
        match journal.write(self.run_id(), rows, transition).await {
            Ok(()) => Ok(()),
            Err(NotWritten::Refused(why)) => Err(why),
            Err(NotWritten::TakenOver) => self.abandon().await,
        }
    }

    /// Commits where the run stops for now and drops it.
    pub(crate) async fn park<T>(&self, transition: Transition) -> T {
        if let Err(why) = self.commit(Some(transition)).await {
            self.give_up_unwritten(&why).await;
        }
        self.abandon().await
    }

    /// Gives the run back, unharmed, because the worker shuts down.
    pub(crate) async fn release<T>(&self) -> T {
        self.add_row(HistoryKind::RunReleased, None, None, None);
        self.park(Transition::to(RunState::Queued)).await
    }

    /// The database refused what the run has to say: it dies with a reason that it will take.
    pub(crate) async fn give_up_unwritten(&self, why: &str) {
        let said: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
        let payload = serde_json::json!({ "reason": "not_storable", "message": said });
        self.add_row(HistoryKind::RunDead, None, None, Some(payload.to_string()));
        let mut transition = Transition::to(RunState::Dead);
        transition.reason = Some("not_storable".to_owned());
        if let Err(again) = self.commit(Some(transition)).await {
            tracing::error!(run.id = %self.run_id(), reason = again, "A run could not even be buried; it stays with this worker until a takeover");
        }
    }

    /// Never returns: the executor sees the mark and drops the future.
    pub(crate) async fn abandon<T>(&self) -> T {
        self.run.parked.store(true, Ordering::Release);
        pending().await
    }
}
