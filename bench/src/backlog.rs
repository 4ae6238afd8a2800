//! Throughput with much else in the table: a long queue, or many runs that wait for a retry.

use crate::jobs::{Job, parcel};
use crate::round::settle;
use crate::{meter, ours, verify};
use leadrail_engine::Engine;
use serde::Serialize;

/// How fast the engine is at one depth.
#[derive(Clone, Debug, Serialize)]
pub struct Depth {
    /// Runs in the queue (or waiting) beside those that are measured.
    pub runs: u64,
    /// Workflows a second.
    pub wf_s: f64,
}

/// What else is in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// Queued behind the measured ones.
    Queued,
    /// Waiting for a retry in the next hours.
    Retrying,
}

/// Takes `workflows` runs off a table that holds so many others, at each of these depths.
///
/// # Errors
/// When the database cannot be used, or a run did not end as it should.
pub async fn backlog(
    url: &str,
    others: Others,
    depths: &[u64],
    workflows: u64,
    inflight: usize,
    progress: impl Fn(&str),
) -> anyhow::Result<Vec<Depth>> {
    let engine = Engine::connect(url).await?;
    engine.migrate().await?;
    progress("warming up");
    ours::warm_up(&engine, workflows, inflight).await?;
    let mut measured = Vec::new();
    for &runs in depths {
        progress(&format!("{runs} others"));
        meter::empty(&engine).await?;
        ours::enqueue(&engine, Job::FourSteps, workflows).await?;
        fill(&engine, others, runs).await?;
        settle(&engine).await?;
        let took = ours::run_some(&engine, workflows, inflight).await?;
        verify::some_whole(engine.pool(), Job::FourSteps, workflows).await?;
        let wf_s = workflows as f64 / took.as_secs_f64();
        measured.push(Depth { runs, wf_s });
    }
    Ok(measured)
}

/// Fills the table by bare SQL: ten million runs through the door would take longer than the bench.
async fn fill(engine: &Engine, others: Others, runs: u64) -> sqlx::Result<()> {
    let insert = match others {
        Others::Queued => {
            "insert into leadrail.workflow_run (id, state, due_at, priority, workflow, input)
             select gen_random_uuid(), 'queued', leadrail.now() + n * interval '1 microsecond', 2, 'four_steps', $2::json
             from generate_series(1, $1) n"
        }
        Others::Retrying => {
            "insert into leadrail.workflow_run (id, state, due_at, priority, workflow, input, starts)
             select gen_random_uuid(), 'retrying', leadrail.now() + interval '1 hour' + n * interval '10 milliseconds',
                    2, 'four_steps', $2::json, 1
             from generate_series(1, $1) n"
        }
    };
    let input = serde_json::to_string(&parcel()).unwrap_or_default();
    sqlx::query(insert)
        .bind(i64::try_from(runs).unwrap_or(i64::MAX))
        .bind(input)
        .execute(engine.pool())
        .await
        .map(drop)
}
