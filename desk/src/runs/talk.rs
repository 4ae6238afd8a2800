//! Saying something to a run, and asking it.

use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult, has_nul};
use leadrail_engine::{LARGEST_VALUE, RunId, Sent};
use leadrail_lead::is_unshown;
use serde_json::Value;

/// So many signals, and so many bytes of them, may wait for one run: it may never ask for any.
const MOST_WAITING: i64 = 1_000;
const MOST_WAITING_BYTES: i64 = 16 << 20;

impl Desk {
    /// Sends a signal to a run, which keeps it until it asks for it. The same `key` again is the same
    /// signal.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for a `name` that has not 1 to 200 characters that are shown, a `key` that has not 1 to 200
    /// visible ASCII characters, or a `payload` with NUL in a text; [`DeskError::SignalTooLarge`] for one of
    /// more than [`LARGEST_VALUE`] bytes, [`DeskError::TooManySignals`] where too many wait for the run
    /// already; or when the database cannot be written.
    pub async fn signal(
        &self,
        who: &Actor,
        run: RunId,
        name: &str,
        payload: &Value,
        key: Option<&str>,
    ) -> DeskResult<Sent> {
        check(name, payload, key)?;
        self.refuse_more(run, key).await?;
        let sent = self.engine().signal(run, name, payload, key).await?;
        let outcome = match sent {
            Sent::Sent => "sent",
            Sent::Duplicate => "duplicate",
            Sent::Ended => "ended",
            Sent::Unknown => "unknown",
        };
        self.note(who, Action::RunSignal, &run, &outcome).await;
        Ok(sent)
    }

    /// Refuses a signal that is new where as many wait as may.
    async fn refuse_more(&self, run: RunId, key: Option<&str>) -> DeskResult<()> {
        let waiting = sqlx::query!(
            r#"
            select count(*) as "signals!", coalesce(sum(pg_column_size(payload)), 0)::bigint as "bytes!",
                   exists (select from leadrail.seen_signal s where s.run_id = $1 and s.key = $2) as "sent!"
            from leadrail.seen_signal
            where run_id = $1 and taken_at is null
            "#,
            run.0,
            key
        );
        let waiting = waiting.fetch_one(self.engine().access()).await?;
        let full = waiting.signals >= MOST_WAITING || waiting.bytes >= MOST_WAITING_BYTES;
        match full && !waiting.sent {
            true => Err(DeskError::TooManySignals),
            false => Ok(()),
        }
    }

    /// What a run publishes under a name, if it does.
    ///
    /// # Errors
    /// [`DeskError::Refused`] for a name with NUL in it, or when the database cannot be read.
    pub async fn state(&self, run: RunId, name: &str) -> DeskResult<Option<Value>> {
        if has_nul(name) {
            return Err(DeskError::refused("name", "a name has no NUL in it"));
        }
        Ok(self.engine().query(run, name).await?)
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => has_nul(text),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| has_nul(key) || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn check(name: &str, payload: &Value, key: Option<&str>) -> DeskResult<()> {
    if !(1..=200).contains(&name.chars().count()) || name.contains(is_unshown) {
        let rule = "a signal's name has 1 to 200 characters, all of them shown";
        return Err(DeskError::refused("name", rule));
    }
    let is_visible = |key: &str| key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if key.is_some_and(|key| !(1..=200).contains(&key.len()) || !is_visible(key)) {
        let rule = "a signal's key has 1 to 200 visible ASCII characters";
        return Err(DeskError::refused("key", rule));
    }
    if payload.to_string().len() > LARGEST_VALUE {
        return Err(DeskError::SignalTooLarge);
    }
    // What PostgreSQL cannot store as text would come back as a fault of ours.
    if holds_nul(payload) {
        let rule = "the payload has a NUL character in a text";
        return Err(DeskError::refused("payload", rule));
    }
    Ok(())
}
