//! Worker rows: register, renew, take over, retire.

use crate::ids::WorkerId;
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
    .fetch_one(session)
    .await?;
    Ok(WorkerId(id))
}

/// Renews the lease; false when the worker was taken over.
pub(crate) async fn renew(session: &mut PgConnection, worker: WorkerId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select leadrail.renew_worker($1) as "ours!""#, worker.0)
        .fetch_one(session)
        .await
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
