//! How fast leads and runs come in, by each door.

mod bare;
pub(crate) mod http;
mod sql;

use crate::jobs::Job;
use crate::stats::Quantiles;
use crate::{meter, ours};
use leadrail_engine::Engine;
use leadrail_lead::sample::sample_lead;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tokio::task::JoinSet;

/// Connections of the API, as `leadrail serve` has them.
const API_CONNECTIONS: u32 = 16;
/// Callers that send batches at a time: more would only wait for a connection, and the API answers
/// those that wait for long with 503.
const BATCH_CLIENTS: usize = 4;

/// What to measure.
#[derive(Clone, Debug)]
pub struct EnqueueOptions {
    /// Leads of each way.
    pub leads: usize,
    /// Callers of single leads at a time; at most four send batches.
    pub clients: usize,
    /// Leads of a batch.
    pub batch: usize,
}

impl EnqueueOptions {
    fn batch_clients(&self) -> usize {
        self.clients.min(BATCH_CLIENTS)
    }
}

/// Leads a second; each is committed when it is answered. A ratio is to the same bytes put into a table
/// with nothing but a key, as many at a time.
#[derive(Clone, Debug, Serialize)]
pub struct EnqueueReport {
    /// One lead a request, to one a transaction.
    pub http_single_ratio: f64,
    /// Many leads a request, to as many a statement.
    pub http_batch_ratio: f64,
    /// One call of `leadrail.enqueue_lead` a transaction, to one insert.
    pub sql_single_ratio: f64,
    /// Many calls of it in one statement, to as many inserts.
    pub sql_batch_ratio: f64,
    /// The same bytes by bare SQL, one a transaction.
    pub bare_single_s: f64,
    /// The same, many a statement.
    pub bare_batch_s: f64,
    /// One lead a request.
    pub http_single_s: f64,
    /// The median of these requests, in milliseconds.
    pub http_single_p50_ms: f64,
    /// The 99th percentile of these requests.
    pub http_single_p99_ms: f64,
    /// Many leads a request.
    pub http_batch_s: f64,
    /// One call of `leadrail.enqueue_lead` a transaction.
    pub sql_single_s: f64,
    /// The median of these transactions, in milliseconds.
    pub sql_single_p50_ms: f64,
    /// The 99th percentile of these transactions.
    pub sql_single_p99_ms: f64,
    /// Many calls of it in one statement.
    pub sql_batch_s: f64,
    /// Runs of four steps by the engine, a thousand a statement.
    pub engine_batch_runs_s: f64,
}

/// Measures on the database at `url`, which must hold nothing else: it is emptied afterwards.
///
/// # Errors
/// When the database cannot be used, or a lead was not kept.
pub async fn enqueue(
    url: &str,
    options: &EnqueueOptions,
    progress: impl Fn(&str),
) -> anyhow::Result<EnqueueReport> {
    let pool = PgPoolOptions::new().max_connections(API_CONNECTIONS);
    let engine = Engine::new(pool.connect(url).await?);
    leadrail_connections::migrate(engine.pool()).await?;
    meter::empty(&engine).await?;
    let measured = all_doors(url, &engine, options, progress).await;
    meter::empty(&engine).await?;
    meter::empty_leads(engine.pool()).await?;
    measured
}

async fn all_doors(
    url: &str,
    engine: &Engine,
    options: &EnqueueOptions,
    progress: impl Fn(&str),
) -> anyhow::Result<EnqueueReport> {
    progress("HTTP");
    let door = http::Door::open(engine.clone()).await?;
    let http_single = door.single(leads("http-single", options), options).await?;
    let http_batch = door.batch(leads("http-batch", options), options).await?;
    door.close().await?;
    progress("SQL");
    let sql_single = leads("sql-single", options);
    let sql_single = sql::single(url, sql::ENQUEUE, sql_single, options).await?;
    let sql_batch = leads("sql-batch", options);
    let sql_batch = sql::batch(url, sql::ENQUEUE, sql_batch, options).await?;
    progress("bare SQL");
    let (bare_single, bare_batch) = bare::both(url, leads("bare", options), options).await?;
    all_are_kept(engine.pool(), options.leads * 4).await?;
    progress("the engine");
    let start = Instant::now();
    ours::enqueue(engine, Job::FourSteps, options.leads as u64).await?;
    let engine_batch_runs_s = options.leads as f64 / start.elapsed().as_secs_f64();
    Ok(EnqueueReport {
        http_single_ratio: http_single.rate / bare_single.rate,
        http_batch_ratio: http_batch.rate / bare_batch.rate,
        sql_single_ratio: sql_single.rate / bare_single.rate,
        sql_batch_ratio: sql_batch.rate / bare_batch.rate,
        bare_single_s: bare_single.rate,
        bare_batch_s: bare_batch.rate,
        http_single_s: http_single.rate,
        http_single_p50_ms: http_single.calls.p50_ms,
        http_single_p99_ms: http_single.calls.p99_ms,
        http_batch_s: http_batch.rate,
        sql_single_s: sql_single.rate,
        sql_single_p50_ms: sql_single.calls.p50_ms,
        sql_single_p99_ms: sql_single.calls.p99_ms,
        sql_batch_s: sql_batch.rate,
        engine_batch_runs_s,
    })
}

/// Leads as compact JSON, made before anything is measured.
fn leads(account: &str, options: &EnqueueOptions) -> Vec<String> {
    let numbers = 0..options.leads as u64;
    numbers
        .map(|n| sample_lead(n, account, "housecall_pro").to_string())
        .collect()
}

/// The database holds a run for each lead, and nothing else.
async fn all_are_kept(pool: &PgPool, leads: usize) -> anyhow::Result<()> {
    let (runs, keys): (i64, i64) = sqlx::query_as(
        "select count(*), count(distinct (l.account, l.event_id))
         from leadrail.workflow_run r
         join leadrail.lead l on l.run_id = r.id
         where r.state = 'queued' and r.workflow = 'push_lead' and l.account = r.scope",
    )
    .fetch_one(pool)
    .await?;
    anyhow::ensure!(
        usize::try_from(runs)? == leads && runs == keys,
        "{runs} of {leads} leads were kept, under {keys} keys"
    );
    Ok(())
}

/// What one way could do.
pub(crate) struct Way {
    rate: f64,
    calls: Quantiles,
}

/// Lets clients make calls side by side until none is left; a call takes its place and is for so many
/// leads.
pub(super) async fn side_by_side<C, F>(
    clients: Vec<C>,
    calls: usize,
    leads: usize,
    call: impl Fn(C, usize) -> F + Clone + Send + 'static,
) -> anyhow::Result<Way>
where
    C: Send + 'static,
    F: Future<Output = anyhow::Result<C>> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for mut client in clients {
        let (next, call) = (next.clone(), call.clone());
        tasks.spawn(async move {
            let mut took = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::AcqRel);
                if place >= calls {
                    return anyhow::Ok(took);
                }
                let begin = Instant::now();
                client = call(client, place).await?;
                took.push(begin.elapsed().as_secs_f64() * 1e3);
            }
        });
    }
    let mut took = Vec::with_capacity(calls);
    while let Some(ended) = tasks.join_next().await {
        took.extend(ended??);
    }
    Ok(Way {
        rate: leads as f64 / start.elapsed().as_secs_f64(),
        calls: Quantiles::of(took),
    })
}
