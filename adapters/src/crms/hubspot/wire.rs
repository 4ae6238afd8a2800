//! HubSpot's JSON, as far as it is used. Field names are those of the schemas named on each type, in
//! HubSpot's API reference (2026-03).

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::contract::remote_id;

/// What stands before the id in the words of a conflict.
const EXISTING: &str = "Existing ID:";

/// `SimplePublicObject`: a contact, deal, lead or note.
#[derive(Deserialize, Debug)]
pub(super) struct Object {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    #[serde(default)]
    properties: BTreeMap<String, Value>,
    /// Where people open it; not in the schema, but in answers.
    pub(super) url: Option<String>,
}

impl Object {
    /// A property that has a text.
    pub(super) fn text(&self, property: &str) -> Option<&str> {
        self.properties.get(property)?.as_str()
    }
}

/// What a create gives back: the new object, or that there is one with the same unique value, whose id
/// stands in the words of the refusal and nowhere else.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Created {
    Made(Object),
    Existing(Existing),
}

/// `Error` of a conflict.
#[derive(Deserialize)]
pub(super) struct Existing {
    #[serde(rename = "message", deserialize_with = "existing_id")]
    pub(super) id: String,
}

fn existing_id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let words = String::deserialize(from)?;
    let id = words
        .split_once(EXISTING)
        .map(|(_, rest)| rest.trim_start());
    let id = id.map(|rest| {
        let digits = rest.chars().take_while(char::is_ascii_digit);
        digits.take(20).collect::<String>()
    });
    id.filter(|id| !id.is_empty())
        .ok_or_else(|| D::Error::custom("names no id"))
}

/// `CollectionResponseWithTotal...ForwardPaging` of a search, and the list of owners.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    pub(super) results: Vec<T>,
    paging: Option<Paging>,
}

/// `ForwardPaging`.
#[derive(Deserialize)]
pub(super) struct Paging {
    next: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    after: Option<Value>,
}

impl<T> Page<T> {
    /// Where the list goes on.
    pub(super) fn next(&self) -> Option<String> {
        self.paging.as_ref().and_then(Paging::after)
    }
}

impl Paging {
    /// A cursor, which is text in one place and a number in another.
    fn after(&self) -> Option<String> {
        match self.next.as_ref()?.after.as_ref()? {
            Value::String(after) => Some(after.clone()),
            other => Some(other.to_string()),
        }
    }
}

/// `BatchResponse...`, with status 200 or 207.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Batch<T> {
    pub(super) results: Vec<T>,
    #[serde(default)]
    errors: Vec<BatchError>,
    num_errors: Option<u64>,
}

/// `StandardError` of one part of a batch.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchError {
    category: Option<Value>,
    sub_category: Option<Value>,
}

impl<T> Batch<T> {
    /// Whether all that is missing is said not to be there; any other fault of a part proves nothing.
    pub(super) fn is_whole(&self) -> bool {
        let told = u64::try_from(self.errors.len()).unwrap_or(u64::MAX);
        self.num_errors.is_none_or(|count| count <= told)
            && self.errors.iter().all(BatchError::says_none)
    }
}

impl BatchError {
    fn says_none(&self) -> bool {
        let words = [&self.category, &self.sub_category].into_iter().flatten();
        words.filter_map(Value::as_str).any(|word| {
            matches!(word, "OBJECT_NOT_FOUND") || word.ends_with("NO_ASSOCIATIONS_FOUND")
        })
    }
}

/// `PublicAssociationMultiWithLabel`: what one record is associated with.
#[derive(Deserialize)]
pub(super) struct Associated {
    pub(super) to: Vec<Target>,
    paging: Option<Paging>,
}

impl Associated {
    /// Where the list goes on.
    pub(super) fn next(&self) -> Option<String> {
        self.paging.as_ref().and_then(Paging::after)
    }
}

/// `MultiAssociatedObjectWithLabel`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    #[serde(deserialize_with = "any_id")]
    pub(super) to_object_id: String,
}

/// An id that is a number here and text elsewhere.
fn any_id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match Value::deserialize(from)? {
        Value::Number(id) => Ok(id.to_string()),
        Value::String(id) if !id.trim().is_empty() && id.len() <= 40 => Ok(id),
        _ => Err(D::Error::custom("not an id")),
    }
}

/// `PortalInformationResponse`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    pub(super) portal_id: u64,
}

/// `CollectionResponsePipelineNoPaging`.
#[derive(Deserialize)]
pub(super) struct Pipelines {
    pub(super) results: Vec<Pipeline>,
}

/// `Pipeline`.
#[derive(Deserialize)]
pub(super) struct Pipeline {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    pub(super) label: Option<String>,
    #[serde(default)]
    pub(super) archived: bool,
    #[serde(default)]
    pub(super) stages: Vec<Stage>,
}

/// `PipelineStage`.
#[derive(Deserialize)]
pub(super) struct Stage {
    #[serde(deserialize_with = "remote_id")]
    pub(super) id: String,
    pub(super) label: Option<String>,
    #[serde(default)]
    pub(super) archived: bool,
}

/// `PublicOwner`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owner {
    #[serde(deserialize_with = "any_id")]
    pub(super) id: String,
    pub(super) email: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    #[serde(default)]
    pub(super) archived: bool,
}

/// `CollectionResponsePropertyNoPaging`.
#[derive(Deserialize)]
pub(super) struct PropertyList {
    pub(super) results: Vec<Property>,
}

/// `Property`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) label: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) has_unique_value: bool,
    #[serde(default)]
    pub(super) hubspot_defined: bool,
    #[serde(default)]
    pub(super) archived: bool,
}

impl Property {
    /// Whether it can hold a reference of ours: unique text that is the account's own.
    pub(super) fn is_for_references(&self) -> bool {
        self.has_unique_value
            && !self.hubspot_defined
            && !self.archived
            && self.kind.as_deref() == Some("string")
    }
}

/// `SimplePublicObjectInputForCreate`.
#[derive(Serialize)]
pub(super) struct NewObject {
    pub(super) properties: Map<String, Value>,
    pub(super) associations: Vec<Association>,
}

/// `PublicAssociationsForObject`.
#[derive(Serialize)]
pub(super) struct Association {
    to: AssociatedId,
    types: [AssociationType; 1],
}

#[derive(Serialize)]
struct AssociatedId {
    id: String,
}

/// `AssociationSpec`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssociationType {
    association_category: &'static str,
    association_type_id: u32,
}

impl Association {
    /// One of HubSpot's own kinds.
    pub(super) fn of(id: &str, association_type_id: u32) -> Self {
        Self {
            to: AssociatedId { id: id.to_owned() },
            types: [AssociationType {
                association_category: "HUBSPOT_DEFINED",
                association_type_id,
            }],
        }
    }
}

/// `PublicObjectSearchRequest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Search {
    pub(super) filter_groups: Vec<FilterGroup>,
    pub(super) properties: &'static [&'static str],
    pub(super) sorts: [Sort; 1],
    pub(super) limit: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<String>,
}

/// `FilterGroup`: all of its filters; a search finds what any group does.
#[derive(Serialize)]
pub(super) struct FilterGroup {
    filters: [Filter; 1],
}

/// `Filter`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    property_name: &'static str,
    operator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<String>>,
}

impl FilterGroup {
    /// What has exactly this value.
    pub(super) fn equal(property_name: &'static str, value: &str) -> Self {
        let value = Some(value.to_owned());
        Self::of(property_name, "EQ", value, None)
    }

    /// What has one of these.
    pub(super) fn among(property_name: &'static str, values: Vec<String>) -> Self {
        Self::of(property_name, "IN", None, Some(values))
    }

    fn of(
        property_name: &'static str,
        operator: &'static str,
        value: Option<String>,
        values: Option<Vec<String>>,
    ) -> Self {
        Self {
            filters: [Filter {
                property_name,
                operator,
                value,
                values,
            }],
        }
    }
}

/// How a search is ordered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sort {
    pub(super) property_name: &'static str,
    pub(super) direction: &'static str,
}
