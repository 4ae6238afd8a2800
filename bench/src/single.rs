//! Workflows of one activity, to compare with plain queues.

use crate::jobs::Job;
use crate::meter::{self, Cost};
use crate::ours;
use crate::round::measure;
use crate::stats::median;
use leadrail_engine::Engine;
use serde::Serialize;

/// Medians; everything but the rate and the memory is per workflow.
#[derive(Clone, Debug, Serialize)]
pub struct SingleReport {
    /// Workflows a second.
    pub wf_s: f64,
    /// Transactions committed.
    pub commits_per_wf: f64,
    /// Write-ahead log.
    pub wal_bytes_per_wf: f64,
    /// Processor time of this process.
    pub client_cpu_us_per_wf: f64,
    /// Processor time of PostgreSQL.
    pub server_cpu_us_per_wf: f64,
    /// Memory of this process, which is the worker, after the last round.
    pub rss_mib: f64,
}

/// Measures on the database at `url`, which must hold nothing else.
///
/// # Errors
/// When the database cannot be used, or a run did not end as it should.
pub async fn single(
    url: &str,
    workflows: u64,
    inflight: usize,
    rounds: usize,
    progress: impl Fn(&str),
) -> anyhow::Result<SingleReport> {
    let engine = Engine::connect(url).await?;
    engine.migrate().await?;
    let mut costs = Vec::new();
    for round in 1..=rounds {
        progress(&format!("round {round} of {rounds}"));
        let work = ours::run(&engine, workflows, inflight);
        costs.push(measure(&engine, Job::OneStep, workflows, work).await?);
    }
    let each = |part: fn(&Cost) -> f64| median(costs.iter().map(part)) / workflows as f64;
    Ok(SingleReport {
        wf_s: 1.0 / each(|cost| cost.seconds),
        commits_per_wf: each(|cost| cost.commits),
        wal_bytes_per_wf: each(|cost| cost.wal_bytes),
        client_cpu_us_per_wf: each(|cost| cost.client_cpu_us),
        server_cpu_us_per_wf: each(|cost| cost.server_cpu_us),
        rss_mib: meter::own_rss_mib(),
    })
}
