//! Pipedrive's JSON, as far as it is used. Field names are those of the OpenAPI documents "Pipedrive API v1"
//! and "Pipedrive API v2", by the schemas named on each type.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::contract::{remote_id, remote_number};

/// `AddPersonRequest` (v2).
#[derive(Serialize)]
pub(super) struct NewPerson {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner_id: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) phones: Vec<NewContact>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) emails: Vec<NewContact>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) custom_fields: BTreeMap<String, String>,
}

/// `AddPersonRequestPhonesInner` and `AddPersonRequestEmailsInner`.
#[derive(Serialize)]
pub(super) struct NewContact {
    pub(super) value: String,
    pub(super) primary: bool,
}

/// `AddLeadRequest` (v1).
#[derive(Serialize)]
pub(super) struct NewLead {
    pub(super) title: String,
    pub(super) person_id: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner_id: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) label_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) channel: Option<u64>,
    pub(super) origin_id: String,
}

/// `AddDealRequest` (v2).
#[derive(Serialize)]
pub(super) struct NewDeal {
    pub(super) title: String,
    pub(super) person_id: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pipeline_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stage_id: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) custom_fields: BTreeMap<String, String>,
}

/// `AddNoteRequest` (v1), of a lead or of a deal.
#[derive(Serialize)]
pub(super) struct NewNote {
    pub(super) content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lead_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deal_id: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pinned_to_lead_flag: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pinned_to_deal_flag: Option<u8>,
}

/// A single record: `{"success": true, "data": {..}}`.
#[derive(Deserialize)]
pub(super) struct One<T> {
    pub(super) data: T,
}

/// A list of either version. Where it is empty, v1 says `null`; without `data` it is no list.
#[derive(Deserialize)]
pub(super) struct Listed<T> {
    #[serde(
        deserialize_with = "Option::deserialize",
        bound(deserialize = "T: Deserialize<'de>")
    )]
    data: Option<Entries<T>>,
    additional_data: Option<More>,
}

/// What a list has: records (v1 and v2), or what a search found (v2).
#[derive(Deserialize)]
#[serde(untagged)]
enum Entries<T> {
    List(Vec<T>),
    Found { items: Vec<Hit<T>> },
}

#[derive(Deserialize)]
struct Hit<T> {
    item: T,
}

/// How a list goes on: by a cursor (v2), or from a place in it (v1).
#[derive(Deserialize)]
struct More {
    next_cursor: Option<String>,
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
pub(super) struct Pagination {
    pub(super) more_items_in_collection: Option<bool>,
    pub(super) next_start: Option<u64>,
}

impl<T> Listed<T> {
    /// The records, the cursor of the next page, and what else is said of it.
    pub(super) fn into_parts(self) -> (Vec<T>, Option<String>, Option<Pagination>) {
        let items = match self.data {
            None => Vec::new(),
            Some(Entries::List(items)) => items,
            Some(Entries::Found { items }) => items.into_iter().map(|hit| hit.item).collect(),
        };
        let (cursor, pagination) = self
            .additional_data
            .map_or((None, None), |more| (more.next_cursor, more.pagination));
        (
            items,
            cursor.filter(|cursor| !cursor.is_empty()),
            pagination,
        )
    }
}

/// `PersonSearchItemItem`, or a person of the list (v2).
#[derive(Deserialize)]
pub(super) struct Person {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) phones: Option<Vec<Contact>>,
    pub(super) emails: Option<Vec<Contact>>,
    #[serde(default, deserialize_with = "when")]
    pub(super) add_time: Option<DateTime<Utc>>,
    pub(super) custom_fields: Option<Value>,
}

/// A number or an address: searches have texts, lists have objects.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Contact {
    Text(String),
    Object { value: Option<String> },
}

impl Contact {
    pub(super) fn value(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Object { value } => value.as_deref().unwrap_or_default(),
        }
    }
}

/// What was made, where ids are numbers: persons, deals and notes.
#[derive(Deserialize)]
pub(super) struct Numbered {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
}

/// What was made, where ids are UUIDs: leads.
#[derive(Deserialize)]
pub(super) struct Identified {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
}

/// A lead of the list (v1).
#[derive(Deserialize)]
pub(super) struct Lead {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    pub(super) title: Option<String>,
    pub(super) origin_id: Option<String>,
    #[serde(default, deserialize_with = "when")]
    pub(super) add_time: Option<DateTime<Utc>>,
}

/// A deal of the list (v2).
#[derive(Deserialize)]
pub(super) struct Deal {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
    pub(super) title: Option<String>,
    #[serde(default, deserialize_with = "when")]
    pub(super) add_time: Option<DateTime<Utc>>,
    pub(super) custom_fields: Option<Value>,
}

/// A note of the list (v1).
#[derive(Deserialize)]
pub(super) struct Note {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
    pub(super) content: Option<String>,
}

/// `GET users/me` (v1).
#[derive(Deserialize)]
pub(super) struct Me {
    pub(super) company_id: Option<u64>,
    pub(super) company_name: Option<String>,
    pub(super) company_domain: Option<String>,
}

/// A user, a pipeline or a stage, of either version.
#[derive(Deserialize)]
pub(super) struct Entry {
    #[serde(deserialize_with = "remote_number")]
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) active_flag: Option<bool>,
    pub(super) is_deleted: Option<bool>,
    pub(super) pipeline_id: Option<u64>,
}

/// A lead's label (v1).
#[derive(Deserialize)]
pub(super) struct Label {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    pub(super) name: Option<String>,
}

/// A field of persons or deals: v2 calls its key `field_code`, v1 `key`.
#[derive(Deserialize)]
pub(super) struct Field {
    #[serde(alias = "key", deserialize_with = "remote_id")]
    pub(super) field_code: String,
    #[serde(alias = "name")]
    pub(super) field_name: Option<String>,
    pub(super) field_type: Option<String>,
    pub(super) is_custom_field: Option<bool>,
    pub(super) options: Option<Vec<FieldOption>>,
}

/// One value of a field that has a list of them. Some lists have ids that are words.
#[derive(Deserialize)]
pub(super) struct FieldOption {
    pub(super) id: Value,
    pub(super) label: Option<String>,
}

/// A time of either version: `2026-06-10T09:30:00Z`, or `2026-06-10 09:30:00` in UTC. One that does not
/// read is none.
fn when<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Value::deserialize(from)?;
    let text = text.as_str().unwrap_or_default();
    let exact = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    let plain = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S");
    Ok(exact.or_else(|_| plain().map(|time| time.and_utc())).ok())
}
