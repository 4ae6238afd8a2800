//! The payload's fields as a table: what each may look like and whether it must be there.

use serde_json::Value;

use crate::shapes::{self, Checked};

/// What it means for a lead when a field is absent or at fault: the one list of what makes a lead
/// useless. `leadrail.lead_faults` refuses the same.
///
/// What a program writes once for all its leads is refused when it is wrong: whoever builds the
/// program sees it with the first lead. What a call fills in is never a reason to lose the caller.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Without it the lead is useless, and so it is if it is wrong.
    Always,
    /// The same for `lead.qualified`: an unqualified lead goes nowhere.
    ToBeFiled,
    /// May be absent; wrong, a `lead.qualified` cannot be filed where it belongs.
    RightToBeFiled,
    /// A detail: its absence is worth a warning, and so is a fault.
    Expected,
    /// A detail that may be absent; a fault is worth a warning.
    Optional,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(crate) enum Holds {
    /// One value, judged by one function.
    One(fn(&Value) -> Checked),
    /// An object with known fields of its own.
    Object(&'static [Field]),
}

/// One known field of an object.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
    pub(crate) holds: Holds,
}

const fn field(name: &'static str, need: Need, holds: Holds) -> Field {
    Field { name, need, holds }
}

const fn optional(name: &'static str, holds: Holds) -> Field {
    field(name, Need::Optional, holds)
}

use Holds::{Object, One};
use Need::{Always, Expected, RightToBeFiled, ToBeFiled};

/// The payload.
pub(crate) const LEAD: &[Field] = &[
    field("schema_version", Always, One(shapes::version)),
    field("event", Always, One(shapes::event)),
    field("event_id", Always, One(shapes::event_id)),
    field("timestamp_utc", Expected, One(shapes::timestamp)),
    field("callsetter_account_id", Always, One(shapes::account)),
    field("call", Expected, Object(CALL)),
    field("contact", Expected, Object(CONTACT)),
    field("service_request", Expected, Object(SERVICE_REQUEST)),
    optional("ai_analysis", Object(AI_ANALYSIS)),
    field("routing", ToBeFiled, Object(ROUTING)),
];

const CALL: &[Field] = &[
    field("call_id", Expected, One(shapes::id)),
    optional("direction", One(shapes::direction)),
    optional("duration_seconds", One(shapes::seconds)),
    optional("started_at", One(shapes::timestamp)),
    optional("ended_at", One(shapes::timestamp)),
    optional("recording_url", One(shapes::link)),
    optional("transcript_url", One(shapes::link)),
    optional("transcript_summary", One(shapes::free_text)),
];

const CONTACT: &[Field] = &[
    optional("first_name", One(shapes::line)),
    optional("last_name", One(shapes::line)),
    field("phone", Expected, One(shapes::phone)),
    optional("email", One(shapes::email)),
    optional("address", Object(ADDRESS)),
];

const ADDRESS: &[Field] = &[
    optional("street", One(shapes::line)),
    optional("city", One(shapes::line)),
    optional("state", One(shapes::line)),
    optional("zip", One(shapes::line)),
    optional("country", One(shapes::line)),
];

const SERVICE_REQUEST: &[Field] = &[
    optional("service_type", One(shapes::line)),
    optional("sub_type", One(shapes::line)),
    optional("urgency", One(shapes::urgency)),
    optional("issue_description", One(shapes::free_text)),
    optional("preferred_schedule", One(shapes::line)),
    optional("is_existing_customer", One(shapes::flag)),
];

const AI_ANALYSIS: &[Field] = &[
    optional("sentiment", One(shapes::sentiment)),
    optional("conversion_intent_score", One(shapes::score)),
    optional("qualification_status", One(shapes::qualification_status)),
    optional("disqualification_reason", One(shapes::free_text)),
    optional("qualifier_answers", One(shapes::any_object)),
];

const ROUTING: &[Field] = &[
    field("destination_crm", ToBeFiled, One(shapes::crm)),
    field("crm_account_id", RightToBeFiled, One(shapes::id)),
    optional("assigned_to", One(shapes::id)),
];
