//! The payload's fields as a table: what each may look like and whether it must be there.

use serde_json::Value;

use crate::shapes::{self, Wrong};

/// Whether a field must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    /// Required for `lead.qualified`: an unqualified lead goes nowhere.
    ToBeFiled,
    Optional,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(crate) enum Holds {
    /// One value, judged by one function.
    One(fn(&mut Value) -> Result<(), Wrong>),
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

const fn required(name: &'static str, holds: Holds) -> Field {
    Field {
        name,
        need: Need::Required,
        holds,
    }
}

const fn to_be_filed(name: &'static str, holds: Holds) -> Field {
    Field {
        name,
        need: Need::ToBeFiled,
        holds,
    }
}

const fn optional(name: &'static str, holds: Holds) -> Field {
    Field {
        name,
        need: Need::Optional,
        holds,
    }
}

use Holds::{Object, One};

/// The payload.
pub(crate) const LEAD: &[Field] = &[
    required("schema_version", One(shapes::version)),
    required("event", One(shapes::event)),
    required("event_id", One(shapes::event_id)),
    required("timestamp_utc", One(shapes::timestamp)),
    required("callsetter_account_id", One(shapes::account)),
    required("call", Object(CALL)),
    required("contact", Object(CONTACT)),
    required("service_request", Object(SERVICE_REQUEST)),
    optional("ai_analysis", Object(AI_ANALYSIS)),
    to_be_filed("routing", Object(ROUTING)),
];

const CALL: &[Field] = &[
    required("call_id", One(shapes::id)),
    optional("direction", One(shapes::line)),
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
    required("phone", One(shapes::phone)),
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
    optional("urgency", One(shapes::line)),
    optional("issue_description", One(shapes::free_text)),
    optional("preferred_schedule", One(shapes::line)),
    optional("is_existing_customer", One(shapes::flag)),
];

const AI_ANALYSIS: &[Field] = &[
    optional("sentiment", One(shapes::line)),
    optional("conversion_intent_score", One(shapes::score)),
    optional("qualification_status", One(shapes::line)),
    optional("disqualification_reason", One(shapes::free_text)),
    optional("qualifier_answers", One(shapes::any_object)),
];

const ROUTING: &[Field] = &[
    to_be_filed("destination_crm", One(shapes::crm)),
    optional("crm_account_id", One(shapes::id)),
    optional("assigned_to", One(shapes::id)),
];
