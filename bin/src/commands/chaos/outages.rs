//! Strikes the database: immediate restarts, `kill -9` of its first process, cut sessions, a full disk, a failover.

use super::chronicle::{Chronicle, Outage};
use super::disk;
use super::failover;
use super::nemesis::Next;
use super::plan::Plan;
use super::sender::Sender;
use super::stage::Stage;
use sqlx::{Connection as _, PgConnection, PgPool};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether a blow falls.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Strikes until all is to be calm; the database is up when it returns.
///
/// # Errors
/// When the database does not come up again.
pub(super) async fn strike(
    plan: &Plan,
    stage: &Stage,
    sender: &Sender<'_>,
    chronicle: &Chronicle,
    calm: &CancellationToken,
) -> anyhow::Result<()> {
    let struck = blows(plan, stage, sender, chronicle, calm).await;
    if struck.is_err() {
        calm.cancel();
    }
    struck
}

async fn blows(
    plan: &Plan,
    stage: &Stage,
    sender: &Sender<'_>,
    chronicle: &Chronicle,
    calm: &CancellationToken,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let table = &plan.timetable;
    let mut cut = Next::of(table.cut, began);
    let mut restart = Next::of(table.restart, began);
    let mut failover = Next::of(table.failover, began);
    let mut full = Next::of(table.disk_full, began);
    let mut crash = Next::of(table.crash, began);
    while !calm.is_cancelled() {
        if restart.falls() {
            bring_down(stage, chronicle, false).await?;
        }
        if crash.falls() {
            bring_down(stage, chronicle, true).await?;
        }
        if let Some(standby) = stage.rig.standby.as_ref()
            && failover.falls()
            && !failover::strike(stage, standby, sender, chronicle).await?
        {
            failover.missed();
        }
        if full.falls() && !disk::fill(stage, chronicle, plan.disk_full_for, calm).await? {
            full.missed();
        }
        if cut.falls() {
            // A database that is away has no sessions to cut.
            let sessions = cut_sessions(stage.rig.engine.pool()).await.unwrap_or(0);
            let mut events = chronicle.events();
            events.cuts += u64::from(sessions > 0);
            events.sessions_cut += sessions;
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = calm.cancelled() => {}
        }
    }
    Ok(())
}

/// Down and up again. The log begins anew with each start, so it is read in between.
async fn bring_down(stage: &Stage, chronicle: &Chronicle, hard: bool) -> anyhow::Result<()> {
    let postgres = stage.postgres();
    let from = chronicle.now();
    match hard {
        true => postgres.kill().await?,
        false => postgres.stop_immediate().await?,
    }
    let refused = refused_writes(stage);
    let started = postgres.start_again().await;
    let until = chronicle.now();
    let mut events = chronicle.events();
    events.fenced_writes += refused;
    events.outages.push(Outage { from, until });
    match hard {
        true => events.crashes += 1,
        false => events.restarts += 1,
    }
    Ok(started?)
}

/// Statements of workers that were taken over, as the server's log tells of them.
pub(super) fn refused_writes(stage: &Stage) -> u64 {
    let log = stage.server_log();
    let refused = log
        .lines()
        .filter(|line| line.contains("ERROR:") && line.contains("was taken over"));
    refused.count() as u64
}

async fn cut_sessions(pool: &PgPool) -> sqlx::Result<u64> {
    // Outside the pool, where it need not wait for a session that is about to be cut.
    let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
    let cut: i64 = sqlx::query_scalar(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()",
    )
    .fetch_one(&mut session)
    .await?;
    session.close().await?;
    Ok(u64::try_from(cut).unwrap_or_default())
}
