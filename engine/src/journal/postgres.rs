//! The journal in PostgreSQL: one function call a flush.

use super::batch::Columns;
use super::ledger::{Aftermath, Answer, Broken, Ledger, Receipt, Refusal};
use super::{Entry, Locked};
use crate::claim::ClaimedRun;
use crate::failpoint;
use crate::ids::{RunId, WorkerId};
use crate::store::connect::{Connector, LOCKED, backoff, in_time, is_transient};
use backon::ExponentialBackoff;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// SQLSTATE of the fence: the worker has no row any more.
const TAKEN_OVER: &str = "LR002";
/// SQLSTATE for a move of a run that another worker holds.
const NOT_OURS: &str = "LR003";

/// A writer's session with the journal.
pub(crate) struct PostgresLedger {
    worker: WorkerId,
    workflows: Vec<String>,
    connector: Connector,
    /// When the last doubt arose that was known when the worker began.
    began_after: Option<DateTime<Utc>>,
    session: Option<Session>,
    /// How long the next session is waited for; none after one in which something was written.
    waits: Option<ExponentialBackoff>,
    /// Server processes of broken sessions that may still be at work on what was asked of them.
    orphans: Vec<ServerProcess>,
    /// Since when they would not end.
    haunted_since: Option<Instant>,
}

struct Session {
    connection: PgConnection,
    process: ServerProcess,
}

/// A process of the server; its id alone may be given out again.
#[derive(Clone, Copy)]
struct ServerProcess {
    pid: i32,
    /// None where PostgreSQL does not say.
    started: Option<DateTime<Utc>>,
}

impl PostgresLedger {
    pub(crate) fn new(worker: WorkerId, workflows: Vec<String>, connector: Connector) -> Self {
        Self {
            worker,
            workflows,
            began_after: connector.doubts().get().latest(),
            connector,
            session: None,
            waits: None,
            orphans: Vec::new(),
            haunted_since: None,
        }
    }

    /// Whether the database may have lost commits of this worker's. Its row may be there still, but what
    /// it would write next need not fit what is left of its runs' histories.
    fn is_in_doubt(&self) -> bool {
        self.connector.doubts().get().latest() > self.began_after
    }

    /// The session; there is one since `connect`.
    fn connection(&mut self) -> sqlx::Result<&mut PgConnection> {
        let session = self.session.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        Ok(&mut session.connection)
    }

    async fn statement(&mut self, columns: &Columns<'_>, want: usize) -> sqlx::Result<Receipt> {
        let rows = sqlx::query!(
            r#"
            select run_id, workflow, scope, key, lane, starts, created_at, claimed_at,
                   input, wait_ms, parent_id, cancel_why, locked
            from leadrail.journal(
                $1, $2, $3, $4::text[]::leadrail.history_kind[], $5, $6, $7,
                $8, $9::text[]::leadrail.run_state[], $10, $11, $12, $13,
                $14, $15, $16, $17, $18, $19, $20, $21, $22
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
            &columns.l_run,
            &columns.l_name as &[&str],
            &columns.l_takes,
            i32::try_from(want).unwrap_or(i32::MAX),
            &self.workflows,
        )
        .fetch_all(self.connection()?)
        .await?;
        let mut receipt = Receipt::default();
        for row in rows {
            let millis = row.wait_ms.and_then(|ms| u64::try_from(ms.max(0)).ok());
            let wait = millis.map(Duration::from_millis);
            let Some(run) = row.run_id.map(RunId) else {
                receipt.next_due = wait;
                continue;
            };
            if let Some(name) = row.locked {
                let wait = wait.unwrap_or_default();
                receipt.locked.push(Locked { run, name, wait });
                continue;
            }
            receipt.runs.push(ClaimedRun {
                id: run,
                workflow: row.workflow.unwrap_or_default(),
                scope: row.scope.unwrap_or_default(),
                key: row.key,
                lane: row.lane.unwrap_or_default(),
                starts: row.starts.unwrap_or_default(),
                created_at: row.created_at.unwrap_or_default(),
                claimed_at: row.claimed_at.unwrap_or_default(),
                input: row.input.unwrap_or_default(),
                parent: row.parent_id.map(RunId),
                cancel_why: row.cancel_why,
            });
        }
        Ok(receipt)
    }

    /// The first session after one that worked is opened at once. Where sessions can be opened but
    /// nothing be written, as on a full disk, each waits longer than the one before. False when given
    /// up meanwhile.
    async fn rest(&mut self, given_up: &CancellationToken) -> bool {
        let Some(waits) = &mut self.waits else {
            self.waits = Some(backoff());
            return true;
        };
        let wait = waits.next().unwrap_or_default();
        let resting = tokio::time::sleep(wait);
        given_up.run_until_cancelled(resting).await.is_some()
    }

    /// Ends what broken sessions left behind, then looks.
    async fn look(
        &mut self,
        first: Option<(RunId, i32)>,
        held: Option<&[Uuid]>,
    ) -> sqlx::Result<Aftermath> {
        let worker = self.worker.0;
        while let Some(ServerProcess { pid, started }) = self.orphans.last().copied() {
            let since = *self.haunted_since.get_or_insert_with(Instant::now);
            let ended = sqlx::query_scalar!(
                r#"select leadrail.end_session($1, $2, $3) as "ended!""#,
                worker,
                pid,
                started,
            )
            .fetch_one(self.connection()?)
            .await?;
            failpoint!("clear_up.after_end_session");
            if !ended {
                return self.beyond_ending(since);
            }
            self.orphans.pop();
        }
        self.haunted_since = None;
        let connection = self.connection()?;
        let (run, seq) = first.unzip();
        // Asked together: while the worker has its row, that line can be nobody else's.
        let found = sqlx::query!(
            r#"
            select exists (select from leadrail.worker w where w.id = $1) as "ours!",
                   exists (
                       select from leadrail.history h where h.run_id = $2 and h.seq = $3
                   ) as "written!"
            "#,
            worker,
            run.map(|run| run.0),
            seq,
        )
        .fetch_one(&mut *connection)
        .await?;
        failpoint!("clear_up.after_look");
        if !found.ours {
            return Ok(Aftermath::TakenOver);
        }
        if let Some(held) = held {
            sqlx::query_scalar!(
                r#"select leadrail.release_unknown($1, $2) as "runs!""#,
                worker,
                held
            )
            .fetch_one(connection)
            .await?;
            failpoint!("clear_up.after_give_back");
        }
        Ok(match found.written {
            true => Aftermath::Committed,
            false => Aftermath::NotCommitted,
        })
    }

    /// A server process that is frozen, or another login's, cannot be ended from here and may still commit.
    /// Without the worker's row it may not: after a while this incarnation is given up for that.
    fn beyond_ending(&self, since: Instant) -> sqlx::Result<Aftermath> {
        if since.elapsed() < self.connector.patience() {
            return Err(sqlx::Error::PoolTimedOut);
        }
        tracing::warn!(worker.id = %self.worker, "A session of the journal cannot be ended; this worker starts afresh without it");
        Ok(Aftermath::TakenOver)
    }
}

impl Ledger for PostgresLedger {
    async fn connect(&mut self, given_up: &CancellationToken) -> bool {
        if !self.rest(given_up).await {
            return false;
        }
        loop {
            let Some(mut connection) = self.connector.connect_patiently(given_up).await else {
                return false;
            };
            if self.is_in_doubt() {
                return false;
            }
            let process = sqlx::query_as!(
                ServerProcess,
                r#"
                select pg_backend_pid() as "pid!", leadrail.session_start() as started
                "#
            )
            .fetch_one(&mut connection)
            .await;
            match process {
                Ok(process) => {
                    let session = Session {
                        connection,
                        process,
                    };
                    let broken = self.session.replace(session);
                    self.orphans.extend(broken.map(|session| session.process));
                    return true;
                }
                Err(error) => tracing::debug!(error = %error, "A new session broke at once"),
            }
        }
    }

    async fn write(&mut self, batch: &[Entry], want: usize) -> Answer {
        let patience = self.connector.patience();
        let columns = Columns::of(batch);
        let statement = self.statement(&columns, want);
        let Ok(answer) = tokio::time::timeout(patience, statement).await else {
            tracing::warn!(worker.id = %self.worker, ?patience, "PostgreSQL did not answer the journal in time; its session is ended");
            return Answer::Late;
        };
        match answer {
            Ok(receipt) => {
                self.waits = None;
                Answer::Written(receipt)
            }
            Err(sqlx::Error::Database(error)) => match error.code().as_deref() {
                Some(TAKEN_OVER) => Answer::TakenOver,
                Some(LOCKED) => Answer::Refused(Refusal::Locked),
                Some(NOT_OURS) => Answer::Refused(Refusal::NotOurs),
                Some(code) if is_transient(code) => {
                    tracing::warn!(worker.id = %self.worker, error = error.message(), "PostgreSQL does not write the journal now, trying again");
                    Answer::Unknown
                }
                _ => Answer::Refused(Refusal::Data(error.message().to_owned())),
            },
            Err(error) => {
                tracing::warn!(worker.id = %self.worker, error = %error, "The journal's connection broke");
                Answer::Unknown
            }
        }
    }

    async fn locked(&mut self, batch: &[Entry]) -> Vec<RunId> {
        let patience = self.connector.patience();
        let columns = Columns::of(batch);
        let Ok(session) = self.connection() else {
            return Vec::new();
        };
        let locked = sqlx::query_scalar!(
            r#"select leadrail.locked_runs($1, $2, $3, $4) as "run!""#,
            &columns.t_run,
            &columns.g_run,
            &columns.g_gate as &[&str],
            &columns.g_opens,
        );
        // Nothing is lost without an answer: whatever is wrong, the next statement meets it too.
        let locked = in_time(patience, locked.fetch_all(session)).await;
        locked.unwrap_or_default().into_iter().map(RunId).collect()
    }

    async fn clear_up(
        &mut self,
        first: Option<(RunId, i32)>,
        held: Option<&[Uuid]>,
    ) -> Result<Aftermath, Broken> {
        // To end a session may take five seconds, and then its row be locked for as long.
        let patience = self.connector.patience() + Duration::from_secs(10);
        let looked = in_time(patience, self.look(first, held)).await;
        looked.map_err(|error| {
            tracing::debug!(error = %error, "The journal could not be looked at after a broken session");
            Broken
        })
    }
}

#[cfg(test)]
mod tests;
