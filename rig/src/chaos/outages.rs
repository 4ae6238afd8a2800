//! Strikes the database: immediate restarts, `kill -9` of its first process, cut sessions, a full disk,
//! a failover.

use super::chronicle::{Chronicle, Outage};
use super::nemesis::Next;
use super::plan::Plan;
use super::sender::Sender;
use super::stage::Stage;
use super::timetable::Timetable;
use sqlx::{Connection as _, PgConnection, PgPool};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether a blow falls.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What falls on the database, and what it is told to.
pub(super) struct Outages<'a> {
    pub(super) stage: &'a Stage,
    /// Sends again what a failover loses.
    pub(super) sender: &'a Sender<'a>,
    pub(super) chronicle: &'a Chronicle,
    pub(super) calm: &'a CancellationToken,
}

impl Outages<'_> {
    /// Strikes until all is to be calm; the database is up when it returns.
    ///
    /// # Errors
    /// When the database does not come up again.
    pub(super) async fn strike(&self, plan: &Plan) -> anyhow::Result<()> {
        let struck = self.blows(&plan.timetable).await;
        if struck.is_err() {
            self.calm.cancel();
        }
        struck
    }

    async fn blows(&self, table: &Timetable) -> anyhow::Result<()> {
        let began = Instant::now();
        let beats = [
            table.restart,
            table.crash,
            table.failover,
            table.disk_full,
            table.cut,
        ];
        let [mut restart, mut crash, mut failover, mut full, mut cut] =
            beats.map(|beat| Next::of(beat, began));
        while !self.calm.is_cancelled() {
            if restart.falls() {
                self.bring_down(false).await?;
            }
            if crash.falls() {
                self.bring_down(true).await?;
            }
            if failover.falls() && !self.fail_over().await? {
                failover.missed();
            }
            if full.falls() && !self.fill_disk().await? {
                full.missed();
            }
            if cut.falls() {
                self.cut_sessions().await;
            }
            let rest = tokio::time::sleep(LOOK_EVERY);
            let _ = self.calm.run_until_cancelled(rest).await;
        }
        Ok(())
    }

    /// Down and up again. The log begins anew with each start, so it is read in between.
    async fn bring_down(&self, hard: bool) -> anyhow::Result<()> {
        let postgres = self.stage.postgres();
        let from = self.chronicle.now();
        match hard {
            true => postgres.kill().await?,
            false => postgres.stop_immediate().await?,
        }
        let refused = refused_writes(self.stage);
        let started = postgres.start_again().await;
        let until = self.chronicle.now();
        let mut events = self.chronicle.events();
        events.fenced_writes += refused;
        events.outages.push(Outage { from, until });
        match hard {
            true => events.crashes += 1,
            false => events.restarts += 1,
        }
        Ok(started?)
    }

    async fn cut_sessions(&self) {
        // A database that is away has no sessions to cut.
        let cut = cut_sessions(self.stage.rig.engine.pool()).await;
        let sessions = cut.unwrap_or(0);
        let mut events = self.chronicle.events();
        events.cuts += u64::from(sessions > 0);
        events.sessions_cut += sessions;
    }
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
    let cut = sqlx::query_scalar!(
        r#"
        select count(pg_terminate_backend(pid)) as "count!" from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
        "#
    )
    .fetch_one(&mut session)
    .await?;
    session.close().await?;
    Ok(u64::try_from(cut).unwrap_or_default())
}
