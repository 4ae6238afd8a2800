//! The engine beside its floors, interleaved, medians of the rounds.

use crate::jobs::Job;
use crate::meter::{Cost, own_rss_mib};
use crate::round::measure;
use crate::stats::median;
use crate::{floors, ours};
use leadrail_engine::Engine;
use serde::Serialize;

/// What to measure.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Workflows a round, for the engine and floor B; floor A does a tenth.
    pub workflows: u64,
    /// How many the engine and floor B have in flight.
    pub inflight: usize,
    /// How many rounds; at least three.
    pub rounds: usize,
}

/// Medians. Everything but the rates, the ratios and the memory is per workflow.
#[derive(Clone, Debug, Serialize)]
pub struct EngineReport {
    /// The engine's workflows a second.
    pub ours_wf_s: f64,
    /// One commit a step by 32 connections.
    pub floor_a_wf_s: f64,
    /// Shared commits by a bare loop.
    pub floor_b_wf_s: f64,
    /// The engine against floor A.
    pub ratio_a: f64,
    /// The engine against floor B.
    pub ratio_b: f64,
    /// Transactions committed.
    pub commits_per_wf: f64,
    /// Write-ahead log.
    pub wal_bytes_per_wf: f64,
    /// The same of floor B.
    pub floor_b_wal_bytes_per_wf: f64,
    /// Processor time of this process.
    pub client_cpu_us_per_wf: f64,
    /// Processor time of PostgreSQL.
    pub server_cpu_us_per_wf: f64,
    /// Memory of this process, which is the worker, after the last round.
    pub rss_mib: f64,
}

/// Measures on the database at `url`, which must hold nothing else: it is emptied between rounds.
///
/// # Errors
/// When the database cannot be used.
pub async fn engine(
    url: &str,
    options: &EngineOptions,
    progress: impl Fn(&str),
) -> anyhow::Result<EngineReport> {
    let engine = Engine::connect(url).await?;
    engine.migrate().await?;
    let (mut ours, mut floor_a, mut floor_b) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=options.rounds.max(3) {
        progress(&format!("round {round}: floor A"));
        floor_a.push(
            measure(
                &engine,
                Job::FourSteps,
                options.workflows / 10,
                floors::run(url, options.workflows / 10, 32, 1),
            )
            .await?,
        );
        progress(&format!("round {round}: floor B"));
        let half = i64::try_from(options.inflight / 2)?.max(1);
        floor_b.push(
            measure(
                &engine,
                Job::FourSteps,
                options.workflows,
                floors::run(url, options.workflows, 2, half),
            )
            .await?,
        );
        progress(&format!("round {round}: the engine"));
        ours.push(
            measure(
                &engine,
                Job::FourSteps,
                options.workflows,
                ours::run(&engine, options.workflows, options.inflight),
            )
            .await?,
        );
    }
    Ok(summary(options, &ours, &floor_a, &floor_b))
}

fn summary(
    options: &EngineOptions,
    ours: &[Cost],
    floor_a: &[Cost],
    floor_b: &[Cost],
) -> EngineReport {
    let workflows = options.workflows as f64;
    let rate =
        |costs: &[Cost], workflows: f64| median(costs.iter().map(|cost| workflows / cost.seconds));
    let each = |costs: &[Cost], part: fn(&Cost) -> f64| median(costs.iter().map(part)) / workflows;
    let ratio = |floor: &[Cost], scale: f64| {
        median(
            ours.iter()
                .zip(floor)
                .map(|(ours, floor)| floor.seconds * scale / ours.seconds),
        )
    };
    EngineReport {
        ours_wf_s: rate(ours, workflows),
        floor_a_wf_s: rate(floor_a, (options.workflows / 10) as f64),
        floor_b_wf_s: rate(floor_b, workflows),
        ratio_a: ratio(floor_a, workflows / (options.workflows / 10) as f64),
        ratio_b: ratio(floor_b, 1.0),
        commits_per_wf: each(ours, |cost| cost.commits),
        wal_bytes_per_wf: each(ours, |cost| cost.wal_bytes),
        floor_b_wal_bytes_per_wf: each(floor_b, |cost| cost.wal_bytes),
        client_cpu_us_per_wf: each(ours, |cost| cost.client_cpu_us),
        server_cpu_us_per_wf: each(ours, |cost| cost.server_cpu_us),
        rss_mib: own_rss_mib(),
    }
}
