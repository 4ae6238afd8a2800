//! Brings the tables into the database.

use crate::actor::{Action, Actor, audit};
use crate::desk::Desk;
use crate::error::DeskResult;

impl Desk {
    /// The migrations that are missing, in order, such as `engine 0001 clock`. Changes nothing.
    ///
    /// # Errors
    /// [`DeskError::Migration`](crate::DeskError::Migration) where those that are applied are not ours,
    /// or when the database cannot be read.
    pub async fn pending_migrations(&self) -> DeskResult<Vec<String>> {
        Ok(leadrail_connections::pending(self.engine().pool()).await?)
    }

    /// Applies what is missing; what that was. Nothing that fails is kept.
    ///
    /// # Errors
    /// As [`Desk::pending_migrations`], or when a migration fails.
    pub async fn migrate(&self, who: &Actor) -> DeskResult<Vec<String>> {
        let applied = leadrail_connections::migrate(self.engine().pool()).await?;
        audit(who, Action::Migrate, &"database", &applied.len());
        Ok(applied)
    }

    /// Lets a database role hand over leads through SQL, and nothing else.
    ///
    /// # Errors
    /// When there is no such role, or ours may not grant it.
    pub async fn grant_doors(&self, who: &Actor, role: &str) -> DeskResult<()> {
        leadrail_connections::grant_doors(self.engine().pool(), role).await?;
        audit(who, Action::Migrate, &role, &"granted");
        Ok(())
    }
}
