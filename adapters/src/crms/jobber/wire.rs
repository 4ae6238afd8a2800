//! Jobber's GraphQL as types: one query document an operation, read from `schema.graphql`, and what
//! of their answers is used.

use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use graphql_client::GraphQLQuery;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::contract::remote_id;
use crate::plan::Record;

/// The longest address of a page that is kept, in bytes.
const MAX_URL: usize = 500;

/// `EncodedId`: opaque to us, and never empty.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct EncodedId(#[serde(deserialize_with = "remote_id")] pub(super) String);

/// `ISO8601DateTime`, as it came: a list is not given up for a time that cannot be read.
type Iso8601DateTime = String;

macro_rules! operations {
    ($($name:ident $file:tt,)*) => {$(
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "src/crms/jobber/schema.graphql",
            query_path = $file,
            normalization = "rust",
            fragments_other_variant = "true",
            skip_serializing_none
        )]
        pub(super) struct $name;
    )*};
}

operations! {
    CheckAccount "src/crms/jobber/check_account.graphql",
    FindClients "src/crms/jobber/find_clients.graphql",
    CreateClient "src/crms/jobber/create_client.graphql",
    FindProperties "src/crms/jobber/find_properties.graphql",
    CreateProperty "src/crms/jobber/create_property.graphql",
    FindRequests "src/crms/jobber/find_requests.graphql",
    CreateRequest "src/crms/jobber/create_request.graphql",
    FindNotes "src/crms/jobber/find_notes.graphql",
    CreateNote "src/crms/jobber/create_note.graphql",
}

/// An answer whose `data` is whole: the judge has let nothing else pass.
#[derive(Deserialize)]
pub(super) struct Answered<D> {
    pub(super) data: D,
}

/// A mutation that makes one record.
pub(super) trait Makes: GraphQLQuery {
    /// What it made. Nothing, or more than one, proves nothing.
    fn made(data: Self::ResponseData) -> Option<Record>;
}

/// The one record of a mutation's answer. An answer without it cannot be read, so the write stays
/// ambiguous.
pub(super) struct Created<M> {
    pub(super) record: Record,
    mutation: PhantomData<M>,
}

impl<'de, M: Makes> Deserialize<'de> for Created<M> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let answered = Answered::<M::ResponseData>::deserialize(from)?;
        let record = M::made(answered.data).ok_or_else(|| D::Error::custom("no record"))?;
        Ok(Self {
            record,
            mutation: PhantomData,
        })
    }
}

impl Makes for CreateClient {
    fn made(data: Self::ResponseData) -> Option<Record> {
        let client = data.client_create.client?;
        Some(record(client.id, client.jobber_web_uri))
    }
}

impl Makes for CreateProperty {
    fn made(data: Self::ResponseData) -> Option<Record> {
        let mut made = data.property_create.properties?.into_iter();
        let property = made.next()?;
        let alone = made.next().is_none();
        alone.then(|| record(property.id, property.jobber_web_uri))
    }
}

impl Makes for CreateRequest {
    fn made(data: Self::ResponseData) -> Option<Record> {
        let request = data.request_create.request?;
        Some(record(request.id, request.jobber_web_uri))
    }
}

impl Makes for CreateNote {
    fn made(data: Self::ResponseData) -> Option<Record> {
        let note = data.request_create_note.request_note?;
        Some(record(note.id, None))
    }
}

/// A query that lists records, page after page.
pub(super) trait Lists: GraphQLQuery {
    /// How many a page has at first. Jobber charges for each.
    const FIRST: u32;
    type Item;
    fn page(data: Self::ResponseData) -> Page<Self::Item>;
}

/// Which part of a list is asked for.
pub(super) struct Window {
    pub(super) first: i64,
    pub(super) after: Option<String>,
}

impl Window {
    /// Where a list begins.
    pub(super) fn of<Q: Lists>() -> Self {
        Self {
            first: Q::FIRST.into(),
            after: None,
        }
    }
}

/// One page of a list.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Where the next one begins, if there is one; empty where Jobber does not say.
    pub(super) next: Option<String>,
}

impl<T> Page<T> {
    fn new(items: impl IntoIterator<Item = T>, goes_on: bool, cursor: Option<String>) -> Self {
        Self {
            items: items.into_iter().collect(),
            next: goes_on.then(|| cursor.unwrap_or_default()),
        }
    }
}

/// A phone number that a search found, and whose it is.
pub(super) struct FoundNumber {
    pub(super) normalized: Option<String>,
    pub(super) is_archived: bool,
    pub(super) client: Dated,
}

/// A client's property.
pub(super) struct FoundProperty {
    pub(super) street: Option<String>,
    pub(super) city: Option<String>,
    pub(super) postal_code: Option<String>,
    pub(super) record: Record,
}

/// A record with the text that may carry a marker.
pub(super) struct Marked {
    pub(super) text: Option<String>,
    pub(super) record: Dated,
}

/// A record and when it was made, as far as that can be read.
pub(super) struct Dated {
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) record: Record,
}

impl Lists for FindClients {
    const FIRST: u32 = 10;
    type Item = FoundNumber;
    fn page(data: Self::ResponseData) -> Page<FoundNumber> {
        let list = data.client_phones;
        let items = list.nodes.into_iter().map(|node| FoundNumber {
            normalized: node.normalized_phone_number,
            is_archived: node.client.is_archived,
            client: dated(
                node.client.created_at,
                record(node.client.id, node.client.jobber_web_uri),
            ),
        });
        Page::new(
            items,
            list.page_info.has_next_page,
            list.page_info.end_cursor,
        )
    }
}

impl Lists for FindProperties {
    const FIRST: u32 = 25;
    type Item = FoundProperty;
    fn page(data: Self::ResponseData) -> Page<FoundProperty> {
        let list = data.client.client_properties;
        let items = list.nodes.into_iter().map(|node| FoundProperty {
            street: node.address.street,
            city: node.address.city,
            postal_code: node.address.postal_code,
            record: record(node.id, node.jobber_web_uri),
        });
        Page::new(
            items,
            list.page_info.has_next_page,
            list.page_info.end_cursor,
        )
    }
}

impl Lists for FindRequests {
    const FIRST: u32 = 20;
    type Item = Marked;
    fn page(data: Self::ResponseData) -> Page<Marked> {
        let list = data.requests;
        let items = list.nodes.into_iter().map(|node| Marked {
            text: node.title,
            record: dated(node.created_at, record(node.id, node.jobber_web_uri)),
        });
        Page::new(
            items,
            list.page_info.has_next_page,
            list.page_info.end_cursor,
        )
    }
}

impl Lists for FindNotes {
    const FIRST: u32 = 10;
    type Item = Marked;
    fn page(data: Self::ResponseData) -> Page<Marked> {
        use find_notes::FindNotesRequestNotesNodes as Note;
        let list = data.request.notes;
        let items = list.nodes.into_iter().filter_map(|node| match node {
            Note::RequestNote(note) => Some(Marked {
                text: note.message,
                record: dated(note.created_at, record(note.id, None)),
            }),
            Note::ClientNote | Note::Unknown => None,
        });
        Page::new(
            items,
            list.page_info.has_next_page,
            list.page_info.end_cursor,
        )
    }
}

fn dated(at: Option<Iso8601DateTime>, record: Record) -> Dated {
    let at = at.and_then(|time| DateTime::parse_from_rfc3339(&time).ok());
    Dated {
        at: at.map(|time| time.to_utc()),
        record,
    }
}

/// People open the page, so it must be one of the web.
fn record(id: EncodedId, page: Option<String>) -> Record {
    let opens = |url: &String| {
        url.starts_with("https://") && url.len() <= MAX_URL && !url.contains(char::is_control)
    };
    Record {
        url: page.filter(opens),
        ..Record::new(id.0)
    }
}
