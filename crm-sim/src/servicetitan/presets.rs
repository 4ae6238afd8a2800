//! What every company has from its first day, with the same ids in all of them.

use serde_json::{Value, json};

use super::record::Draft;

/// When the presets were set up.
const SINCE: &str = "2026-01-05T12:00:00Z";

/// An entry of a list that a contractor keeps in its settings.
pub(super) struct Preset {
    pub(super) id: i64,
    pub(super) name: &'static str,
    pub(super) active: bool,
}

const fn active(id: i64, name: &'static str) -> Preset {
    let active = true;
    Preset { id, name, active }
}

const fn retired(id: i64, name: &'static str) -> Preset {
    let active = false;
    Preset { id, name, active }
}

pub(super) static CAMPAIGNS: &[Preset] = &[
    active(11, "Phone calls"),
    active(12, "Web"),
    retired(13, "Radio 2019"),
];

pub(super) static BUSINESS_UNITS: &[Preset] = &[
    active(22, "HVAC Service"),
    active(23, "Plumbing"),
    retired(24, "Old Town Shop"),
];

pub(super) static JOB_TYPES: &[Preset] = &[
    active(33, "AC Repair"),
    active(34, "Drain Cleaning"),
    retired(35, "Furnace Recall"),
];

pub(super) static TAG_TYPES: &[Preset] = &[active(41, "Call"), active(42, "Urgent")];

pub(super) static CALL_REASONS: &[Preset] = &[active(51, "Price shopping"), active(52, "Later")];

/// The booking provider tag that every company has.
pub(super) static PROVIDER: Preset = active(99, "Call answering");

/// The business units that do jobs of a type.
pub(super) fn units_of(job_type: i64) -> &'static [i64] {
    match job_type {
        33 => &[22],
        34 => &[23],
        _ => &[22, 23],
    }
}

pub(super) fn provider_tag() -> Draft {
    let name = PROVIDER.name;
    Draft::of(json!({"tagName": name, "description": name, "type": "V2Api"})).active()
}

impl Preset {
    /// The fields that all presets have.
    pub(super) fn show(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "active": self.active,
            "createdOn": SINCE,
            "modifiedOn": SINCE,
        })
    }
}
