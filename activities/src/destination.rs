//! Where a lead goes, and how patiently: what all later steps need of a connection.

use std::time::Duration;

use leadrail_adapters::{CrmInfo, NotePlacement};
use leadrail_connections::{Connection, ConnectionId, OnUnknownOutcome};
use leadrail_engine::{ActivityOptions, Effect, OnUnknown, RetrySchedule, Wait, parse_duration};
use leadrail_lead::CrmName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Opening the connection and reading the answer take time besides the call itself.
const AROUND_THE_CALL: Duration = Duration::from_secs(5);
/// A look-up may read several pages, each a call of its own.
const CALLS_PER_LOOKUP: u32 = 3;

/// The gate behind which the leads of a connection wait while it cannot be used:
/// `connection:acme/housecall_pro`.
#[must_use]
pub fn gate_of(account: &str, crm: &str) -> String {
    format!("connection:{account}/{crm}")
}

/// A connection as the steps after `find_connection` know it, without credential and address:
/// those are read anew for each call. Stored in the run's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Destination {
    /// The connection.
    pub connection_id: ConnectionId,
    /// Whose it is.
    pub account: String,
    /// Its CRM.
    pub crm: CrmName,
    /// Where that CRM takes the note.
    pub note: NotePlacement,
    /// How long after a call's deadline its effect may still appear, in milliseconds.
    pub settle_ms: u64,
    /// The deadline of one call, in milliseconds.
    pub call_timeout_ms: u64,
    /// The connection's own retry schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<RetrySchedule>,
    /// What to do when nobody can know whether a call took effect; asks a person if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unknown: Option<OnUnknownOutcome>,
}

impl Destination {
    /// The connection's settings where it has some, the CRM's where it has none.
    pub(crate) fn new(connection: &Connection, crm: CrmName, info: &CrmInfo) -> Self {
        let settings = &connection.settings;
        let settle = settings
            .settle_seconds
            .map_or(info.settle, |seconds| Duration::from_secs(seconds.into()));
        let call_timeout = settings
            .call_timeout_ms
            .map_or(info.call_timeout, |ms| Duration::from_millis(ms.into()));
        Self {
            connection_id: connection.id,
            account: connection.account.clone(),
            crm,
            note: info.note,
            settle_ms: millis(settle),
            call_timeout_ms: millis(call_timeout),
            schedule: own_schedule(connection),
            on_unknown: settings.on_unknown_outcome,
        }
    }

    /// The gate behind which its leads wait while it cannot be used.
    #[must_use]
    pub fn gate(&self) -> String {
        gate_of(&self.account, self.crm.as_str())
    }

    /// The deadline of one call.
    #[must_use]
    pub fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }

    /// For steps that look.
    pub(crate) fn looking(&self) -> ActivityOptions {
        self.options(self.call_timeout() * CALLS_PER_LOOKUP + AROUND_THE_CALL)
    }

    /// For steps that make something with one call.
    pub(crate) fn making(&self) -> ActivityOptions {
        ActivityOptions {
            effect: Effect::Once,
            ..self.options(self.call_timeout() + AROUND_THE_CALL)
        }
    }

    fn options(&self, timeout: Duration) -> ActivityOptions {
        ActivityOptions {
            effect: Effect::Repeatable,
            timeout,
            settle: Duration::from_millis(self.settle_ms),
            schedule: self.schedule.clone(),
            on_unknown: match self.on_unknown {
                Some(OnUnknownOutcome::Retry) => OnUnknown::Retry,
                Some(OnUnknownOutcome::Ask) | None => OnUnknown::Ask,
            },
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Reads the connection's schedule. One that does not read must not stop a lead: the usual one
/// serves it as well.
fn own_schedule(connection: &Connection) -> Option<RetrySchedule> {
    let given = connection.settings.retry_schedule.as_ref()?;
    let schedule = schedule(given);
    if schedule.is_none() {
        tracing::warn!(connection.id = %connection.id, "The retry schedule of a connection does not read; the usual one is used");
    }
    schedule
}

/// A list of `{"delay": "30s", "jitter": "10s"}`.
fn schedule(given: &Value) -> Option<RetrySchedule> {
    let waits = given.as_array()?.iter().map(wait);
    waits.collect::<Option<Vec<_>>>().map(RetrySchedule::new)
}

fn wait(given: &Value) -> Option<Wait> {
    let duration = |key: &str| given.get(key).map(|text| parse_duration(text.as_str()?));
    let delay = duration("delay")??;
    let jitter = duration("jitter").unwrap_or(Some(Duration::ZERO))?;
    (jitter <= delay).then_some(Wait { delay, jitter })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(given: &Value) -> Option<String> {
        schedule(given).map(|schedule| serde_json::to_string(&schedule).unwrap())
    }

    #[test]
    fn a_connections_schedule_is_read_as_the_engine_writes_it() {
        let given = json!([{"delay": "30s", "jitter": "10s"}, {"delay": "2m"}]);
        assert_eq!(written(&given).as_deref(), Some(r#"["30s±10s","2m"]"#));
        assert_eq!(
            written(&json!([])).as_deref(),
            Some("[]"),
            "the first failure is final"
        );
    }

    #[test]
    fn a_schedule_that_does_not_read_is_none_at_all() {
        for given in [
            json!("30s"),
            json!([{"jitter": "10s"}]),
            json!([{"delay": "soon"}]),
            json!([{"delay": "1s", "jitter": "2s"}]),
            json!([{"delay": "1s", "jitter": null}]),
            json!([{"delay": "1s"}, {"delay": 5}]),
        ] {
            assert_eq!(written(&given), None, "{given}");
        }
    }

    #[test]
    fn a_step_may_take_longer_than_its_calls() {
        let destination: Destination = serde_json::from_value(json!({
            "connection_id": "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10",
            "account": "acme", "crm": "housecall_pro", "note": "with_lead",
            "settle_ms": 60_000, "call_timeout_ms": 20_000,
        }))
        .unwrap();
        assert!(destination.making().timeout > destination.call_timeout());
        assert!(destination.looking().timeout > destination.call_timeout() * 2);
        assert_eq!(destination.making().settle, Duration::from_secs(60));
        assert_eq!(destination.making().effect, Effect::Once);
        assert_eq!(destination.making().on_unknown, OnUnknown::Ask);
        assert_eq!(destination.gate(), "connection:acme/housecall_pro");
    }
}
