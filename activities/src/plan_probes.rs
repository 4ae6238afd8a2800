//! Plans which CRMs are asked next whether they accept their connection's secrets.

use std::time::Duration;

use leadrail_connections::{Doors, ProbeDue};
use leadrail_engine::{Activity, ActivityError, ActivityResult, Attempt, Engine, NewRun};
use serde::{Deserialize, Serialize};

use crate::failure;
use crate::probe_connection::ProbeInput;

/// The name of the workflow that asks about one connection.
pub const PROBE_CONNECTION: &str = "probe_connection";
/// How often each connection is asked about.
pub const PROBE_EVERY: Duration = Duration::from_secs(3_600);
/// The schedule comes this often; what is due at one time is spread over most of it.
const ROUND: Duration = Duration::from_secs(240);
/// More are left to the next time.
const MOST_AT_ONCE: u32 = 1_000;
/// Behind every lead and every second look.
const PRIORITY: i16 = 5;

/// Plans a probe for every connection that is due, each in its connection's lane, so that a lane that is
/// stopped, limited or held back holds its probe too. Behind a lane that is stopped none is planned.
///
/// Each has a key of its own, so a second run plans nothing new.
pub struct PlanProbes {
    /// Where the runs are enqueued.
    pub engine: Engine,
    /// The connections.
    pub doors: Doors,
}

/// How many probes were planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedProbes {
    /// So many.
    pub planned: usize,
}

impl Activity for PlanProbes {
    const NAME: &'static str = "plan_probes";
    type Input = ();
    type Output = PlannedProbes;

    async fn run(&self, _: &Attempt, (): &()) -> ActivityResult<PlannedProbes> {
        let connections = self.doors.connections();
        let due = connections.due_for_probe(MOST_AT_ONCE).await;
        let due = due.map_err(failure::of_our_database)?;
        let runs = probes(&due).map_err(|_| {
            ActivityError::rejected("not_storable", "a probe's input cannot be written as JSON")
        })?;
        let enqueued = self.engine.enqueue(&runs).await;
        enqueued.map_err(|_| failure::of_our_database("the probes could not be enqueued"))?;
        // Only now: a worker that dies in between leaves them due, and their keys tell them apart.
        connections
            .put_off_probes(&due, PROBE_EVERY)
            .await
            .map_err(failure::of_our_database)?;
        Ok(PlannedProbes { planned: due.len() })
    }
}

fn probes(due: &[ProbeDue]) -> serde_json::Result<Vec<NewRun>> {
    let gap = ROUND / u32::try_from(due.len()).unwrap_or(u32::MAX).max(1);
    let due = due.iter().zip(0..);
    due.map(|(due, place)| probe(due, gap * place)).collect()
}

fn probe(due: &ProbeDue, delay: Duration) -> serde_json::Result<NewRun> {
    let connection_id = due.id;
    Ok(NewRun {
        workflow: PROBE_CONNECTION.to_owned(),
        scope: due.account.clone(),
        key: Some(format!(
            "probe/{connection_id}/{}",
            due.probe_at.timestamp_micros()
        )),
        // The key says everything: one connection, one asking.
        fingerprint: PROBE_CONNECTION.to_owned(),
        lane: due.lane.clone(),
        priority: PRIORITY,
        delay,
        input: serde_json::to_string(&ProbeInput { connection_id })?,
    })
}
