//! How fast real leads go all their way: the HTTP door, the workflow, the adapter, a CRM.
//!
//! The worker and the simulated CRM are processes of their own, so that each one's processor time is
//! known. The leads are taken in while their lane is paused; what is measured begins with its release.
//! In the end the CRM's own books are read: a lead that is not in them once makes the figures void.

mod cast;

use crate::enqueue::{EnqueueOptions, http::Door};
use crate::jobs::Job;
use crate::meter::{self, Cost, Meter, cpu_us_of_process};
use crate::ours;
use crate::round;
use anyhow::Context as _;
use cast::Cast;
use leadrail_engine::Engine;
use leadrail_lead::sample::sample_lead;
use leadrail_rig::{Books, Place, Program};
use serde::Serialize;
use sqlx::PgPool;
use std::time::Duration;

/// Whose leads they are.
const ACCOUNT: &str = "bench";
/// Leads of a batch that is posted.
const BATCH: usize = 200;
/// Leads before the measured ones, one in so many: a process is slow until it has done all once.
const WARM_UP: u64 = 8;
/// How often it is looked whether all have ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What to measure.
pub struct LeadsOptions {
    /// What the worker and the simulated CRM are processes of.
    pub program: Program,
    /// The CRM, and what of it.
    pub place: &'static Place,
    /// Leads.
    pub leads: u64,
    /// Leads, and no-op workflows, in flight.
    pub inflight: usize,
}

/// Figures of leads, beside the no-op workflow of four steps in the same run.
#[derive(Clone, Debug, Serialize)]
pub struct LeadsReport {
    /// Leads a second.
    pub leads_s: f64,
    /// No-op workflows a second.
    pub noop_wf_s: f64,
    /// The first of these by the second.
    pub ratio: f64,
    /// Processor time of the worker.
    pub worker_cpu_us_per_lead: f64,
    /// Processor time of PostgreSQL.
    pub server_cpu_us_per_lead: f64,
    /// Processor time of the simulated CRM, which stands for nothing of ours.
    pub crm_cpu_us_per_lead: f64,
    /// Commits.
    pub commits_per_lead: f64,
    /// Bytes of write-ahead log.
    pub wal_bytes_per_lead: f64,
}

/// Measures on the database at `url`, which must hold nothing else: it is emptied afterwards.
///
/// # Errors
/// When a part does not come up, or a lead is not in the CRM's books once.
pub async fn leads(
    url: &str,
    options: &LeadsOptions,
    progress: impl Fn(&str),
) -> anyhow::Result<LeadsReport> {
    let engine = Engine::connect(url).await?;
    leadrail_connections::migrate(engine.pool()).await?;
    meter::empty_leads(engine.pool()).await?;
    progress("no-op workflows");
    let noop_wf_s = noop(&engine, options).await?;
    meter::empty(&engine).await?;
    let measured = drive(&engine, url, options, &progress).await;
    meter::empty(&engine).await?;
    meter::empty_leads(engine.pool()).await?;
    let (cost, worker_us, crm_us) = measured?;
    let leads = options.leads as f64;
    let leads_s = leads / cost.seconds;
    Ok(LeadsReport {
        leads_s,
        noop_wf_s,
        ratio: leads_s / noop_wf_s,
        worker_cpu_us_per_lead: worker_us / leads,
        server_cpu_us_per_lead: cost.server_cpu_us / leads,
        crm_cpu_us_per_lead: crm_us / leads,
        commits_per_lead: cost.commits / leads,
        wal_bytes_per_lead: cost.wal_bytes / leads,
    })
}

/// As many no-op workflows a second as there are with so many in flight.
async fn noop(engine: &Engine, options: &LeadsOptions) -> anyhow::Result<f64> {
    let (workflows, inflight) = (options.leads, options.inflight);
    ours::warm_up(engine, workflows, inflight).await?;
    let work = ours::run(engine, workflows, inflight);
    let cost = round::measure(engine, Job::FourSteps, workflows, work).await?;
    Ok(workflows as f64 / cost.seconds)
}

/// What the leads cost, and of it the worker's and the CRM's processor time.
async fn drive(
    engine: &Engine,
    url: &str,
    options: &LeadsOptions,
    progress: &impl Fn(&str),
) -> anyhow::Result<(Cost, f64, f64)> {
    let cast = Cast::up(engine, url, options).await?;
    let warm_up = options.leads.div_ceil(WARM_UP);
    progress("leads to warm up");
    post(engine, options, 0..warm_up).await?;
    until_filed(engine.pool(), warm_up).await?;
    progress("leads");
    let lane = format!("{ACCOUNT}/{}", options.place.crm);
    engine.pause_lane(&lane).await?;
    let all = warm_up + options.leads;
    post(engine, options, warm_up..all).await?;
    round::settle(engine).await?;

    let meter = Meter::start(engine.pool()).await?;
    let before = (cast.worker_cpu_us(), cast.crm_cpu_us());
    engine.resume_lane(&lane).await?;
    engine.hint();
    until_filed(engine.pool(), all).await?;
    let cost = meter.stop(engine.pool()).await?;
    let after = (cast.worker_cpu_us(), cast.crm_cpu_us());
    let books = Books::of(&cast.records().await?);
    anyhow::ensure!(
        books.leads() == all && books.surplus() == 0,
        "{} of {all} leads are in the CRM, {} too many; the figures mean nothing",
        books.leads(),
        books.surplus()
    );
    cast.down().await?;
    Ok((cost, after.0 - before.0, after.1 - before.1))
}

/// Hands the leads of these numbers over through the HTTP door.
async fn post(
    engine: &Engine,
    options: &LeadsOptions,
    numbers: std::ops::Range<u64>,
) -> anyhow::Result<()> {
    let door = Door::open(engine.clone()).await?;
    let leads: Vec<_> = numbers
        .map(|n| sample_lead(n, ACCOUNT, options.place.crm).to_string())
        .collect();
    let how = EnqueueOptions {
        leads: leads.len(),
        clients: 4,
        batch: BATCH,
    };
    door.batch(leads, &how).await?;
    door.close().await
}

/// Returns when so many leads have been filed and nothing else is under way.
async fn until_filed(pool: &PgPool, leads: u64) -> anyhow::Result<()> {
    while sqlx::query_scalar(
        "select exists (select from leadrail.workflow_run where workflow = 'push_lead' and state <> 'completed')",
    )
    .fetch_one(pool)
    .await?
    {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let filed: i64 = sqlx::query_scalar(
        "select count(*) from leadrail.run where workflow = 'push_lead' and state = 'completed'",
    )
    .fetch_one(pool)
    .await
    .context("the runs cannot be counted")?;
    anyhow::ensure!(
        u64::try_from(filed)? == leads,
        "{filed} of {leads} leads were filed; the figures mean nothing"
    );
    Ok(())
}
