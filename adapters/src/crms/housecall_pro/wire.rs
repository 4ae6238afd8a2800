//! Housecall Pro's JSON, as far as it is used. Field names are those of the OpenAPI schemas
//! named on each type.

use serde::{Deserialize, Serialize};

use crate::contract::remote_id;
use crate::text::place::{agree, area, key};

/// `Address`, and the inline address of `LeadCreate` (which has no country).
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq)]
pub(super) struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) zip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<String>,
}

impl Address {
    /// Whether an address that is there is this place: the same street, and the same postal code, or
    /// the same city where one of the two has no code.
    pub(super) fn is(&self, known: &KnownAddress) -> bool {
        let second = known.street_line_2.as_deref().unwrap_or_default();
        let street = format!("{} {second}", known.street.as_deref().unwrap_or_default());
        let same_street = agree(self.street.as_deref(), Some(&street), key) == Some(true);
        same_street
            && agree(self.zip.as_deref(), known.zip.as_deref(), area)
                .or_else(|| agree(self.city.as_deref(), known.city.as_deref(), key))
                .unwrap_or(true)
    }
}

/// `CustomerCreate`. At least one of name, e-mail and number must be there.
#[derive(Serialize)]
pub(super) struct NewCustomer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mobile_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) notes: Option<String>,
    pub(super) notifications_enabled: bool,
    pub(super) lead_source: String,
    pub(super) tags: Vec<String>,
    pub(super) addresses: Vec<Address>,
}

/// `LeadCreate`.
#[derive(Serialize)]
pub(super) struct NewLead<'a> {
    pub(super) customer_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) assigned_employee_id: Option<String>,
    pub(super) lead_source: String,
    pub(super) note: String,
    pub(super) tags: Vec<String>,
}

/// `AddressCreate`, which needs all of it.
#[derive(Serialize)]
pub(super) struct NewAddress {
    pub(super) street: String,
    pub(super) city: String,
    pub(super) state: String,
    pub(super) zip: String,
    pub(super) country: String,
}

/// `JobCreate`.
#[derive(Serialize)]
pub(super) struct NewJob<'a> {
    pub(super) customer_id: &'a str,
    pub(super) address_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schedule: Option<Schedule>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) assigned_employee_ids: Vec<String>,
    pub(super) lead_source: String,
    pub(super) tags: Vec<String>,
}

/// `schedule` of `JobCreate`, in ISO 8601.
#[derive(Serialize)]
pub(super) struct Schedule {
    pub(super) scheduled_start: String,
    pub(super) scheduled_end: String,
}

/// `Customer`.
#[derive(Deserialize)]
pub(super) struct Customer {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    pub(super) email: Option<String>,
    pub(super) mobile_number: Option<String>,
    pub(super) home_number: Option<String>,
    pub(super) work_number: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) tags: Option<Vec<String>>,
    pub(super) created_at: Option<String>,
    pub(super) addresses: Option<Vec<KnownAddress>>,
}

/// `Address` of a customer that is there.
#[derive(Deserialize)]
pub(super) struct KnownAddress {
    pub(super) id: Option<String>,
    pub(super) street: Option<String>,
    pub(super) street_line_2: Option<String>,
    pub(super) city: Option<String>,
    pub(super) zip: Option<String>,
}

/// `Address` as it is answered when it was made.
#[derive(Deserialize)]
pub(super) struct MadeAddress {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
}

/// `Job` as it is made and listed.
#[derive(Deserialize)]
pub(super) struct FiledJob {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    pub(super) tags: Option<Vec<String>>,
    pub(super) created_at: Option<String>,
}

/// `Job` that is asked for. One without notes proves nothing, so they must be there.
#[derive(Deserialize)]
pub(super) struct Job {
    pub(super) notes: Vec<Note>,
}

/// `Note` of a job.
#[derive(Deserialize)]
pub(super) struct Note {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    pub(super) content: Option<String>,
}

/// `Lead`.
#[derive(Deserialize)]
pub(super) struct FiledLead {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    pub(super) tags: Option<Vec<String>>,
}

/// `Company`.
#[derive(Deserialize)]
pub(super) struct Company {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

/// `PaginatedList` with customers.
#[derive(Deserialize)]
pub(super) struct CustomerPage {
    pub(super) total_pages: Option<u64>,
    pub(super) customers: Vec<Customer>,
}

/// `PaginatedList` with leads.
#[derive(Deserialize)]
pub(super) struct LeadPage {
    pub(super) total_pages: Option<u64>,
    pub(super) leads: Vec<FiledLead>,
}

/// `PaginatedList` with a customer's addresses.
#[derive(Deserialize)]
pub(super) struct AddressPage {
    pub(super) total_pages: Option<u64>,
    pub(super) addresses: Vec<KnownAddress>,
}

/// `PaginatedList` with jobs.
#[derive(Deserialize)]
pub(super) struct JobPage {
    pub(super) total_pages: Option<u64>,
    pub(super) jobs: Vec<FiledJob>,
}

/// A page of any list.
pub(super) trait Page {
    type Item;
    fn into_parts(self) -> (Vec<Self::Item>, Option<u64>);
}

impl Page for CustomerPage {
    type Item = Customer;
    fn into_parts(self) -> (Vec<Customer>, Option<u64>) {
        (self.customers, self.total_pages)
    }
}

impl Page for LeadPage {
    type Item = FiledLead;
    fn into_parts(self) -> (Vec<FiledLead>, Option<u64>) {
        (self.leads, self.total_pages)
    }
}

impl Page for AddressPage {
    type Item = KnownAddress;
    fn into_parts(self) -> (Vec<KnownAddress>, Option<u64>) {
        (self.addresses, self.total_pages)
    }
}

impl Page for JobPage {
    type Item = FiledJob;
    fn into_parts(self) -> (Vec<FiledJob>, Option<u64>) {
        (self.jobs, self.total_pages)
    }
}
