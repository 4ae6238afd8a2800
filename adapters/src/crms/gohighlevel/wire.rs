//! GoHighLevel's JSON, as far as it is used. Field names are those of the schemas named on each type, in
//! `apps/contacts.json`, `apps/opportunities.json`, `apps/locations.json` and `apps/users.json`.
//!
//! The schemas are loose: what is only compared is kept as it comes.

use chrono::{DateTime, Utc};
use leadrail_lead::Marker;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::contract::remote_id;

/// `CreateContactDto`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewContact<'a> {
    pub(super) location_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) country: Option<String>,
    pub(super) source: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) custom_fields: Vec<NewValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) assigned_to: Option<String>,
}

/// `CreateDto` of opportunities.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewOpportunity<'a> {
    pub(super) location_id: &'a str,
    pub(super) pipeline_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pipeline_stage_id: Option<&'a str>,
    pub(super) contact_id: &'a str,
    pub(super) name: String,
    pub(super) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) assigned_to: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) custom_fields: Vec<NewValue<'a>>,
}

/// The value of a custom field that is given.
#[derive(Serialize)]
pub(super) struct NewValue<'a> {
    pub(super) id: &'a str,
    pub(super) field_value: &'a str,
}

/// `NotesDTO`.
#[derive(Serialize)]
pub(super) struct NewNote {
    pub(super) body: String,
}

/// `Contact`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contact {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    pub(super) phone: Option<String>,
    pub(super) email: Option<String>,
    /// Texts by the document, objects by clients.
    #[serde(default)]
    pub(super) additional_phones: Value,
    #[serde(default)]
    pub(super) additional_emails: Value,
    #[serde(default)]
    custom_fields: Value,
    #[serde(default)]
    date_added: Value,
}

impl Contact {
    /// Whether one of its custom fields holds the marker.
    pub(super) fn carries(&self, marker: &Marker) -> bool {
        holds(&self.custom_fields, marker)
    }

    pub(super) fn added(&self) -> Option<DateTime<Utc>> {
        time(&self.date_added)
    }
}

/// What the direct look-up answers with, which no document says.
#[derive(Deserialize)]
pub(super) struct FoundContact {
    #[serde(default, deserialize_with = "contact_if_any")]
    pub(super) contact: Option<Contact>,
}

/// Nobody is null, or an object without anything in it.
fn contact_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Contact>, D::Error> {
    let found = Value::deserialize(from)?;
    match found.as_object().is_some_and(serde_json::Map::is_empty) || found.is_null() {
        true => Ok(None),
        false => Contact::deserialize(found)
            .map(Some)
            .map_err(D::Error::custom),
    }
}

/// A record of which only the id is read.
#[derive(Deserialize)]
pub(super) struct Identified {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
}

/// What `POST /contacts/` answers with: the contact, or a 400 that names the one that is there.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum MadeContact {
    New { contact: Identified },
    Known { meta: KnownContact },
}

#[derive(Deserialize)]
pub(super) struct KnownContact {
    #[serde(rename = "contactId", deserialize_with = "remote_id")]
    id: String,
}

impl MadeContact {
    pub(super) fn id(self) -> String {
        match self {
            Self::New { contact } => contact.id,
            Self::Known { meta } => meta.id,
        }
    }
}

/// What `POST /opportunities/` answers with: the opportunity, or a 400 that names the one that is there.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum MadeOpportunity {
    New { opportunity: Identified },
    Known { meta: KnownOpportunity },
}

#[derive(Deserialize)]
pub(super) struct KnownOpportunity {
    #[serde(rename = "existingId", deserialize_with = "remote_id")]
    id: String,
}

impl MadeOpportunity {
    pub(super) fn id(self) -> String {
        match self {
            Self::New { opportunity } => opportunity.id,
            Self::Known { meta } => meta.id,
        }
    }
}

/// `GetCreateUpdateNoteSuccessfulResponseDto`.
#[derive(Deserialize)]
pub(super) struct MadeNote {
    pub(super) note: Identified,
}

/// `SearchOpportunitiesContactResponseSchema`'s opportunity.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Opportunity {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    name: Option<String>,
    pub(super) pipeline_id: Option<String>,
    pub(super) contact_id: Option<String>,
    #[serde(default)]
    custom_fields: Value,
    #[serde(default)]
    created_at: Value,
}

impl Opportunity {
    pub(super) fn carries(&self, marker: &Marker) -> bool {
        marker.is_in(self.name.as_deref()) || holds(&self.custom_fields, marker)
    }

    pub(super) fn created(&self) -> Option<DateTime<Utc>> {
        time(&self.created_at)
    }
}

/// `GetNoteSchema`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    pub(super) body: Option<String>,
    #[serde(default)]
    date_added: Value,
}

impl Note {
    pub(super) fn added(&self) -> Option<DateTime<Utc>> {
        time(&self.date_added)
    }
}

/// `GetNotesListSuccessfulResponseDto`.
#[derive(Deserialize)]
pub(super) struct Notes {
    pub(super) notes: Vec<Note>,
}

/// `SearchContactSuccessResponseDto`.
#[derive(Deserialize)]
pub(super) struct ContactPage {
    contacts: Vec<Contact>,
    total: Option<u64>,
}

/// `SearchSuccessfulResponseDto`.
#[derive(Deserialize)]
pub(super) struct OpportunityPage {
    opportunities: Vec<Opportunity>,
    meta: Option<PageMeta>,
}

#[derive(Deserialize)]
pub(super) struct PageMeta {
    total: Option<u64>,
}

/// A page of either list.
pub(super) trait Page {
    type Item;
    /// What is on it, and how many there are in all, where it says so.
    fn into_parts(self) -> (Vec<Self::Item>, Option<u64>);
    fn id(item: &Self::Item) -> &str;
}

impl Page for ContactPage {
    type Item = Contact;
    fn into_parts(self) -> (Vec<Contact>, Option<u64>) {
        (self.contacts, self.total)
    }
    fn id(item: &Contact) -> &str {
        &item.id
    }
}

impl Page for OpportunityPage {
    type Item = Opportunity;
    fn into_parts(self) -> (Vec<Opportunity>, Option<u64>) {
        (self.opportunities, self.meta.and_then(|meta| meta.total))
    }
    fn id(item: &Opportunity) -> &str {
        &item.id
    }
}

/// `GetLocationByIdSchema`.
#[derive(Deserialize)]
pub(super) struct FoundLocation {
    pub(super) location: Location,
}

#[derive(Deserialize)]
pub(super) struct Location {
    pub(super) name: Option<String>,
}

/// `GetPipelinesSuccessfulResponseDto`.
#[derive(Deserialize)]
pub(super) struct Pipelines {
    pub(super) pipelines: Vec<Pipeline>,
}

#[derive(Deserialize)]
pub(super) struct Pipeline {
    #[serde(flatten)]
    pub(super) entry: Entry,
    #[serde(default)]
    pub(super) stages: Vec<Entry>,
}

/// `LocationSuccessfulResponseDto` of users.
#[derive(Deserialize)]
pub(super) struct Users {
    pub(super) users: Vec<User>,
}

#[derive(Deserialize)]
pub(super) struct User {
    #[serde(flatten)]
    pub(super) entry: Entry,
    pub(super) deleted: Option<bool>,
}

/// `CustomFieldsListSuccessfulResponseDto`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomFields {
    pub(super) custom_fields: Vec<CustomField>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomField {
    #[serde(flatten)]
    pub(super) entry: Entry,
    pub(super) data_type: Option<String>,
    pub(super) model: Option<String>,
}

/// Something of the location's that a setting can name.
#[derive(Deserialize)]
pub(super) struct Entry {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    pub(super) name: Option<String>,
}

/// Whether the marker is one of the texts in a list of custom fields, whose shape varies with their kind.
fn holds(fields: &Value, marker: &Marker) -> bool {
    any_text(fields, &|text| {
        text.trim().eq_ignore_ascii_case(marker.as_str())
    })
}

/// Whether any text in a value is what is looked for.
pub(super) fn any_text(value: &Value, is_it: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_it(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is_it)),
        Value::Object(fields) => fields.values().any(|item| any_text(item, is_it)),
        _ => false,
    }
}

/// A time by RFC 3339, or as milliseconds since 1970.
fn time(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::String(text) => DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|at| at.to_utc()),
        other => DateTime::from_timestamp_millis(other.as_i64()?),
    }
}
