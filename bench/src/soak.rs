//! Whether anything grows over time at half of what the machine can do.

use crate::jobs::{Job, Tally, registry};
use crate::ours::{self, Worker};
use crate::round::settle;
use crate::{meter, verify};
use leadrail_engine::Engine;
use serde::Serialize;
use sqlx::PgPool;
use std::time::{Duration, Instant};

/// Between two batches of the producer.
const TICK: Duration = Duration::from_millis(100);

/// What to measure.
#[derive(Clone, Debug)]
pub struct SoakOptions {
    /// How long.
    pub lasts: Duration,
    /// Between two samples.
    pub sample_every: Duration,
    /// Workflows a second; without it half of what is measured first.
    pub rate: Option<f64>,
    /// Workflows that measure it.
    pub workflows: u64,
    /// Runs in flight.
    pub inflight: usize,
    /// How long ended runs stay in the hot table, so that it can reach its size within the time.
    pub keep: Duration,
}

/// One look.
#[derive(Clone, Debug, Serialize)]
pub struct SoakSample {
    /// Seconds since the start.
    pub second: u64,
    /// Workflows that have ended.
    pub ended: u64,
    /// Workflows that wait or run.
    pub open: u64,
    /// The hot table without its indexes.
    pub table_mib: f64,
    /// Its indexes.
    pub index_mib: f64,
    /// Its dead rows that no vacuum has removed yet.
    pub dead_tuples: i64,
    /// Memory of this process, which is the worker.
    pub rss_mib: f64,
}

/// The series and how it ended.
#[derive(Clone, Debug, Serialize)]
pub struct SoakReport {
    /// What the machine can do, measured before; none if the rate was given.
    pub measured_wf_s: Option<f64>,
    /// What was offered.
    pub offered_wf_s: f64,
    /// What was done.
    pub done_wf_s: f64,
    /// In order.
    pub samples: Vec<SoakSample>,
    /// The last sample against the middle one.
    pub growth: Growth,
}

/// How many times the middle sample the last one is; 1 is no growth.
#[derive(Clone, Debug, Serialize)]
pub struct Growth {
    /// Of the hot table.
    pub table: f64,
    /// Of its indexes.
    pub index: f64,
    /// Of its dead rows.
    pub dead_tuples: f64,
    /// Of the worker's memory.
    pub rss: f64,
}

/// Measures on the database at `url`, which must hold nothing else.
///
/// # Errors
/// When the database cannot be used, or a run did not end as it should.
pub async fn soak(
    url: &str,
    options: &SoakOptions,
    progress: impl Fn(&SoakSample),
) -> anyhow::Result<SoakReport> {
    let engine = Engine::connect(url).await?;
    engine.migrate().await?;
    let measured = match options.rate {
        Some(_) => None,
        None => Some(full_rate(&engine, options).await?),
    };
    let rate = options.rate.or(measured.map(|full| full / 2.0));
    let rate = rate.unwrap_or_default().max(1.0);
    meter::empty(&engine).await?;
    settle(&engine).await?;
    let usual = keep_ended_runs(engine.pool(), options.keep.as_secs_f64()).await?;
    let soaked = at_rate(&engine, options, rate, progress).await;
    keep_ended_runs(engine.pool(), usual).await?;
    let (samples, done_wf_s) = soaked?;
    Ok(SoakReport {
        measured_wf_s: measured,
        offered_wf_s: rate,
        done_wf_s,
        growth: growth(&samples),
        samples,
    })
}

async fn full_rate(engine: &Engine, options: &SoakOptions) -> anyhow::Result<f64> {
    meter::empty(engine).await?;
    ours::enqueue(engine, Job::FourSteps, options.workflows).await?;
    settle(engine).await?;
    let took = ours::run_some(engine, options.workflows, options.inflight).await?;
    Ok(options.workflows as f64 / took.as_secs_f64())
}

/// Sets how many seconds ended runs stay in the hot table; what it was before.
async fn keep_ended_runs(pool: &PgPool, seconds: f64) -> sqlx::Result<f64> {
    let before = sqlx::query_scalar(
        "select extract(epoch from ended_after)::float8 from leadrail.retention",
    )
    .fetch_one(pool)
    .await?;
    sqlx::query("update leadrail.retention set ended_after = $1 * interval '1 second'")
        .bind(seconds)
        .execute(pool)
        .await?;
    Ok(before)
}

/// Offers workflows at this rate for as long as asked, then lets the rest end.
async fn at_rate(
    engine: &Engine,
    options: &SoakOptions,
    rate: f64,
    progress: impl Fn(&SoakSample),
) -> anyhow::Result<(Vec<SoakSample>, f64)> {
    let tally = Tally::of(u64::MAX);
    let worker = Worker::start(engine, registry(tally.clone()), options.inflight);
    let ended = || u64::MAX - tally.left();
    let begin = Instant::now();
    let (mut sent, mut samples) = (0, Vec::new());
    let mut tick = tokio::time::interval(TICK);
    while begin.elapsed() < options.lasts {
        tick.tick().await;
        let owed = (begin.elapsed().as_secs_f64() * rate) as u64;
        ours::enqueue(engine, Job::FourSteps, owed.saturating_sub(sent)).await?;
        sent = sent.max(owed);
        let next = options.sample_every * u32::try_from(samples.len() + 1)?;
        if begin.elapsed() >= next {
            samples.push(sample(engine.pool(), begin, sent, ended()).await?);
            samples.last().into_iter().for_each(&progress);
        }
    }
    while ended() < sent {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = begin.elapsed();
    ours::until_none_runs(engine.pool()).await?;
    worker.stop().await?;
    verify::sums_are_right(engine.pool(), Job::FourSteps, sent).await?;
    Ok((samples, sent as f64 / took.as_secs_f64()))
}

async fn sample(
    pool: &PgPool,
    begin: Instant,
    sent: u64,
    ended: u64,
) -> anyhow::Result<SoakSample> {
    const MIB: f64 = 1_048_576.0;
    let (table, index, dead_tuples): (i64, i64, i64) = sqlx::query_as(
        "select pg_table_size(s.relid), pg_indexes_size(s.relid), s.n_dead_tup
         from pg_stat_user_tables s
         where s.relid = 'leadrail.workflow_run'::regclass",
    )
    .fetch_one(pool)
    .await?;
    Ok(SoakSample {
        second: begin.elapsed().as_secs(),
        ended,
        open: sent.saturating_sub(ended),
        table_mib: table as f64 / MIB,
        index_mib: index as f64 / MIB,
        dead_tuples,
        rss_mib: meter::own_rss_mib(),
    })
}

/// The last sample against the middle one; not a number where the middle one is nothing.
fn growth(samples: &[SoakSample]) -> Growth {
    let last = samples.last();
    let middle = samples.get(samples.len().saturating_sub(1) / 2);
    let of = |part: fn(&SoakSample) -> f64| match (middle.map(part), last.map(part)) {
        (Some(middle), Some(last)) if middle > 0.0 => last / middle,
        _ => f64::NAN,
    };
    Growth {
        table: of(|sample| sample.table_mib),
        index: of(|sample| sample.index_mib),
        dead_tuples: of(|sample| sample.dead_tuples as f64),
        rss: of(|sample| sample.rss_mib),
    }
}
