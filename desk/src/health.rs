//! Whether leads may come, and how deep the queue is.

use crate::desk::Desk;
use crate::error::{DeskError, DeskResult, sentence};
use leadrail_connections::ConnectionCount;
use leadrail_engine::QueueDepth;

impl Desk {
    /// Why no leads should come to this database, as a sentence: its migrations are not all applied, or
    /// not ours. `None` where it is open for them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn closed_because(&self) -> DeskResult<Option<String>> {
        match self.pending_migrations().await {
            Ok(pending) => Ok(pending.first().map(|first| {
                let missing = pending.len();
                format!("the database lacks {missing} of our migrations, the first is `{first}`: run `leadrail migrate`")
            })),
            Err(error @ DeskError::Migration(_)) => Ok(Some(sentence(&error))),
            Err(error) => Err(error),
        }
    }

    /// Why nothing can be written to this database, as a sentence; `None` where it can.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn refuses_writes(&self) -> DeskResult<Option<&'static str>> {
        Ok(leadrail_engine::refuses_writes(self.engine().pool()).await?)
    }

    /// How many connections each CRM has in each state.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn connection_counts(&self) -> DeskResult<Vec<ConnectionCount>> {
        Ok(leadrail_connections::counts(self.engine().access()).await?)
    }

    /// The queue in figures, cheap at any depth.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn queue_depth(&self) -> DeskResult<QueueDepth> {
        Ok(self.engine().queue_depth().await?)
    }
}
