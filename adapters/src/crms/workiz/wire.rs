//! Workiz's JSON, as far as it is used. Ids are texts here and numbers there, lists are bare or stand
//! in `data`, and what is empty may be a text, a list or null: whatever can be read is.

use leadrail_lead::Marker;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use url::Url;

/// The longest id that is believed, in bytes.
const MAX_ID: usize = 200;

/// The body of `POST /lead/create/`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct NewLead {
    pub(super) lead_date_time: String,
    pub(super) lead_end_date_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<Value>,
    pub(super) phone: String,
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) address: String,
    pub(super) city: String,
    pub(super) state: String,
    pub(super) postal_code: String,
    pub(super) country: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job_source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_area: Option<String>,
    pub(super) lead_notes: String,
}

/// What a create answers with: `{"flag": true, "data": [{"UUID", "ClientId", "link"}]}`.
#[derive(Debug, PartialEq)]
pub(super) struct Created {
    pub(super) uuid: String,
    pub(super) client_id: Option<String>,
    /// The page that shows it.
    pub(super) link: Option<String>,
}

impl<'de> Deserialize<'de> for Created {
    /// An answer without a usable id proves nothing, so it counts as unreadable.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let records = records(Value::deserialize(from)?).unwrap_or_default();
        let created = records.iter().find_map(|record| {
            let client = ["ClientId", "Client_id"].map(|name| id(record.get(name)));
            Some(Self {
                uuid: id(record.get("UUID"))?,
                client_id: client.into_iter().flatten().next(),
                link: record.get("link").and_then(link),
            })
        });
        created.ok_or_else(|| D::Error::custom("no record with an id"))
    }
}

/// A page of `GET /lead/all/` or `GET /job/all/`. That nothing is there may be said by an error object.
#[derive(Default)]
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    /// Whether there are more, where it says so.
    pub(super) has_more: Option<bool>,
}

impl<'de> Deserialize<'de> for Page {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let answer = Value::deserialize(from)?;
        if says_nothing_there(&answer) {
            return Ok(Self::default());
        }
        let has_more = answer.get("has_more").and_then(Value::as_bool);
        let records = records(answer).ok_or_else(|| D::Error::custom("no list"))?;
        Ok(Self {
            rows: records.iter().map(Row::of).collect(),
            has_more,
        })
    }
}

/// `{"error": true, "code": 404}`, or the same with `flag`.
fn says_nothing_there(answer: &Value) -> bool {
    let says_no = answer["error"] == true || answer["flag"] == false;
    says_no && matches!(answer["code"].as_u64(), Some(204 | 404 | 410))
}

/// A lead or a job in a list.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Row {
    pub(super) uuid: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) second_phone: Option<String>,
    pub(super) email: Option<String>,
    created: Option<String>,
    serial: Option<u64>,
    notes: Vec<String>,
}

impl Row {
    fn of(record: &Map<String, Value>) -> Self {
        let word = |name: &str| record.get(name).and_then(text);
        let mut notes = Vec::new();
        for name in ["LeadNotes", "JobNotes", "Comments"] {
            record
                .get(name)
                .into_iter()
                .for_each(|value| texts(value, &mut notes));
        }
        Self {
            uuid: id(record.get("UUID")),
            client_id: id(record.get("ClientId")),
            phone: word("Phone"),
            second_phone: word("SecondPhone"),
            email: word("Email"),
            created: word("CreatedDate"),
            serial: word("SerialId").and_then(|serial| serial.parse().ok()),
            notes,
        }
    }

    pub(super) fn carries(&self, marker: &Marker) -> bool {
        let mut notes = self.notes.iter();
        notes.any(|note| note.contains(marker.as_str()))
    }

    /// What is greater the younger it is.
    pub(super) fn age(&self) -> impl Ord + '_ {
        (self.created.as_deref(), self.serial)
    }
}

/// What `GET /team/all/` answers with.
pub(super) struct Team {
    members: Vec<Member>,
}

/// Somebody of the account.
struct Member {
    id: Option<u64>,
    name: Option<String>,
}

impl Team {
    /// The name of who was there first, by the lowest id. It stays when others come and go.
    pub(super) fn first(&self) -> Option<&str> {
        let members = self.members.iter();
        let first = members.min_by_key(|member| member.id.unwrap_or(u64::MAX));
        first?.name.as_deref()
    }
}

impl<'de> Deserialize<'de> for Team {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let records = records(Value::deserialize(from)?);
        let records = records.ok_or_else(|| D::Error::custom("no list"))?;
        let of = |record: &Map<String, Value>| Member {
            id: id(record.get("id")).and_then(|id| id.parse().ok()),
            name: record.get("name").and_then(text),
        };
        Ok(Self {
            members: records.iter().map(of).collect(),
        })
    }
}

/// The records of an answer: bare, in `data`, or each in a `data` of its own; `None` where it has
/// none of these, for then it says nothing of what there is.
fn records(answer: Value) -> Option<Vec<Map<String, Value>>> {
    match answer {
        Value::Array(items) => Some(items.into_iter().flat_map(wrapped).collect()),
        Value::Object(mut fields) => match fields.remove("data") {
            Some(data @ (Value::Array(_) | Value::Object(_))) => records(data),
            Some(_) => None,
            None => fields.contains_key("UUID").then(|| vec![fields]),
        },
        _ => None,
    }
}

/// What one item of a list is: a record, or what stands in its `data`.
fn wrapped(item: Value) -> Vec<Map<String, Value>> {
    match item {
        Value::Object(fields) if fields.contains_key("data") => {
            records(Value::Object(fields)).unwrap_or_default()
        }
        Value::Object(fields) => vec![fields],
        _ => Vec::new(),
    }
}

/// An id, however it is written.
fn id(value: Option<&Value>) -> Option<String> {
    let id = text(value?)?.trim().to_owned();
    let usable = !id.is_empty() && id != "0" && id.len() <= MAX_ID;
    (usable && !id.contains(char::is_control)).then_some(id)
}

/// A text, or a whole number as one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

/// All texts in a value: comments are a text, a list of texts or a list of objects.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A page of Workiz, and no other.
fn link(value: &Value) -> Option<String> {
    let url = Url::parse(value.as_str()?).ok()?;
    let host = url.host_str()?;
    let is_theirs = host == "workiz.com" || host.ends_with(".workiz.com");
    (url.scheme() == "https" && is_theirs && url.as_str().len() <= 500).then(|| url.into())
}
