//! The inbox of signals, and requests to stop.

use super::Store;
use crate::ids::{RunId, WorkerId};
use serde_json::Value;
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

impl Store {
    /// The oldest signal of this name that is not among the taken ones; `None` when the worker was
    /// taken over. Waits for a database that is away.
    pub(crate) async fn next_signal(
        &self,
        run: RunId,
        name: &str,
        taken: &[i64],
        lost: &CancellationToken,
    ) -> Option<Option<(i64, Value)>> {
        let look = || async {
            let row = sqlx::query!(
                r#"
                select id, payload as "payload!: Value"
                from leadrail.signal
                where run_id = $1 and name = $2 and taken_at is null and id <> all ($3)
                order by id
                limit 1
                "#,
                run.0,
                name,
                taken,
            )
            .fetch_optional(&self.pool)
            .await?;
            Ok(row.map(|row| (row.id, row.payload)))
        };
        self.patiently("A signal could not be looked for yet", lost, look)
            .await
    }

    /// The runs of a worker that were asked to stop, with the reasons.
    pub(crate) async fn cancel_requests(
        &self,
        worker: WorkerId,
    ) -> sqlx::Result<HashMap<Uuid, String>> {
        let rows = sqlx::query!(
            r#"
            select q.run_id, q.why
            from leadrail.cancel_request q
            join leadrail.workflow_run r on r.id = q.run_id
            where r.worker_id = $1 and r.state = 'running'
            "#,
            worker.0
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|row| (row.run_id, row.why)).collect())
    }
}
