//! A person says that the database was restored.

use super::Engine;

/// What follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeclaredRestored {
    /// Runs that look for what is there before they create.
    pub runs: i64,
    /// Workers that had rows here: they came along with the copy, or begin anew.
    pub workers: i64,
}

impl Engine {
    /// Declares that this database was restored: what its runs have done elsewhere since is not known
    /// here. Every live run, and those enqueued within a day, look before they create. Safe at any time,
    /// also beside workers.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn declare_restored(&self) -> sqlx::Result<DeclaredRestored> {
        let said = sqlx::query!(
            r#"select runs as "runs!", workers as "workers!" from leadrail.declare_restored()"#
        )
        .fetch_one(self.pool())
        .await?;
        self.notifier.poke();
        Ok(DeclaredRestored {
            runs: said.runs,
            workers: said.workers,
        })
    }
}
