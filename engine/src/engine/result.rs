//! Waiting for how a run ends.

use super::Engine;
use crate::ids::RunId;
use crate::store::Store;
use crate::store::children::Standing;
use crate::workflow::{Workflow, WorkflowError, WorkflowResult, unreadable};
use backon::BackoffBuilder;
use std::time::Duration;
use tokio::time::Instant;

impl Engine {
    /// How a run ended, waiting for it up to `within`; `None` when it lives still. A run that
    /// continued as new ends where the last of them does. Looks into the database every now and
    /// then, at first every 20 ms, later every half second.
    ///
    /// # Errors
    /// When the database cannot be read. How the run ended is not an error but the result.
    pub async fn result<W: Workflow>(
        &self,
        run: RunId,
        within: Duration,
    ) -> sqlx::Result<Option<WorkflowResult<W::Output>>> {
        let store = Store {
            pool: self.pool().clone(),
        };
        let end = Instant::now() + within;
        let mut waits = backon::ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(Duration::from_millis(500))
            .without_max_times()
            .build();
        loop {
            if let Standing::Ended(outcome) = store.standing(run).await? {
                return Ok(Some(read::<W>(outcome)));
            }
            if Instant::now() >= end {
                return Ok(None);
            }
            let wait = waits.next().unwrap_or(Duration::from_millis(500));
            tokio::time::sleep_until((Instant::now() + wait).min(end)).await;
        }
    }
}

fn read<W: Workflow>(
    outcome: Result<serde_json::Value, (String, String)>,
) -> WorkflowResult<W::Output> {
    match outcome {
        Ok(output) => serde_json::from_value(output).map_err(|error| unreadable("output", &error)),
        Err((reason, message)) => Err(WorkflowError::new(reason, message)),
    }
}
