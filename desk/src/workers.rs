//! The workers there are.

use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_engine::WorkerView;

impl Desk {
    /// The workers that are registered, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn workers(&self) -> DeskResult<Vec<WorkerView>> {
        Ok(self.engine().workers().await?)
    }

    /// Tells idle workers that there may be work, before it returns: for a process that ends now. Where
    /// that fails they find it at their next poll.
    pub async fn tell_workers(&self) {
        if let Err(error) = self.engine().hint_now().await {
            tracing::debug!(error = %error, "Nobody was told of new work; workers will poll");
        }
    }
}
