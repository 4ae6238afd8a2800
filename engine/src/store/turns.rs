//! What kinds of things happened to runs, of many at once.

use crate::engine::Engine;
use crate::ids::RunId;
use std::collections::HashMap;

/// What kinds of things happened to one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// A try failed or was held back, the run waited, died, or lost its worker.
    pub eventful: bool,
    /// A failed activity was tried again.
    pub retried: bool,
    /// Its worker died, and it went on elsewhere.
    pub resumed: bool,
    /// An effect whose answer was lost was found again.
    pub reconciled: bool,
}

impl Engine {
    /// What kinds of things happened to these runs, of each that has a history.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn turns(&self, runs: &[RunId]) -> sqlx::Result<HashMap<RunId, Turns>> {
        let ids: Vec<_> = runs.iter().map(|run| run.0).collect();
        let rows = sqlx::query!(
            r#"
            select run_id as "run_id: RunId",
                   bool_or(kind in ('run_lost', 'run_waiting', 'run_dead', 'activity_failed', 'activity_throttled')) as "eventful!",
                   bool_or(kind = 'activity_failed' and payload ->> 'next_in_ms' is not null) as "retried!",
                   bool_or(kind = 'run_lost') as "resumed!",
                   bool_or(kind = 'activity_completed' and coalesce(payload ->> 'source' = 'reconciled', false)) as "reconciled!"
            from leadrail.history
            where run_id = any ($1)
            group by run_id
            "#,
            &ids
        )
        .fetch_all(self.pool())
        .await?;
        let each = rows.into_iter().map(|row| {
            let turns = Turns {
                eventful: row.eventful,
                retried: row.retried,
                resumed: row.resumed,
                reconciled: row.reconciled,
            };
            (row.run_id, turns)
        });
        Ok(each.collect())
    }
}
