//! Whether a large customer holds up the small ones, and a full queue an emergency.

use crate::ours::{self, Worker};
use crate::stats::Quantiles;
use crate::{meter, timed};
use leadrail_engine::{Engine, NewRun};
use serde::Serialize;
use std::time::{Duration, Instant};
use timed::{Marks, Started};

const BIG: &str = "big";
/// The most urgent priority.
const EMERGENCY: i16 = 0;
/// Between two emergencies.
const PAUSE: Duration = Duration::from_millis(200);

/// What to measure.
#[derive(Clone, Debug)]
pub struct FairOptions {
    /// Runs of the large lane.
    pub big: u64,
    /// Small lanes.
    pub lanes: usize,
    /// Runs of each.
    pub small: usize,
    /// Runs that are queued before each emergency, at least.
    pub backlog: u64,
    /// Emergencies, one after the other.
    pub emergencies: usize,
    /// How long each run's only activity takes.
    pub work: Duration,
    /// Runs in flight.
    pub inflight: usize,
}

/// How long runs waited, from the commit of their enqueue to the start of their activity.
#[derive(Clone, Debug, Serialize)]
pub struct FairReport {
    /// The median of the small lanes, in milliseconds.
    pub small_p50_ms: f64,
    /// The 99th percentile of the small lanes.
    pub small_p99_ms: f64,
    /// The longest wait in a small lane.
    pub small_max_ms: f64,
    /// How long the large lane still took after them: about what they had waited behind it.
    pub big_rest_s: f64,
    /// The median of the emergencies, in milliseconds.
    pub emergency_p50_ms: f64,
    /// The 99th percentile of the emergencies.
    pub emergency_p99_ms: f64,
    /// The longest wait of an emergency.
    pub emergency_max_ms: f64,
    /// Runs a second of everything that ran beside the small lanes.
    pub runs_s: f64,
}

/// Measures on the database at `url`, which must hold nothing else.
///
/// # Errors
/// When the database cannot be used, or a run did not end as it should.
pub async fn fair(
    url: &str,
    options: &FairOptions,
    progress: impl Fn(&str),
) -> anyhow::Result<FairReport> {
    let engine = Engine::connect(url).await?;
    engine.migrate().await?;
    progress("small lanes beside a large one");
    let (small, big_rest, runs_s) = small_lanes(&engine, options).await?;
    progress("emergencies behind a backlog");
    let emergency = emergencies(&engine, options).await?;
    Ok(FairReport {
        small_p50_ms: small.p50_ms,
        small_p99_ms: small.p99_ms,
        small_max_ms: small.max_ms,
        big_rest_s: big_rest.as_secs_f64(),
        emergency_p50_ms: emergency.p50_ms,
        emergency_p99_ms: emergency.p99_ms,
        emergency_max_ms: emergency.max_ms,
        runs_s,
    })
}

/// The large lane first; the small ones come while it works. Their waits, how long the large one went
/// on after the last of them began, and runs a second.
async fn small_lanes(
    engine: &Engine,
    options: &FairOptions,
) -> anyhow::Result<(Quantiles, Duration, f64)> {
    meter::empty(engine).await?;
    ours::enqueue_many(engine, &run(BIG, None)?, options.big).await?;
    let (marks, mut started) = Marks::new();
    let begin = Instant::now();
    let worker = Worker::start(engine, marks.registry(options.work), options.inflight);
    marks.until_started(options.inflight as u64).await;
    let mut committed = Vec::new();
    for lane in 0..options.lanes {
        let first = lane * options.small;
        let runs: Result<Vec<_>, _> = (first..first + options.small)
            .map(|n| run(&format!("small-{lane}"), Some(n)))
            .collect();
        engine.enqueue(&runs?).await?;
        committed.resize(first + options.small, Instant::now());
    }
    let waits = waits(&mut started, &committed).await;
    let after_small = Instant::now();
    let all = options.big + committed.len() as u64;
    marks.until_ended(all).await;
    let (rest, took) = (after_small.elapsed(), begin.elapsed());
    finish(engine, worker, all).await?;
    Ok((Quantiles::of(waits), rest, all as f64 / took.as_secs_f64()))
}

/// One emergency after the other, each behind a backlog of the same lane.
async fn emergencies(engine: &Engine, options: &FairOptions) -> anyhow::Result<Quantiles> {
    meter::empty(engine).await?;
    let (marks, mut started) = Marks::new();
    let worker = Worker::start(engine, marks.registry(options.work), options.inflight);
    let (mut waits, mut sent) = (Vec::new(), 0);
    for n in 0..options.emergencies {
        let lacking = (options.backlog + marks.started()).saturating_sub(sent);
        ours::enqueue_many(engine, &run(BIG, None)?, lacking).await?;
        let urgent = NewRun {
            priority: EMERGENCY,
            ..run(BIG, Some(n))?
        };
        engine.enqueue(&[urgent]).await?;
        let committed = Instant::now();
        sent += lacking + 1;
        let begun = started.recv().await.map_or(committed, |(_, at)| at);
        waits.push(millis(begun, committed));
        tokio::time::sleep(PAUSE).await;
    }
    marks.until_ended(sent).await;
    finish(engine, worker, sent).await?;
    Ok(Quantiles::of(waits))
}

fn run(lane: &str, mark: Option<usize>) -> serde_json::Result<NewRun> {
    Ok(NewRun {
        lane: lane.to_owned(),
        ..timed::new_run(mark)?
    })
}

/// How long each marked run waited.
async fn waits(started: &mut Started, committed: &[Instant]) -> Vec<f64> {
    let mut waits = Vec::with_capacity(committed.len());
    while waits.len() < committed.len() {
        let Some((mark, at)) = started.recv().await else {
            break;
        };
        waits.push(millis(at, committed[mark]));
    }
    waits
}

fn millis(at: Instant, since: Instant) -> f64 {
    at.saturating_duration_since(since).as_secs_f64() * 1e3
}

/// Waits for the last commits, stops the worker and looks whether all runs have ended well.
async fn finish(engine: &Engine, worker: Worker, runs: u64) -> anyhow::Result<()> {
    ours::until_none_runs(engine.pool()).await?;
    worker.stop().await?;
    timed::all_whole(engine.pool(), runs).await
}
