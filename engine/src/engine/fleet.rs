//! The workers there are.

use super::Engine;
use crate::ids::WorkerId;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A worker that is registered.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerView {
    /// Its incarnation.
    pub id: WorkerId,
    /// The name it was started with; where none was given, its machine's and its process's.
    pub name: String,
    /// The address that it came to the database from; none through a socket, or where our role may not
    /// know.
    pub host: Option<String>,
    /// Its process on its machine.
    pub pid: i32,
    /// The release that it runs.
    pub version: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it last renewed its lease.
    pub seen_at: DateTime<Utc>,
    /// Whether its lease is over: the others take its runs over.
    pub overdue: bool,
    /// The runs that it holds.
    pub running: i64,
}

impl Engine {
    /// The workers that are registered, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn workers(&self) -> sqlx::Result<Vec<WorkerView>> {
        sqlx::query_as!(
            WorkerView,
            r#"
            select w.id as "id: WorkerId", w.name, host(a.client_addr) as "host?", w.pid, w.version,
                   w.started_at, w.seen_at,
                   w.seen_at + w.lease < leadrail.now() as "overdue!",
                   (
                       select count(*) from leadrail.workflow_run r
                       where r.worker_id = w.id and r.state = 'running'
                   ) as "running!"
            from leadrail.worker w
            left join pg_stat_activity a
                on a.pid = w.backend_pid and (a.backend_start = w.backend_start) is not false
            order by w.started_at, w.id
            "#
        )
        .fetch_all(self.pool())
        .await
    }
}
