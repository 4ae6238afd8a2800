//! Worker rows: register, renew, take over, retire.

use crate::ids::WorkerId;
use crate::names::{NOTIFY_CHANNEL, WORKER, code_gate};
use sqlx::postgres::types::PgInterval;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

/// A worker that looks dead.
pub(crate) struct Suspect {
    pub(crate) worker: WorkerId,
    /// Its lease is over; otherwise only its session is gone, which is a hint.
    pub(crate) lease_over: bool,
}

/// Makes a new incarnation, tied to this session.
pub(crate) async fn register(
    session: &mut PgConnection,
    name: &str,
    lease: Duration,
) -> sqlx::Result<WorkerId> {
    let lease = PgInterval::try_from(lease).map_err(sqlx::Error::Encode)?;
    let pid = i32::try_from(std::process::id()).unwrap_or(i32::MAX);
    let id = sqlx::query_scalar!(
        r#"select leadrail.register_worker($1, $2, $3, $4) as "id!""#,
        name,
        pid,
        env!("CARGO_PKG_VERSION"),
        lease,
    )
    .fetch_one(&mut *session)
    .await?;
    // Whoever was alone need not wait for its next renewal to begin watching.
    sqlx::query!("select pg_notify($1, $2)", NOTIFY_CHANNEL, WORKER)
        .execute(session)
        .await?;
    Ok(WorkerId(id))
}

/// Whether a process's worker has its row.
pub(crate) async fn is_registered(pool: &PgPool, name: &str, pid: u32) -> sqlx::Result<bool> {
    let pid = i32::try_from(pid).unwrap_or(i32::MAX);
    sqlx::query_scalar!(
        r#"select exists (select from leadrail.worker where name = $1 and pid = $2) as "is!""#,
        name,
        pid,
    )
    .fetch_one(pool)
    .await
}

/// Renews the lease, and says whether the worker is quiet; how many other workers there are, or `None`
/// when this one was taken over.
pub(crate) async fn renew(
    session: &mut PgConnection,
    worker: WorkerId,
    quiet: bool,
) -> sqlx::Result<Option<i64>> {
    let row = sqlx::query!(
        r#"
        select leadrail.renew_worker($1, $2) as "ours!",
               (select count(*) from leadrail.worker w where w.id <> $1) as "others!"
        "#,
        worker.0,
        quiet
    )
    .fetch_one(session)
    .await?;
    Ok(row.ours.then_some(row.others))
}

/// How many other workers there are, or `None` when this one was taken over. Renews nothing.
pub(crate) async fn others(
    session: &mut PgConnection,
    worker: WorkerId,
) -> sqlx::Result<Option<i64>> {
    let row = sqlx::query!(
        r#"
        select exists (select from leadrail.worker w where w.id = $1) as "ours!",
               (select count(*) from leadrail.worker w where w.id <> $1) as "others!"
        "#,
        worker.0
    )
    .fetch_one(session)
    .await?;
    Ok(row.ours.then_some(row.others))
}

/// Everyone who looks dead.
pub(crate) async fn suspects(session: &mut PgConnection) -> sqlx::Result<Vec<Suspect>> {
    let rows = sqlx::query!(
        r#"select worker_id as "worker!", lease_over as "lease_over!" from leadrail.suspect_workers()"#
    )
    .fetch_all(session)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Suspect {
            worker: WorkerId(row.worker),
            lease_over: row.lease_over,
        })
        .collect())
}

/// Takes over whoever of these is still dead; how many runs went back to the queue.
pub(crate) async fn take_over(
    session: &mut PgConnection,
    workers: &[WorkerId],
) -> sqlx::Result<i32> {
    let ids: Vec<_> = workers.iter().map(|worker| worker.0).collect();
    sqlx::query_scalar!(r#"select leadrail.take_over($1) as "runs!""#, &ids)
        .fetch_one(session)
        .await
}

/// Ends an incarnation in order; how many runs it still held.
pub(crate) async fn retire(pool: &PgPool, worker: WorkerId) -> sqlx::Result<i32> {
    sqlx::query_scalar!(r#"select leadrail.retire_worker($1) as "runs!""#, worker.0)
        .fetch_one(pool)
        .await
}

/// Wakes the runs of these workflows that wait for code which fits their history: this may be it.
pub(crate) async fn open_code_gates(pool: &PgPool, workflows: &[String]) -> sqlx::Result<()> {
    let gates: Vec<_> = workflows.iter().map(|name| code_gate(name)).collect();
    sqlx::query!(
        r#"
        select leadrail.open_gates(array[g.gate]) as freed
        from (select distinct w.gate from leadrail.run_gate w where w.gate = any ($1)) g
        "#,
        &gates
    )
    .fetch_all(pool)
    .await?;
    Ok(())
}
