//! Where a lead goes, and how patiently: what all later steps need of a connection.

use std::time::Duration;

use leadrail_adapters::{Adapters, CrmAdapter, Step, StepKey, StepKind};
use leadrail_connections::{Connection, ConnectionId, OnUnknownOutcome};
use leadrail_engine::{ActivityOptions, Effect, OnUnknown, RetrySchedule, Wait, parse_duration};
use leadrail_lead::{CrmName, Lead};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Opening the connection and reading the answer take time besides the calls themselves.
const AROUND_THE_CALLS: Duration = Duration::from_secs(5);
/// A look of an audit may read several pages, each a call of its own.
const CALLS_PER_LOOK: u32 = 3;

/// A connection as the steps after `find_connection` know it, without secrets and address: those
/// are read anew for each call. Stored in the run's history, so a run follows the plan that it
/// began with, whatever the connection or a later build chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Destination {
    /// The connection.
    pub connection_id: ConnectionId,
    /// Whose it is.
    pub account: String,
    /// Its CRM.
    pub crm: CrmName,
    /// The CRM's plan, by name: `lead`, `booking`, `job`, ...
    pub plan: String,
    /// The plan's steps, in order.
    pub steps: Vec<StepKey>,
    /// The deadline of one call, in milliseconds.
    pub call_timeout_ms: u64,
    /// How long after a call's deadline its effect may still appear, in milliseconds, where the
    /// connection knows better than the CRM's step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle_ms: Option<u64>,
    /// The connection's own retry schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<RetrySchedule>,
    /// What to do when nobody can know whether a call took effect; asks a person if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unknown: Option<OnUnknownOutcome>,
    /// Whether its leads say that they are tests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

impl Destination {
    /// The plan that the connection's settings choose; its own patience where it has some, the
    /// CRM's where it has none.
    pub(crate) fn new(connection: &Connection, crm: CrmName, adapter: &dyn CrmAdapter) -> Self {
        let delivery = &connection.settings.delivery;
        let call_timeout = delivery
            .call_timeout_ms
            .map_or(adapter.crm().call_timeout, |ms| {
                Duration::from_millis(ms.into())
            });
        let settle = delivery
            .settle_seconds
            .map(|seconds| u64::from(seconds) * 1_000);
        let plan = adapter.plan(&connection.settings.crm);
        Self {
            connection_id: connection.id,
            account: connection.account.clone(),
            crm,
            plan: plan.name.to_owned(),
            steps: plan.keys(),
            call_timeout_ms: millis(call_timeout),
            settle_ms: settle,
            schedule: own_schedule(connection),
            on_unknown: delivery.on_unknown_outcome,
            test: delivery.test_mode.unwrap_or_default(),
        }
    }

    /// The gate behind which its leads wait while it cannot be used.
    #[must_use]
    pub fn gate(&self) -> String {
        gate_of(self.connection_id)
    }

    /// The lead as its CRM is to see it.
    #[must_use]
    pub fn shown(&self, lead: Lead) -> Lead {
        match self.test {
            true => lead.marked_as_test(),
            false => lead,
        }
    }

    /// The deadline of one call.
    #[must_use]
    pub fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }

    /// A step of the stored plan, as today's adapter takes it; `None` where it does so no more.
    pub(crate) fn step(&self, adapters: &Adapters, key: StepKey) -> Option<&'static Step> {
        let plans = adapters.get(&self.crm)?.plans();
        plans.iter().find(|plan| plan.name == self.plan)?.step(key)
    }

    /// How a step is run. One whose class is A, or that only looks, may simply run again.
    pub(crate) fn options(&self, step: Option<&Step>) -> ActivityOptions {
        let calls = step.map_or(1, |step| step.calls);
        let once = step.is_some_and(|step| matches!(step.kind, StepKind::Make { .. }));
        ActivityOptions {
            effect: if once {
                Effect::Once
            } else {
                Effect::Repeatable
            },
            timeout: self.call_timeout() * calls + AROUND_THE_CALLS,
            settle: self.settle_ms.map_or_else(
                || step.map_or(Duration::ZERO, Step::settle),
                Duration::from_millis,
            ),
            schedule: self.schedule.clone(),
            on_unknown: match self.on_unknown {
                Some(OnUnknownOutcome::Retry) => OnUnknown::Retry,
                Some(OnUnknownOutcome::Ask) | None => OnUnknown::Ask,
            },
        }
    }

    /// For an activity that looks whatever the plan's steps look for.
    pub(crate) fn looking(&self, looks: u32) -> ActivityOptions {
        ActivityOptions {
            timeout: self.call_timeout() * (CALLS_PER_LOOK * looks.max(1)) + AROUND_THE_CALLS,
            ..self.options(None)
        }
    }
}

/// The gate behind which the leads of a connection wait while it cannot be used.
#[must_use]
pub fn gate_of(connection: ConnectionId) -> String {
    format!("connection:{connection}")
}

/// The gate behind which leads wait whose address leads to no connection, or to several:
/// `address:acme/housecall_pro`. Whichever account on the CRM's side they name, every new connection
/// of the account to that CRM may be theirs.
#[must_use]
pub fn address_gate(account: &str, crm: &str) -> String {
    format!("address:{account}/{crm}")
}

/// Every gate that leads may wait at for this connection: its own, and that of the address that may
/// lead to it.
#[must_use]
pub fn gates_of(connection: &Connection) -> Vec<String> {
    let address = address_gate(&connection.account, &connection.crm);
    vec![gate_of(connection.id), address]
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Reads the connection's schedule. One that does not read must not stop a lead: the usual one
/// serves it as well.
fn own_schedule(connection: &Connection) -> Option<RetrySchedule> {
    let given = connection.settings.delivery.retry_schedule.as_ref()?;
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
impl Destination {
    /// Where the tests' leads go.
    pub(crate) fn example() -> Self {
        serde_json::from_value(serde_json::json!({
            "connection_id": "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10",
            "account": "acme", "crm": "housecall_pro", "plan": "lead",
            "steps": ["dedup_lookup", "customer_create", "lead_create"],
            "call_timeout_ms": 20_000,
        }))
        .unwrap()
    }
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
        let destination = Destination::example();
        let step = |key| destination.step(&Adapters::all(), key);
        let make = destination.options(step(StepKey::LEAD_CREATE));
        assert!(make.timeout > destination.call_timeout());
        assert_eq!(
            (make.settle, make.effect),
            (Duration::from_secs(60), Effect::Once)
        );
        assert_eq!(make.on_unknown, OnUnknown::Ask);
        let find = destination.options(step(StepKey::DEDUP_LOOKUP));
        assert!(find.timeout > destination.call_timeout() * 2);
        assert_eq!(find.effect, Effect::Repeatable);
        let impatient = Destination {
            settle_ms: Some(0),
            ..destination
        };
        let make = impatient.options(impatient.step(&Adapters::all(), StepKey::LEAD_CREATE));
        assert_eq!(make.settle, Duration::ZERO);
    }

    #[test]
    fn a_plan_that_this_build_does_not_have_has_no_steps() {
        let mut destination = Destination::example();
        destination.plan = "from_tomorrow".into();
        assert!(
            destination
                .step(&Adapters::all(), StepKey::LEAD_CREATE)
                .is_none()
        );
    }

    #[test]
    fn an_address_has_a_gate_and_a_connection_another() {
        let destination = Destination::example();
        assert_eq!(
            destination.gate(),
            "connection:3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10"
        );
        assert_eq!(address_gate("a", "jobber"), "address:a/jobber");
    }
}
