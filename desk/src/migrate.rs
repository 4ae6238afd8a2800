//! Brings the tables into the database.
//!
//! Old code runs on a newer schema, for migrations only add (`docs/decisions/0020-databases-as-they-are.md`).

use crate::actor::{Action, Actor};
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

    /// What a newer release has applied to the database, in the same words. Migrations only add, so this
    /// release may run there where it lacks nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn newer_migrations(&self) -> DeskResult<Vec<String>> {
        Ok(leadrail_connections::newer(self.engine().pool()).await?)
    }

    /// Applies what is missing; what that was. Nothing that fails is kept.
    ///
    /// # Errors
    /// As [`Desk::pending_migrations`], or when a migration fails.
    pub async fn migrate(&self, who: &Actor) -> DeskResult<Vec<String>> {
        let applied = leadrail_connections::migrate(self.engine().pool()).await?;
        if !applied.is_empty() {
            self.note(who, Action::Migrate, &"database", &applied.len())
                .await;
        }
        Ok(applied)
    }

    /// Lets a database role hand over leads through SQL, and nothing else.
    ///
    /// # Errors
    /// When there is no such role, or ours may not grant it.
    pub async fn grant_doors(&self, who: &Actor, role: &str) -> DeskResult<()> {
        leadrail_connections::grant_doors(self.engine().pool(), role).await?;
        self.note(who, Action::Migrate, &role, &"granted").await;
        Ok(())
    }
}

/// That the database is newer than this release, as a sentence; `None` where it is not.
#[must_use]
pub fn newer_than_us(newer: &[String]) -> Option<String> {
    let first = newer.first()?;
    Some(format!(
        "the database is newer than this release: {} of its migrations are not ours, the first is \
         `{first}`. This release may run on it, for migrations only add",
        newer.len()
    ))
}
