//! The lead itself, in the shape of the payload. Validation is in `validate`.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::faults::PayloadFaults;
use crate::warnings::{Remark, Warning};
use crate::words::{Direction, LeadEvent, QualificationStatus, Sentiment, Urgency};
use crate::{AccountId, CrmName, EventId, Phone, validate};

/// How long the pre-signed recording and transcript links live, counted from `timestamp_utc`.
pub const LINK_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// The priority of an unqualified lead, behind every qualified one.
const UNQUALIFIED_PRIORITY: i16 = 5;

/// One phone call's lead, payload version 1.x.
///
/// Fields this version does not know are in `unknown`, here and in every object below, and are
/// written out again. Absent and null mean the same for every field that is not required.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend(
    "if" = { "properties": { "event": { "const": "lead.qualified" } } },
    "then" = {
        "required": ["routing"],
        "properties": { "routing": { "type": "object", "required": ["destination_crm"],
            "properties": { "destination_crm": { "type": "string" } } } }
    }
))]
pub struct Lead {
    /// `1.x`; a new minor version only adds fields.
    #[schemars(regex(pattern = r"^1\.[0-9]{1,5}$"), example = "1.0")]
    pub schema_version: String,
    /// Whether the lead is filed in a CRM or only recorded.
    pub event: LeadEvent,
    /// The idempotency key: sending the same lead again under it does nothing.
    pub event_id: EventId,
    /// When the event happened, RFC 3339 with an offset. Absent, or more than a day ahead, it is the
    /// time of receipt.
    #[schemars(with = "Option<DateTime<Utc>>")]
    pub timestamp_utc: DateTime<Utc>,
    /// The account whose lead it is.
    pub callsetter_account_id: AccountId,
    /// The phone call.
    #[serde(default)]
    #[schemars(with = "Option<Call>")]
    pub call: Call,
    /// The caller.
    pub contact: Contact,
    /// What the caller needs.
    #[serde(default)]
    #[schemars(with = "Option<ServiceRequest>")]
    pub service_request: ServiceRequest,
    /// What the analysis made of the call.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<AiAnalysis>")]
    pub ai_analysis: AiAnalysis,
    /// Where the lead goes; required for `lead.qualified`.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<Routing>")]
    pub routing: Routing,
    /// The details that could not be taken as they were given.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
    /// What the note says besides: those details, an extension, fields this version does not know.
    #[serde(skip)]
    pub remarks: Vec<Remark>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The phone call behind the lead.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Call {
    /// The call pipeline's id of the call; empty where it was not given.
    #[serde(default, deserialize_with = "null_as_default")]
    #[schemars(with = "Option<String>", length(max = "crate::MAX_ID_CHARS"))]
    pub call_id: String,
    /// Who called whom.
    pub direction: Option<Direction>,
    /// Length of the call in seconds; a fraction is dropped.
    #[schemars(with = "Option<f64>", range(min = 0, max = 4294967295u32))]
    pub duration_seconds: Option<u32>,
    /// When the call began, RFC 3339 with an offset.
    pub started_at: Option<DateTime<Utc>>,
    /// When the call ended, RFC 3339 with an offset.
    pub ended_at: Option<DateTime<Utc>>,
    /// Pre-signed link to the recording; it dies 24 hours after the event.
    #[schemars(url, length(max = "crate::MAX_URL_CHARS"))]
    pub recording_url: Option<String>,
    /// Pre-signed link to the transcript; it dies 24 hours after the event.
    #[schemars(url, length(max = "crate::MAX_URL_CHARS"))]
    pub transcript_url: Option<String>,
    /// The call in a few sentences.
    #[schemars(length(max = "crate::MAX_TEXT_CHARS"))]
    pub transcript_summary: Option<String>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The caller. Something must be there by which to reach him; all else may be missing.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    /// Given name.
    #[schemars(length(max = "crate::MAX_LINE_CHARS"))]
    pub first_name: Option<String>,
    /// Family name.
    #[schemars(length(max = "crate::MAX_LINE_CHARS"))]
    pub last_name: Option<String>,
    /// The number to call back, normalized to E.164; without a country code it is American. None where
    /// it is withheld or does not read: then [`Lead::remarks`] has what was given.
    pub phone: Option<Phone>,
    /// E-mail address.
    #[schemars(email, length(max = 254))]
    pub email: Option<String>,
    /// Where the work is to be done.
    pub address: Option<Address>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Contact {
    /// The ten digits of a North American number; several CRMs take nothing else.
    #[must_use]
    pub fn nanp_digits(&self) -> Option<&str> {
        self.phone.as_ref()?.nanp_digits()
    }

    /// The number, where it is from elsewhere.
    #[must_use]
    pub fn foreign_number(&self) -> Option<&str> {
        let foreign = self.phone.as_ref().filter(|phone| !phone.is_american());
        foreign.map(Phone::as_str)
    }

    /// First and last name, whichever there are.
    #[must_use]
    pub fn full_name(&self) -> Option<String> {
        let names: Vec<&str> = [&self.first_name, &self.last_name]
            .into_iter()
            .flatten()
            .map(|n| n.trim())
            .collect();
        (!names.is_empty()).then(|| names.join(" "))
    }
}

/// A postal address, any part of which may be unknown.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// Street and number.
    #[schemars(length(max = "crate::MAX_LINE_CHARS"))]
    pub street: Option<String>,
    /// City.
    #[schemars(length(max = "crate::MAX_LINE_CHARS"))]
    pub city: Option<String>,
    /// State or province, best as its two letters.
    #[schemars(length(max = "crate::MAX_LINE_CHARS"))]
    pub state: Option<String>,
    /// Postal code.
    #[schemars(length(max = "crate::MAX_LINE_CHARS"))]
    pub zip: Option<String>,
    /// Country, best as its two letters (ISO 3166-1 alpha-2).
    #[schemars(length(max = "crate::MAX_LINE_CHARS"))]
    pub country: Option<String>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// What the caller needs.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceRequest {
    /// The trade, such as HVAC, plumbing, roofing.
    #[schemars(length(max = "crate::MAX_LINE_CHARS"))]
    pub service_type: Option<String>,
    /// The kind of job within the trade, such as `heating_repair`.
    #[schemars(length(max = "crate::MAX_LINE_CHARS"))]
    pub sub_type: Option<String>,
    /// How soon; it sets the priority. Absent it ranks as flexible, an unknown word as same day.
    pub urgency: Option<Urgency>,
    /// The problem in the caller's words.
    #[schemars(length(max = "crate::MAX_TEXT_CHARS"))]
    pub issue_description: Option<String>,
    /// When the caller wants someone, as text: it has no offset and may be no date at all.
    #[schemars(length(max = "crate::MAX_LINE_CHARS"), example = "2026-05-27T08:00:00")]
    pub preferred_schedule: Option<String>,
    /// Whether the caller says to be a customer already.
    pub is_existing_customer: Option<bool>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// What the analysis made of the call.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AiAnalysis {
    /// The caller's mood.
    pub sentiment: Option<Sentiment>,
    /// How likely the caller is to buy, 0.0 to 1.0.
    #[schemars(range(min = 0, max = 1))]
    pub conversion_intent_score: Option<f64>,
    /// Whether the call is worth filing.
    pub qualification_status: Option<QualificationStatus>,
    /// Why it is not.
    #[schemars(length(max = "crate::MAX_TEXT_CHARS"))]
    pub disqualification_reason: Option<String>,
    /// The account's own qualifying questions and their answers, free in shape.
    pub qualifier_answers: Option<Map<String, Value>>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Where the lead goes.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Routing {
    /// The CRM; required for `lead.qualified`.
    pub destination_crm: Option<CrmName>,
    /// The account's id in that CRM.
    #[schemars(length(max = "crate::MAX_ID_CHARS"))]
    pub crm_account_id: Option<String>,
    /// The CRM's id of the person to give the lead to.
    #[schemars(length(max = "crate::MAX_ID_CHARS"))]
    pub assigned_to: Option<String>,
    /// Fields this version does not know.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

impl Lead {
    /// Parses the bytes of a payload, without a look at what they say.
    ///
    /// # Errors
    /// Where they are no JSON, have a key twice in one object, or are too many.
    pub fn parse(bytes: &[u8]) -> Result<Value, PayloadFaults> {
        validate::parse(bytes)
    }

    /// Reads a payload that is received now from its bytes, for whoever does not keep it.
    ///
    /// # Errors
    /// As [`Lead::parse`] and [`Lead::received`].
    pub fn from_slice(bytes: &[u8]) -> Result<Self, PayloadFaults> {
        Self::from_value(validate::parse(bytes)?)
    }

    /// Reads a payload that is parsed already and received now.
    ///
    /// # Errors
    /// As [`Lead::received`].
    #[expect(
        clippy::disallowed_methods,
        reason = "tells whoever hands the lead over of a time that is far off; its run reads it by the database's time"
    )]
    pub fn from_value(payload: Value) -> Result<Self, PayloadFaults> {
        Self::received(payload, Utc::now())
    }

    /// Reads a payload that was received at a time; the same payload and time always make the same lead.
    ///
    /// Known fields come out tidied: the phone in E.164, blank texts as absent. A detail that cannot be
    /// taken as it was given is a warning, and the note has it.
    ///
    /// # Errors
    /// Everything that makes the lead useless, at once; none repeats a value.
    pub fn received(payload: Value, at: DateTime<Utc>) -> Result<Self, PayloadFaults> {
        validate::read(payload, at)
    }

    /// The priority of the lead's run: 0 (emergency) to 3 (flexible), 5 for an unqualified lead.
    #[must_use]
    pub fn priority(&self) -> i16 {
        match self.event {
            LeadEvent::Unqualified => UNQUALIFIED_PRIORITY,
            LeadEvent::Qualified => {
                let urgency = self.service_request.urgency.as_ref();
                urgency.map_or(Urgency::Flexible.priority(), Urgency::priority)
            }
        }
    }

    /// When the recording and transcript links die.
    #[must_use]
    pub fn links_expire_at(&self) -> DateTime<Utc> {
        self.timestamp_utc
            .checked_add_signed(LINK_LIFETIME)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Reads an absent or null object as one with nothing in it.
fn null_as_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(from).map(Option::unwrap_or_default)
}

impl fmt::Debug for Lead {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lead")
            .field("event_id", &self.event_id)
            .field("account", &self.callsetter_account_id)
            .field("crm", &self.routing.destination_crm)
            .finish_non_exhaustive()
    }
}

/// Shows the name of a type and nothing of what it holds: all of it may be personal.
macro_rules! closed_debug {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}
closed_debug!(Call, Contact, Address, ServiceRequest, AiAnalysis, Routing);
