//! A person says that the database was restored.

use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_engine::DeclaredRestored;

impl Desk {
    /// Declares that this database was restored: leads that the original may have filed meanwhile are
    /// looked for in their CRM before anything is made. Safe at any time, also beside workers.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn declare_restored(&self, who: &Actor) -> DeskResult<DeclaredRestored> {
        let declared = self.engine().declare_restored().await?;
        self.note(who, Action::DatabaseRestored, &"database", &declared.runs)
            .await;
        Ok(declared)
    }
}
