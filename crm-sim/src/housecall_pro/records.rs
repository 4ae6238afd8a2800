//! What the books are made of, in the shapes of Housecall Pro's OpenAPI document.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// What a caller says of a customer, Housecall Pro OpenAPI `CustomerCreate` without addresses.
#[derive(Clone, Default, Serialize)]
pub(super) struct CustomerFields {
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) mobile_number: Option<String>,
    pub(super) home_number: Option<String>,
    pub(super) work_number: Option<String>,
    /// The customer's own firm, not the account.
    pub(super) company: Option<String>,
    pub(super) notifications_enabled: bool,
    pub(super) lead_source: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) tags: Vec<String>,
}

/// A customer in the books; serialized it is the OpenAPI's `Customer`.
#[derive(Clone, Serialize)]
pub(super) struct Customer {
    pub(super) id: String,
    #[serde(flatten)]
    pub(super) fields: CustomerFields,
    pub(super) addresses: Vec<Address>,
    pub(super) company_id: String,
    pub(super) company_name: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// A postal address; serialized it is the OpenAPI's `Address`.
#[derive(Clone, Default, Serialize)]
pub(super) struct Address {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) purpose: &'static str,
    pub(super) street: Option<String>,
    pub(super) street_line_2: Option<String>,
    pub(super) city: Option<String>,
    pub(super) state: Option<String>,
    pub(super) zip: Option<String>,
    pub(super) country: Option<String>,
}

/// What a caller says of a lead, without whom it is about.
#[derive(Clone, Default, Serialize)]
pub(super) struct LeadFields {
    pub(super) assigned_employee_id: Option<String>,
    pub(super) lead_source: Option<String>,
    pub(super) note: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) tax_name: Option<String>,
    pub(super) tax_rate: Option<i64>,
}

/// A lead in the books.
#[derive(Clone)]
pub(super) struct Lead {
    pub(super) id: String,
    pub(super) number: usize,
    pub(super) fields: LeadFields,
    pub(super) customer: Arc<Customer>,
    pub(super) address: Option<Address>,
    pub(super) status: &'static str,
    pub(super) conversion: Option<Conversion>,
    pub(super) company: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// What a won lead became.
#[derive(Clone, Serialize)]
pub(super) struct Conversion {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

/// What a caller says of a job, without whom and where it is about.
#[derive(Clone, Default, Serialize)]
pub(super) struct JobFields {
    /// Unique in the company.
    pub(super) invoice_number: Option<i64>,
    pub(super) scheduled_start: Option<String>,
    pub(super) scheduled_end: Option<String>,
    pub(super) assigned_employee_ids: Vec<String>,
    pub(super) lead_source: Option<String>,
    pub(super) tags: Vec<String>,
}

/// A job in the books.
pub(super) struct Job {
    pub(super) company: String,
    pub(super) id: String,
    pub(super) number: i64,
    pub(super) fields: JobFields,
    /// The lead that it was made of, if it was.
    pub(super) lead_id: Option<String>,
    pub(super) customer: Arc<Customer>,
    pub(super) address: Option<Address>,
    pub(super) created_at: DateTime<Utc>,
}

/// A note on a job.
#[derive(Serialize)]
pub(super) struct Note {
    pub(super) company: String,
    pub(super) id: String,
    pub(super) job_id: String,
    pub(super) content: String,
    pub(super) created_at: DateTime<Utc>,
}
