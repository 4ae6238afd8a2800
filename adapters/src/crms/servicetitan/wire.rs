//! ServiceTitan's JSON, as far as it is used. Field names are those of the schemas named on each
//! type, in the portal's documents of the modules crm, jpm, settings and marketing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::remote_number;

/// `PaginatedResponse_Of_...`: every list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    pub(super) has_more: bool,
    pub(super) data: Vec<T>,
}

/// `Customers.CustomerResponse`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Customer {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
    pub(super) active: Option<bool>,
    pub(super) merged_to_id: Option<u64>,
}

/// `Customers.CreatedCustomerResponse`.
#[derive(Deserialize)]
pub(super) struct CreatedCustomer {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) locations: Vec<Numbered>,
}

/// Any record of which only the id is read.
#[derive(Deserialize)]
pub(super) struct Numbered {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
}

/// `Customers.CustomerContactWithModifiedOnAndCustomerIdResponse`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contact {
    #[serde(deserialize_with = "remote_number")]
    pub(super) customer_id: String,
    pub(super) value: Option<String>,
    pub(super) memo: Option<String>,
}

/// `Locations.LocationResponse`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Location {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
    #[serde(deserialize_with = "remote_number")]
    pub(super) customer_id: String,
    pub(super) name: Option<String>,
    pub(super) address: Option<KnownAddress>,
}

/// The address of a location that is there.
#[derive(Deserialize)]
pub(super) struct KnownAddress {
    pub(super) street: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) city: Option<String>,
    pub(super) zip: Option<String>,
}

/// `BookingResponse`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Booking {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
    pub(super) external_id: Option<String>,
}

/// `Jpm.V2.JobResponse` and `Crm.V2.LeadResponse`.
#[derive(Deserialize)]
pub(super) struct Summarized {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
    pub(super) summary: Option<String>,
}

/// `Jpm.V2.NoteResponse`, which has no id.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobNote {
    pub(super) text: String,
    pub(super) created_on: Option<String>,
}

/// `Crm.V2.NoteResponse`.
#[derive(Deserialize)]
pub(super) struct Note {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
    pub(super) text: String,
}

/// `BusinessUnitResponse`, `JobTypeResponse`, `CampaignResponse`, `CallReasonResponse` and
/// `GetBookingProviderTagResponse`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
    #[serde(alias = "tagName")]
    pub(super) name: Option<String>,
    pub(super) active: Option<bool>,
    /// Of a job type: the business units that do it.
    #[serde(default)]
    pub(super) business_unit_ids: Vec<u64>,
    /// Of a call reason: whether it may be a lead's.
    pub(super) is_lead: Option<bool>,
}

/// `Crm.V2.AddressModel` and `Customers.CustomerAddress`, whole as both want it.
#[derive(Serialize, Clone)]
pub(super) struct Address {
    pub(super) street: String,
    pub(super) city: String,
    pub(super) state: String,
    pub(super) zip: String,
    pub(super) country: String,
}

/// `BookingContactModel` and `NewCustomerContact`.
#[derive(Serialize)]
pub(super) struct NewContact {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memo: Option<String>,
}

/// `CreateBookingRequest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewBooking {
    pub(super) source: String,
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) is_first_time_client: bool,
    pub(super) external_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<Address>,
    pub(super) contacts: Vec<NewContact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) campaign_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) business_unit_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job_type_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<&'static str>,
    pub(super) is_send_confirmation_email: bool,
}

/// `Customers.CreateCustomerRequest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewCustomer {
    pub(super) name: String,
    pub(super) address: Address,
    pub(super) contacts: Vec<NewContact>,
    pub(super) locations: [NewLocation; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_data: Option<ExternalData>,
}

/// `Customers.NewLocation`, and with a customer `Locations.CreateLocationRequest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewLocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) customer_id: Option<Value>,
    pub(super) name: String,
    pub(super) address: Address,
    pub(super) contacts: Vec<NewContact>,
}

/// `Jpm.V2.JobCreateRequest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewJob {
    pub(super) customer_id: Value,
    pub(super) location_id: Value,
    pub(super) business_unit_id: Value,
    pub(super) job_type_id: Value,
    pub(super) priority: &'static str,
    pub(super) campaign_id: Value,
    pub(super) appointments: [Appointment; 1],
    pub(super) summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_data: Option<ExternalData>,
}

/// `Crm.V2.LeadCreateRequest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewLead {
    pub(super) customer_id: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) location_id: Option<Value>,
    pub(super) campaign_id: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) business_unit_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job_type_id: Option<u64>,
    pub(super) summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<&'static str>,
    pub(super) call_reason_id: Value,
}

/// `Jpm.V2.AppointmentInformation`, times in UTC.
#[derive(Serialize)]
pub(super) struct Appointment {
    pub(super) start: String,
    pub(super) end: String,
}

/// `ExternalDataCreateRequest`, which only the application of that guid sees again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExternalData {
    pub(super) application_guid: String,
    pub(super) external_data: [ExternalValue; 1],
}

/// `ExternalDataModel`.
#[derive(Serialize)]
pub(super) struct ExternalValue {
    pub(super) key: &'static str,
    pub(super) value: String,
}
