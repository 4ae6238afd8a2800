//! How a child ended, read from its history.

use super::Store;
use crate::history::HistoryKind;
use crate::ids::RunId;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// The reason of a child that was cancelled.
pub(crate) const CHILD_CANCELLED: &str = "child_cancelled";

/// How a child stands.
pub(crate) enum Standing {
    /// It goes on, as this run (another one if it continued as new).
    Lives(RunId),
    /// Its output, or why there is none: (reason, message).
    Ended(Result<Value, (String, String)>),
}

impl Store {
    /// How a child stands; `None` when the worker was taken over. Waits for a database that is away.
    pub(crate) async fn child_standing(
        &self,
        child: RunId,
        lost: &CancellationToken,
    ) -> Option<Standing> {
        let look = || self.standing(child);
        self.patiently("A child could not be looked at yet", lost, look)
            .await
    }

    /// How a run stands; one that continued as new stands where the last of them does.
    pub(crate) async fn standing(&self, run: RunId) -> sqlx::Result<Standing> {
        let mut run = run;
        loop {
            let Some((kind, payload)) = self.last_end(run).await? else {
                return Ok(Standing::Lives(run));
            };
            match next_of(kind, &payload) {
                Some(next) => run = next,
                None => {
                    return Ok(ended(kind, payload).map_or(Standing::Lives(run), Standing::Ended));
                }
            }
        }
    }

    /// The last line of a run's history that ended it or brought it back.
    async fn last_end(&self, run: RunId) -> sqlx::Result<Option<(HistoryKind, Value)>> {
        let row = sqlx::query!(
            r#"
            select kind as "kind: HistoryKind", payload
            from leadrail.history
            where run_id = $1
              and kind in ('run_completed', 'run_dead', 'run_cancelled', 'run_continued', 'run_revived', 'run_replayed', 'run_restarted')
            order by seq desc
            limit 1
            "#,
            run.0
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| (row.kind, row.payload.unwrap_or(Value::Null))))
    }
}

/// The run that goes on where this one ended.
fn next_of(kind: HistoryKind, payload: &Value) -> Option<RunId> {
    if kind != HistoryKind::RunContinued {
        return None;
    }
    payload["next"].as_str()?.parse().ok()
}

/// What a run's last line says of its end, if it is one.
fn ended(kind: HistoryKind, mut payload: Value) -> Option<Result<Value, (String, String)>> {
    let text = |field: &str| payload[field].as_str().unwrap_or_default().to_owned();
    match kind {
        HistoryKind::RunCompleted => Some(Ok(payload["output"].take())),
        HistoryKind::RunDead => Some(Err((text("reason"), text("message")))),
        HistoryKind::RunCancelled => {
            let message = format!("the run was cancelled: {}", text("why"));
            Some(Err((CHILD_CANCELLED.to_owned(), message)))
        }
        _ => None,
    }
}
