//! What reaches a run from outside: signals, questions, requests to stop, to hurry, to begin again.

use super::Engine;
use crate::ids::RunId;
use crate::names::published_label;
use crate::size::too_large;
use serde::Serialize;
use serde_json::Value;

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// It is kept until the run asks for it.
    Sent,
    /// A signal under the same key was sent before.
    Duplicate,
    /// The run has ended.
    Ended,
    /// There is no such run.
    Unknown,
}

/// What became of a request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancelled {
    /// It had not begun or was a dead letter; it is cancelled now, and for good.
    /// [`Engine::discard`] is what can be undone.
    Cancelled,
    /// Its workflow hears of it at its next call, and may clean up first.
    Asked,
    /// The run has ended.
    Ended,
    /// There is no such run.
    Unknown,
}

/// What became of a request to begin again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Restarted {
    /// It is due.
    Restarted,
    /// It is running, never began, ended well, or was cancelled or discarded.
    NotRestartable,
    /// Its history does not have the activity to begin from.
    NoSuchActivity,
    /// There is no such run.
    Unknown,
}

impl Engine {
    /// Sends a signal to a run; it is kept until the run asks for it. The same `key` again is the
    /// same signal. A run that continued as new gets it there.
    ///
    /// # Errors
    /// When the payload cannot be written as JSON or the database cannot be written.
    pub async fn signal<T: Serialize + Sync>(
        &self,
        run: RunId,
        name: &str,
        payload: &T,
        key: Option<&str>,
    ) -> sqlx::Result<Sent> {
        let payload =
            serde_json::to_string(payload).map_err(|error| sqlx::Error::Encode(error.into()))?;
        if let Some(why) = too_large("signal", &payload) {
            return Err(sqlx::Error::Encode(why.into()));
        }
        let answer = self.sent(run, name, &payload, key).await?;
        self.notifier().poke();
        Ok(match answer.as_str() {
            "sent" => Sent::Sent,
            "duplicate" => Sent::Duplicate,
            "ended" => Sent::Ended,
            _ => Sent::Unknown,
        })
    }

    /// What a run shows under a name ([`crate::Ctx::publish`]), if it does.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn query(&self, run: RunId, name: &str) -> sqlx::Result<Option<Value>> {
        let label = published_label(name);
        let payload = sqlx::query_scalar!(
            r#"
            select payload as "payload!: Value"
            from leadrail.seen_history
            where run_id = $1 and kind = 'state_published' and (activity = $2 or starts_with(activity, $2 || '#'))
            order by seq desc
            limit 1
            "#,
            run.0,
            label
        )
        .fetch_optional(self.access())
        .await?;
        Ok(payload.map(|mut payload| payload["value"].take()))
    }

    /// Asks a run, and the children it waits for, to stop.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn cancel(&self, run: RunId, why: &str) -> sqlx::Result<Cancelled> {
        let answer = self.cancelled(run, why).await?;
        Ok(match answer.as_str() {
            "cancelled" => Cancelled::Cancelled,
            "asked" => Cancelled::Asked,
            "ended" => Cancelled::Ended,
            _ => Cancelled::Unknown,
        })
    }

    /// Makes a parked run due now; the attempt that follows uses up none. False when it is not
    /// parked.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn try_now(&self, run: RunId) -> sqlx::Result<bool> {
        let hurried = sqlx::query_scalar!(r#"select leadrail.try_now($1) as "hurried!""#, run.0)
            .fetch_one(self.pool())
            .await?;
        self.notifier().poke();
        Ok(hurried)
    }

    /// Sends a dead or parked run through again from an activity on (as its history names it, such
    /// as `charge` or `charge#2`), or from the start. What exists once is looked for first.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn restart(&self, run: RunId, from: Option<&str>) -> sqlx::Result<Restarted> {
        let answer = sqlx::query_scalar!(
            r#"select leadrail.restart_run($1, $2) as "answer!""#,
            run.0,
            from
        )
        .fetch_one(self.pool())
        .await?;
        self.notifier().poke();
        Ok(match answer.as_str() {
            "restarted" => Restarted::Restarted,
            "not_restartable" => Restarted::NotRestartable,
            "no_such_activity" => Restarted::NoSuchActivity,
            _ => Restarted::Unknown,
        })
    }

    async fn sent(
        &self,
        run: RunId,
        name: &str,
        payload: &str,
        key: Option<&str>,
    ) -> sqlx::Result<String> {
        match self.access().sees() {
            None => {
                sqlx::query_scalar!(
                    r#"select leadrail.signal_run($1, $2, $3::text::jsonb, $4) as "answer!""#,
                    run.0,
                    name,
                    payload,
                    key
                )
                .fetch_one(self.pool())
                .await
            }
            Some(_) => {
                sqlx::query_scalar!(
                    r#"select leadrail.signal_seen_run($1, $2, $3::text::jsonb, $4) as "answer!""#,
                    run.0,
                    name,
                    payload,
                    key
                )
                .fetch_one(self.access())
                .await
            }
        }
    }

    async fn cancelled(&self, run: RunId, why: &str) -> sqlx::Result<String> {
        match self.access().sees() {
            None => {
                sqlx::query_scalar!(
                    r#"select leadrail.cancel_run($1, $2) as "answer!""#,
                    run.0,
                    why
                )
                .fetch_one(self.pool())
                .await
            }
            Some(_) => {
                sqlx::query_scalar!(
                    r#"select leadrail.cancel_seen_run($1, $2) as "answer!""#,
                    run.0,
                    why
                )
                .fetch_one(self.access())
                .await
            }
        }
    }
}
