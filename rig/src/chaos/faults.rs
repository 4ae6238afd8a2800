//! How the simulated CRM misbehaves: always the same for one seed.

use super::control::Control;
use super::plan::Plan;
use crate::rig::CRM;
use leadrail_crm_sim::{CrmSim, Fault, FaultMatch, FaultRule, RetryAfter};
use serde_json::{Value, json};

/// Longer than any call may take.
const HANG_MS: u64 = 30_000;
/// After everything that a step may take (its call and what is around it: 5.8 s), within the
/// settle time that follows.
const LATE_MS: u64 = 6_300;
/// Without a settle time a look comes after 5.8 s at the earliest; this is later for sure.
const LATER_MS: u64 = 8_000;
/// Each kind fires once for sure, however small the run: on a request among its first.
const FIRST_AT: u64 = 12;

/// One kind of misbehavior.
struct Trouble {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    share: f64,
    fault: Fault,
}

/// How often a kind of misbehavior fired.
pub(super) struct Fired {
    pub(super) name: &'static str,
    pub(super) times: u64,
}

/// Arms all of them: each kind once for sure, and its share by chance.
pub(super) fn arm(sim: &CrmSim, plan: &Plan) -> anyhow::Result<()> {
    for (number, trouble) in (0u64..).zip(troubles(plan)) {
        let matching = FaultMatch {
            method: Some(trouble.method.into()),
            path_prefix: Some(trouble.path.into()),
            ..FaultMatch::default()
        };
        let once = FaultMatch {
            skip: FIRST_AT + number,
            times: Some(1),
            ..matching.clone()
        };
        let by_chance = FaultMatch {
            probability: Some(trouble.share),
            seed: plan.seed.wrapping_mul(1_000).wrapping_add(number),
            ..matching
        };
        for matching in [once, by_chance] {
            let fault = trouble.fault.clone();
            sim.add_fault(CRM, FaultRule { matching, fault })?;
        }
    }
    Ok(())
}

/// How often each fault has fired.
pub(super) fn fired(sim: &CrmSim, plan: &Plan) -> Vec<Fired> {
    let rules = sim.faults(CRM);
    let rules = rules.as_array().map_or(&[][..], Vec::as_slice);
    let fired = |rule: &Value| rule["fired"].as_u64().unwrap_or_default();
    let each = troubles(plan).into_iter().zip(rules.chunks(2));
    each.map(|(trouble, rules)| Fired {
        name: trouble.name,
        times: rules.iter().map(fired).sum(),
    })
    .collect()
}

/// The first that fires wins, so what stands further down is a little rarer than it says.
fn troubles(plan: &Plan) -> Vec<Trouble> {
    let making = |name, share, fault| trouble(name, "POST", "/", share, fault);
    let looking = |name, share, fault| trouble(name, "GET", "/", share, fault);
    let (late_share, delay_ms) = match plan.without {
        Some(Control::Settle) => (0.10, LATER_MS),
        _ => (0.02, LATE_MS),
    };
    let late = Fault::LateEffect {
        delay_ms,
        hang_ms: HANG_MS,
    };
    vec![
        making("late_effect", late_share, late),
        making("5xx_before_effect", 0.05, before(503, None)),
        making(
            "5xx_after_effect",
            0.02,
            Fault::StatusAfter {
                status: 502,
                body: None,
            },
        ),
        making(
            "hang_after_effect",
            0.05,
            Fault::TimeoutAfter { hang_ms: HANG_MS },
        ),
        making("reset_after_effect", 0.03, Fault::ResetAfter {}),
        making("throttled", 0.03, throttle()),
        making(
            "200_with_error",
            0.01,
            before(200, Some(json!({"error": "try again"}))),
        ),
        making("bad_json", 0.01, Fault::InvalidJson {}),
        making(
            "slow_bytes",
            0.01,
            Fault::SlowBytes {
                bytes_per_second: 20,
            },
        ),
        making("huge_body", 0.002, Fault::HugeBody { bytes: 4 << 20 }),
        trouble(
            "rejected",
            "POST",
            "/leads",
            0.005,
            Fault::Reject { body: None },
        ),
        looking("lookup_5xx", 0.05, before(503, None)),
        looking("lookup_down", 0.01, Fault::Down {}),
        looking("lookup_throttled", 0.01, throttle()),
    ]
}

fn trouble(
    name: &'static str,
    method: &'static str,
    path: &'static str,
    share: f64,
    fault: Fault,
) -> Trouble {
    Trouble {
        name,
        method,
        path,
        share,
        fault,
    }
}

fn before(status: u16, body: Option<Value>) -> Fault {
    Fault::StatusBefore { status, body }
}

fn throttle() -> Fault {
    let retry_after = Some(RetryAfter::Seconds(1));
    Fault::Throttle { retry_after }
}
