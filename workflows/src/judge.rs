//! Judges a payload at a door: what the payload's own checks say, and whether there is the CRM.

use chrono::{DateTime, Utc};
use leadrail_adapters::Adapters;
use leadrail_lead::{CrmName, Fault, Lead, LeadEvent, PayloadFaults, Warning, code};
use serde_json::Value;

/// Where a payload names its CRM.
const CRM: &str = "/routing/destination_crm";

/// Reads a payload that was received at a time.
///
/// A lead that is to be filed in a CRM that there is no adapter for is refused: it could only die,
/// and its name would make a lane. An unqualified one goes to no CRM anyway.
pub(crate) fn judge(payload: &Value, received: DateTime<Utc>) -> Result<Lead, PayloadFaults> {
    with_known_crm(Lead::received(payload.clone(), received), payload)
}

/// Reads a payload that is received now.
pub(crate) fn judge_now(payload: &Value) -> Result<Lead, PayloadFaults> {
    with_known_crm(Lead::from_value(payload.clone()), payload)
}

/// Reads the bytes of a payload that is received now; with the payload as it was given.
pub(crate) fn judge_bytes(bytes: &[u8]) -> Result<(Lead, Value), PayloadFaults> {
    let payload = Lead::parse(bytes)?;
    let lead = judge_now(&payload)?;
    Ok((lead, payload))
}

fn with_known_crm(
    read: Result<Lead, PayloadFaults>,
    payload: &Value,
) -> Result<Lead, PayloadFaults> {
    if !names_unknown_crm(payload) {
        return read;
    }
    match read {
        Ok(mut lead) if lead.event == LeadEvent::Unqualified => {
            lead.routing.destination_crm = None;
            lead.warnings.push(Warning::new(code::CRM, CRM));
            Ok(lead)
        }
        Ok(_) => Err(PayloadFaults(vec![unknown_crm()])),
        Err(mut faults) => {
            faults.0.push(unknown_crm());
            Err(faults)
        }
    }
}

fn names_unknown_crm(payload: &Value) -> bool {
    let name = payload.pointer(CRM).and_then(Value::as_str);
    let name = name.and_then(|name| CrmName::new(name).ok());
    name.is_some_and(|name| Adapters::all().get(&name).is_none())
}

fn unknown_crm() -> Fault {
    let adapters = Adapters::all();
    let names: Vec<_> = adapters.iter().map(|adapter| adapter.crm().name).collect();
    Fault {
        pointer: CRM.to_owned(),
        code: code::UNKNOWN_CRM,
        detail: format!(
            "must be a CRM that there is an adapter for: {}",
            names.join(", ")
        ),
    }
}
