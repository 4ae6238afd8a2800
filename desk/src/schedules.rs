//! What the product does by the calendar.

use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_engine::CronError;

impl Desk {
    /// Puts the product's schedules into the database, where those of today are not there yet. Every
    /// worker does so when it starts; a schedule that somebody has paused stays paused.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_schedules(&self) -> DeskResult<()> {
        let schedule = leadrail_workflows::probe_schedule();
        let put = self.engine().put_cron(&schedule).await;
        put.map(drop).map_err(|error| match error {
            CronError::Database(error) => DeskError::Database(error),
            other => DeskError::refused("schedule", other.to_string()),
        })
    }
}
