//! Rehearsal: does today's code go through a recorded history?
//!
//! The workflow runs from the top over what is recorded and stops where something new would begin.
//! Nothing is called, nothing is written. Before a deploy this lists the runs that the new build
//! could not continue; in CI it keeps recorded histories playable.

use crate::claim::{ClaimedRun, Claims};
use crate::ctx::Ctx;
use crate::engine::Engine;
use crate::executor::{run_guarded, until_parked};
use crate::history::Event;
use crate::ids::{RunId, WorkerId};
use crate::journal::Journal;
use crate::past::Past;
use crate::shared::Shared;
use crate::store::Store;
use crate::store::reading::{RunView, histories, in_flight};
use crate::worker::config::WorkerConfig;
use crate::workflow::{Registry, WorkflowError};
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;

/// So many histories are read by one question: each may be long.
const AT_ONCE: usize = 50;

/// How a run's history fits today's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "fit", content = "why")]
pub enum Fit {
    /// It would go on.
    Continues,
    /// The workflow asks for something else than was recorded: what, and what was recorded.
    Mismatch(String),
    /// A recorded value fits its type no more, or the workflow's code panics over it.
    Breaks(String),
    /// This build has no workflow of that name.
    UnknownWorkflow,
}

/// One run that was rehearsed.
#[derive(Clone, Debug, Serialize)]
pub struct Rehearsed {
    /// The run.
    pub run_id: RunId,
    /// Its workflow.
    pub workflow: String,
    /// How its history fits.
    #[serde(flatten)]
    pub fit: Fit,
}

impl Engine {
    /// Rehearses up to `limit` runs in flight that come after `after`, in the order of their ids.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn rehearse(
        &self,
        registry: &Registry,
        after: Option<RunId>,
        limit: u32,
    ) -> sqlx::Result<Vec<Rehearsed>> {
        let mut rehearsed = Vec::new();
        for some in in_flight(self.pool(), after, limit).await?.chunks(AT_ONCE) {
            let ids: Vec<_> = some.iter().map(|run| run.id.0).collect();
            let mut histories = histories(self.pool(), &ids).await?;
            for run in some {
                let events = histories.remove(&run.id).unwrap_or_default();
                rehearsed.push(Rehearsed {
                    run_id: run.id,
                    workflow: run.workflow.clone(),
                    fit: rehearse_one(self, registry, run, events).await,
                });
            }
        }
        Ok(rehearsed)
    }

    /// Rehearses a history that was kept elsewhere, such as in a file beside the tests.
    pub async fn rehearse_history(
        &self,
        registry: &Registry,
        run: &RunView,
        events: Vec<Event>,
    ) -> Fit {
        rehearse_one(self, registry, run, events).await
    }
}

async fn rehearse_one(
    engine: &Engine,
    registry: &Registry,
    run: &RunView,
    events: Vec<Event>,
) -> Fit {
    let Some(workflow) = registry.get(&run.workflow) else {
        return Fit::UnknownWorkflow;
    };
    let input = run.input.to_string();
    let ctx = Ctx::rehearsal(
        claimed(run, &input),
        Past::read(events),
        shared(engine, registry),
    );
    let mut fit = Fit::Continues;
    let story = async {
        match run_guarded(workflow.as_ref(), &ctx, &input).await {
            Err(error) if breaks(&error, run) => {
                fit = Fit::Breaks(error.message);
            }
            _ => ctx.match_with_past("its end").await,
        }
    };
    until_parked(&ctx, story).await;
    ctx.mismatch().map_or(fit, Fit::Mismatch)
}

/// Whether today's code cannot read what is recorded. A run that was refused as invalid then is
/// refused now for the same reason.
fn breaks(error: &WorkflowError, run: &RunView) -> bool {
    match error.reason.as_str() {
        "panic" => true,
        "invalid" => run.reason.as_deref() != Some("invalid"),
        _ => false,
    }
}

fn claimed(run: &RunView, input: &str) -> ClaimedRun {
    ClaimedRun {
        id: run.id,
        workflow: run.workflow.clone(),
        scope: run.scope.clone(),
        key: run.key.clone(),
        lane: run.lane.clone(),
        starts: run.starts,
        created_at: run.created_at,
        claimed_at: run.changed_at,
        input: input.to_owned(),
        parent: None,
        cancel_why: None,
    }
}

/// What a context needs; a rehearsal writes nothing to it.
fn shared(engine: &Engine, registry: &Registry) -> Arc<Shared> {
    let (claims, _) = Claims::new(0);
    let store = Store {
        pool: engine.pool().clone(),
    };
    Arc::new(Shared::new(
        WorkerId(Uuid::nil()),
        Journal::new(1),
        claims,
        store,
        Arc::default(),
        registry.clone(),
        &WorkerConfig::default(),
    ))
}
