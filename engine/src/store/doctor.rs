//! The invariants that hold on a live database at any time, as `leadrail doctor` asks for them.
//!
//! Each check is one statement, so it sees one moment: work that goes on meanwhile cannot make it
//! fail. It says how many and names one example, never what a run holds.

mod history;
mod runs;
mod upkeep;

use crate::engine::Engine;
use serde::Serialize;
use uuid::Uuid;

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable, `snake_case`.
    pub name: &'static str,
    /// Whether all is as it must be.
    pub ok: bool,
    /// What was counted, or what is wrong and what to do about it.
    pub detail: String,
}

/// A good word, or what is wrong and what to do.
type Finding = Result<String, String>;

impl Check {
    fn new(name: &'static str, finding: Finding) -> Self {
        let ok = finding.is_ok();
        let (Ok(detail) | Err(detail)) = finding;
        Self { name, ok, detail }
    }
}

impl Engine {
    /// Checks what must hold for every run at any time, and what keeps it so. Reads all heads and a
    /// week of history; changes nothing.
    ///
    /// # Errors
    /// When the database cannot be read. What is found is not an error but the result.
    pub async fn check_invariants(&self) -> sqlx::Result<Vec<Check>> {
        let pool = self.pool();
        Ok(vec![
            Check::new("clock_shift", upkeep::clock_shift(pool).await?),
            Check::new("one_run_a_key", runs::one_run_a_key(pool).await?),
            Check::new("one_head_a_run", runs::one_head_a_run(pool).await?),
            Check::new("dead_letters", runs::dead_letters(pool).await?),
            Check::new("replays", runs::replays(pool).await?),
            Check::new("running_has_worker", runs::running_has_worker(pool).await?),
            Check::new("worker_sessions", upkeep::worker_sessions(pool).await?),
            Check::new("waiting_has_end", runs::waiting_has_end(pool).await?),
            Check::new("due_is_claimed", runs::due_is_claimed(pool).await?),
            Check::new("stuck_runs", runs::stuck_runs(pool).await?),
            Check::new(
                "intent_before_result",
                history::intent_before_result(pool).await?,
            ),
            Check::new("one_result_a_step", history::one_result_a_step(pool).await?),
            Check::new(
                "claim_before_result",
                history::claim_before_result(pool).await?,
            ),
            Check::new("no_open_intent", history::no_open_intent(pool).await?),
            Check::new("no_secrets", history::no_secrets(pool).await?),
            Check::new(
                "history_partitions",
                upkeep::history_partitions(pool).await?,
            ),
            Check::new("housekeeping", upkeep::housekeeping(pool).await?),
            Check::new("doubt", upkeep::doubt(pool).await?),
            Check::new("bloat", upkeep::bloat(pool).await?),
        ])
    }
}

fn example(run: Option<Uuid>) -> String {
    run.map_or_else(String::new, |run| format!(", such as run {run}"))
}
