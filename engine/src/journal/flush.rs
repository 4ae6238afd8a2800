//! The task that writes: one connection, one statement at a time.

use super::batch::Columns;
use super::{Entry, Journal, NotWritten};
use crate::claim::{ClaimedRun, Claims};
use crate::failpoint;
use crate::ids::{RunId, WorkerId};
use crate::store::connect::{Connector, is_transient};
use sqlx::PgConnection;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The most entries one statement carries; beyond it the gain is nothing and the memory grows.
const LARGEST_BATCH: usize = 4_096;

/// SQLSTATE of the fence: the worker has no row any more.
const TAKEN_OVER: &str = "LR002";
/// SQLSTATE for a move of a run that another worker holds.
const NOT_OURS: &str = "LR003";

/// Writes a worker's journal until it is told to stop or the worker is taken over.
pub(crate) struct FlushLoop {
    pub(crate) worker: WorkerId,
    pub(crate) journal: Journal,
    pub(crate) claims: Arc<Claims>,
    pub(crate) connector: Connector,
    pub(crate) workflows: Vec<String>,
    /// Cancelled here when the fence refuses us.
    pub(crate) lost: CancellationToken,
    /// Cancelled by the owner when nothing will be handed in any more.
    pub(crate) stop: CancellationToken,
}

enum Outcome {
    Written(Vec<ClaimedRun>, Option<Duration>),
    TakenOver,
    /// The connection broke: it may have been committed.
    Unknown,
    /// PostgreSQL refused the data.
    Refused(String, bool),
}

impl FlushLoop {
    /// Runs until stopped or taken over.
    pub(crate) async fn run(self) {
        let mut connection = self.connector.connect_patiently(&self.lost).await;
        let mut carried: Vec<Entry> = Vec::new();
        while let Some(live) = connection.as_mut() {
            if carried.is_empty() {
                carried = self.next_entries().await;
            }
            if self.lost.is_cancelled() || (carried.is_empty() && self.stop.is_cancelled()) {
                break;
            }
            let rest = carried.split_off(carried.len().min(LARGEST_BATCH));
            let batch = std::mem::replace(&mut carried, rest);
            if !self.flush(live, batch).await {
                break;
            }
        }
        for entry in carried {
            entry.answer(Err(NotWritten::TakenOver));
        }
        self.journal.close();
    }

    /// Waits until there is something to write or to claim.
    async fn next_entries(&self) -> Vec<Entry> {
        loop {
            let entries = self.journal.take_pending();
            let idle = entries.is_empty() && self.claims.want() == 0;
            if !idle || self.stop.is_cancelled() || self.lost.is_cancelled() {
                return entries;
            }
            tokio::select! {
                () = self.journal.woken() => {}
                () = self.stop.cancelled() => {}
                () = self.lost.cancelled() => {}
            }
        }
    }

    /// Writes one batch to its end, through broken connections; false when taken over.
    async fn flush(&self, connection: &mut PgConnection, batch: Vec<Entry>) -> bool {
        let want = self.claims.want();
        if batch.is_empty() && want == 0 {
            return true;
        }
        if want > 0 {
            self.claims.asking();
        }
        match self.write(connection, &batch, want).await {
            Outcome::Written(runs, next_due) => {
                failpoint!("journal.after_commit");
                if want > 0 {
                    self.claims.arrived(want, runs, next_due);
                }
                answer_all(batch, &Ok(()));
                true
            }
            Outcome::TakenOver => {
                self.lost.cancel();
                answer_all(batch, &Err(NotWritten::TakenOver));
                false
            }
            Outcome::Unknown => self.settle(connection, batch).await,
            Outcome::Refused(why, not_ours) => {
                self.claims.hint();
                self.divide(connection, batch, &why, not_ours).await
            }
        }
    }

    /// The one statement.
    async fn write(&self, connection: &mut PgConnection, batch: &[Entry], want: usize) -> Outcome {
        let columns = Columns::of(batch);
        failpoint!("journal.before_send");
        let answer = self.statement(connection, &columns, want).await;
        failpoint!("journal.after_send");
        match answer {
            Ok((runs, next_due)) => Outcome::Written(runs, next_due),
            Err(sqlx::Error::Database(error)) => match error.code().as_deref() {
                Some(TAKEN_OVER) => Outcome::TakenOver,
                Some(NOT_OURS) => Outcome::Refused(error.message().to_owned(), true),
                Some(code) if is_transient(code) => Outcome::Unknown,
                _ => Outcome::Refused(error.message().to_owned(), false),
            },
            Err(error) => {
                tracing::warn!(worker.id = %self.worker, error = %error, "The journal's connection broke");
                Outcome::Unknown
            }
        }
    }

    async fn statement(
        &self,
        connection: &mut PgConnection,
        columns: &Columns<'_>,
        want: usize,
    ) -> sqlx::Result<(Vec<ClaimedRun>, Option<Duration>)> {
        let rows = sqlx::query!(
            r#"
            select run_id, workflow, scope, key, lane, starts, created_at, claimed_at,
                   input, wait_ms, parent_id, cancel_why
            from leadrail.journal(
                $1, $2, $3, $4::text[]::leadrail.history_kind[], $5, $6, $7,
                $8, $9::text[]::leadrail.run_state[], $10, $11, $12, $13,
                $14, $15, $16, $17, $18, $19
            )
            "#,
            self.worker.0,
            &columns.h_run,
            &columns.h_seq,
            &columns.h_kind as &[&str],
            &columns.h_attempt as &[Option<i16>],
            &columns.h_activity as &[Option<&str>],
            &columns.h_payload as &[Option<&str>],
            &columns.t_run,
            &columns.t_state as &[&str],
            &columns.t_delay_ms as &[Option<i64>],
            &columns.t_attempt as &[Option<i16>],
            &columns.t_activity as &[Option<&str>],
            &columns.t_reason as &[Option<&str>],
            &columns.g_run,
            &columns.g_gate as &[&str],
            &columns.g_since,
            &columns.g_opens,
            i32::try_from(want).unwrap_or(i32::MAX),
            &self.workflows,
        )
        .fetch_all(connection)
        .await?;
        let mut next_due = None;
        let mut runs = Vec::with_capacity(rows.len());
        for row in rows {
            let (Some(id), Some(created_at), Some(claimed_at)) =
                (row.run_id, row.created_at, row.claimed_at)
            else {
                let millis = row.wait_ms.and_then(|ms| u64::try_from(ms.max(0)).ok());
                next_due = millis.map(Duration::from_millis);
                continue;
            };
            runs.push(ClaimedRun {
                id: RunId(id),
                workflow: row.workflow.unwrap_or_default(),
                scope: row.scope.unwrap_or_default(),
                key: row.key,
                lane: row.lane.unwrap_or_default(),
                starts: row.starts.unwrap_or_default(),
                created_at,
                claimed_at,
                input: row.input.unwrap_or_default(),
                parent: row.parent_id.map(RunId),
                cancel_why: row.cancel_why,
            });
        }
        Ok((runs, next_due))
    }

    /// After a broken connection: was the batch committed? If not, write it again.
    async fn settle(&self, connection: &mut PgConnection, batch: Vec<Entry>) -> bool {
        let mut batch = batch;
        loop {
            let Some(fresh) = self.connector.connect_patiently(&self.lost).await else {
                answer_all(batch, &Err(NotWritten::TakenOver));
                return false;
            };
            *connection = fresh;
            if let Ok(committed) = self.after_reconnect(connection, &batch).await {
                if committed {
                    answer_all(std::mem::take(&mut batch), &Ok(()));
                }
                break;
            }
        }
        if batch.is_empty() {
            return true;
        }
        Box::pin(self.flush(connection, batch)).await
    }

    /// One statement is all or nothing, so its first row tells. Runs that a lost answer claimed for
    /// us, unknown to us, go back to the queue.
    async fn after_reconnect(
        &self,
        connection: &mut PgConnection,
        batch: &[Entry],
    ) -> sqlx::Result<bool> {
        let first = batch
            .iter()
            .find_map(|entry| entry.rows.first().map(|row| (entry.run, row.seq)));
        let committed = match first {
            None => false,
            Some((run, seq)) => {
                sqlx::query_scalar!(
                    r#"
                select exists (
                    select from leadrail.history h where h.run_id = $1 and h.seq = $2
                ) as "written!"
                "#,
                    run.0,
                    seq,
                )
                .fetch_one(&mut *connection)
                .await?
            }
        };
        sqlx::query_scalar!(
            r#"select leadrail.release_unknown($1, $2) as "runs!""#,
            self.worker.0,
            &self.claims.held_ids(),
        )
        .fetch_one(&mut *connection)
        .await?;
        self.claims.hint();
        Ok(committed)
    }

    /// One bad entry must not spoil the others: halve until it stands alone.
    async fn divide(
        &self,
        connection: &mut PgConnection,
        mut batch: Vec<Entry>,
        why: &str,
        not_ours: bool,
    ) -> bool {
        if batch.len() <= 1 {
            let outcome = if not_ours {
                NotWritten::TakenOver
            } else {
                tracing::error!(worker.id = %self.worker, reason = why, "PostgreSQL refused a journal entry");
                NotWritten::Refused(why.to_owned())
            };
            answer_all(batch, &Err(outcome));
            return true;
        }
        let second = batch.split_off(batch.len() / 2);
        Box::pin(self.flush(connection, batch)).await
            && Box::pin(self.flush(connection, second)).await
    }
}

fn answer_all(batch: Vec<Entry>, outcome: &Result<(), NotWritten>) {
    for entry in batch {
        entry.answer(outcome.clone());
    }
}
