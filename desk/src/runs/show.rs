//! One run's head and history.

use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_engine::{Event, RunId, RunView};

impl Desk {
    /// A run's head, and its history, oldest first. Both hold personal data.
    ///
    /// # Errors
    /// [`DeskError::NoSuchRun`], or when the database cannot be read.
    pub async fn run(&self, run: RunId) -> DeskResult<(RunView, Vec<Event>)> {
        let head = self.engine().run(run).await?;
        let head = head.ok_or(DeskError::NoSuchRun { run })?;
        Ok((head, self.engine().history(run).await?))
    }
}
