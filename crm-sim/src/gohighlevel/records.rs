//! What the books are made of, and what every location has from its first day.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

/// Users of every location: id, name, and whether they have left.
pub(super) const USERS: [(&str, &str, bool); 3] = [
    ("usrSamOrtiz000000001", "Sam Ortiz", false),
    ("usrLeeTran0000000002", "Lee Tran", false),
    ("usrGoneAway000000003", "Gone Away", true),
];

/// A pipeline, with its stages by id and name.
pub(super) struct Pipeline {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) stages: &'static [(&'static str, &'static str)],
}

/// Pipelines of every location.
pub(super) const PIPELINES: [Pipeline; 2] = [
    Pipeline {
        id: "pipSales000000000001",
        name: "Sales",
        stages: &[
            ("stgNewLead0000000001", "New lead"),
            ("stgBooked00000000002", "Booked"),
        ],
    },
    Pipeline {
        id: "pipInstall0000000002",
        name: "Installation",
        stages: &[("stgMeasure0000000003", "Measure")],
    },
];

/// Custom fields of every location: id, name, kind and whose they are.
pub(super) const CUSTOM_FIELDS: [(&str, &str, &str, &str); 4] = [
    ("cfContactRef00000001", "Call reference", "TEXT", "contact"),
    (
        "cfRoofAge00000000002",
        "Age of the roof",
        "NUMERICAL",
        "contact",
    ),
    (
        "cfDealRef00000000003",
        "Call reference",
        "TEXT",
        "opportunity",
    ),
    ("cfDealSize0000000004", "Size", "MONETORY", "opportunity"),
];

/// The value of a custom field.
#[derive(Clone, Serialize)]
pub(super) struct FieldValue {
    pub(super) id: String,
    pub(super) value: Value,
}

/// A contact in the books; serialized it is the specification's `Contact`.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contact {
    pub(super) id: String,
    pub(super) location_id: String,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) address1: Option<String>,
    pub(super) city: Option<String>,
    pub(super) state: Option<String>,
    pub(super) postal_code: Option<String>,
    pub(super) country: Option<String>,
    pub(super) source: Option<String>,
    pub(super) assigned_to: Option<String>,
    pub(super) company_name: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) custom_fields: Vec<FieldValue>,
    pub(super) additional_phones: Vec<Value>,
    pub(super) date_added: DateTime<Utc>,
}

impl Contact {
    /// What it is called in lists.
    pub(super) fn name(&self) -> String {
        let names = [self.first_name.as_deref(), self.last_name.as_deref()];
        names.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// An opportunity in the books; serialized it is the specification's.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Opportunity {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) location_id: String,
    pub(super) pipeline_id: String,
    pub(super) pipeline_stage_id: String,
    pub(super) status: &'static str,
    pub(super) contact_id: String,
    pub(super) assigned_to: Option<String>,
    pub(super) monetary_value: Option<f64>,
    pub(super) custom_fields: Vec<FieldValue>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl Opportunity {
    /// As the API shows it: values of custom fields have another name here than in contacts.
    pub(super) fn show(&self) -> Value {
        let mut shown = json!(self);
        let fields = self.custom_fields.iter();
        shown["customFields"] = fields
            .map(|field| json!({"id": field.id, "fieldValue": field.value}))
            .collect();
        shown
    }
}

/// A note on a contact; serialized it is the specification's `GetNoteSchema`.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) user_id: Option<String>,
    pub(super) contact_id: String,
    pub(super) date_added: DateTime<Utc>,
}

/// Whether there is such a user now.
pub(super) fn has_user(id: &str) -> bool {
    USERS.iter().any(|(user, _, gone)| *user == id && !gone)
}

/// Ids are 20 letters and digits, and random, so that those of a restarted stand-in cannot pass for those
/// of the one before.
pub(super) fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..20].to_owned()
}
