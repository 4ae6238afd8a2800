//! Records as GraphQL objects: which field shows what.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::books::Company;
use super::cost::MOST_NODES;
use super::records::{Address, Client, Email, Note, Phone, Property, WorkRequest, show_time};
use crate::clock::is_indexed;
use crate::graphql::{Object, Output, connection};

/// What resolvers work on: one account's books, as one request sees them.
pub(super) struct Scene<'a> {
    pub(super) company: &'a mut Company,
    /// Records younger than this are missing from connections.
    pub(super) lag: Duration,
}

pub(super) type Shown<'a> = Output<Scene<'a>>;

/// What apps are called where Jobber shows which of them made something.
pub(super) const APP: &str = "Simulated app";

/// A client.
pub(super) struct ClientNode(pub(super) Arc<Client>);

/// A client's phone number, by its place.
pub(super) struct PhoneNode(pub(super) Arc<Client>, pub(super) usize);

/// A client's e-mail address, by its place.
pub(super) struct EmailNode(pub(super) Arc<Client>, pub(super) usize);

/// A property.
pub(super) struct PropertyNode(pub(super) Arc<Property>);

/// A request for work.
pub(super) struct RequestNode(pub(super) Arc<WorkRequest>);

/// A note of either kind.
pub(super) struct NoteNode(pub(super) Arc<Note>);

impl<'a> Object<Scene<'a>> for ClientNode {
    fn type_name(&self) -> &'static str {
        "Client"
    }

    fn field(&self, scene: &mut Scene<'a>, name: &str, arguments: &Value) -> Shown<'a> {
        let client = &self.0;
        match name {
            "phones" => {
                let places = 0..client.phones.len();
                let phone = |place| Output::object(PhoneNode(Arc::clone(client), place));
                Output::List(places.map(phone).collect())
            }
            "emails" => {
                let places = 0..client.emails.len();
                let email = |place| Output::object(EmailNode(Arc::clone(client), place));
                Output::List(places.map(email).collect())
            }
            "clientProperties" => properties(
                scene,
                scene.company.properties.of_client(&client.id),
                arguments,
            ),
            "requests" => requests(
                scene,
                scene.company.requests.of_client(&client.id),
                arguments,
            ),
            "notes" => {
                let mut own = scene.company.notes.of_client(&client.id);
                own.retain(|note| note.request_id.is_none());
                notes(scene, own, arguments)
            }
            _ => Output::Plain(client_data(client, name)),
        }
    }
}

fn client_data(client: &Client, name: &str) -> Value {
    match name {
        "id" => json!(client.id),
        "title" => json!(client.title),
        "firstName" => json!(client.first_name),
        "lastName" => json!(client.last_name),
        "name" => json!(client.name()),
        "secondaryName" => json!(client.is_company.then(|| client.person())),
        "companyName" => json!(client.company_name),
        "isCompany" => json!(client.is_company),
        "isArchived" => json!(client.is_archived),
        "isArchivable" => json!(!client.is_archived),
        "isLead" => json!(true),
        "balance" => json!(0.0),
        "billingAddress" => json!(client.billing_address.as_ref().map(address)),
        "defaultEmails" => {
            let primary = client.emails.iter().filter(|email| email.primary);
            primary.map(|email| email.address.as_str()).collect()
        }
        "sourceAttribution" => json!({"sourceText": client.source}),
        "jobberWebUri" => web_uri("clients", &client.id),
        "createdAt" => json!(show_time(client.created_at)),
        "updatedAt" => json!(show_time(client.updated_at)),
        _ => Value::Null,
    }
}

impl<'a> Object<Scene<'a>> for PhoneNode {
    fn type_name(&self) -> &'static str {
        "ClientPhoneNumber"
    }

    fn field(&self, _: &mut Scene<'a>, name: &str, _: &Value) -> Shown<'a> {
        let Self(client, place) = self;
        let phone: &Phone = &client.phones[*place];
        Output::Plain(match name {
            "client" => return Output::object(ClientNode(Arc::clone(client))),
            "id" => json!(phone.id),
            "number" | "friendly" => json!(phone.number),
            "normalizedPhoneNumber" => json!(phone.normalized_phone_number),
            "description" => json!(phone.description),
            "primary" => json!(phone.primary),
            "smsAllowed" => json!(phone.sms_allowed),
            _ => Value::Null,
        })
    }
}

impl<'a> Object<Scene<'a>> for EmailNode {
    fn type_name(&self) -> &'static str {
        "Email"
    }

    fn field(&self, _: &mut Scene<'a>, name: &str, _: &Value) -> Shown<'a> {
        let Self(client, place) = self;
        let email: &Email = &client.emails[*place];
        Output::Plain(match name {
            "client" => return Output::object(ClientNode(Arc::clone(client))),
            "id" => json!(email.id),
            "address" => json!(email.address),
            "description" => json!(email.description),
            "primary" => json!(email.primary),
            _ => Value::Null,
        })
    }
}

impl<'a> Object<Scene<'a>> for PropertyNode {
    fn type_name(&self) -> &'static str {
        "Property"
    }

    fn field(&self, scene: &mut Scene<'a>, name: &str, arguments: &Value) -> Shown<'a> {
        let property = &self.0;
        Output::Plain(match name {
            "client" => return client(scene, &property.client_id),
            "requests" => {
                let mut here = scene.company.requests.of_client(&property.client_id);
                here.retain(|request| request.property_id.as_ref() == Some(&property.id));
                return requests(scene, here, arguments);
            }
            "id" => json!(property.id),
            "isBillingAddress" => json!(false),
            "address" => {
                let mut shown = address(&property.address);
                shown["id"] = json!(property.id);
                shown
            }
            "jobberWebUri" => web_uri("properties", &property.id),
            _ => Value::Null,
        })
    }
}

impl<'a> Object<Scene<'a>> for RequestNode {
    fn type_name(&self) -> &'static str {
        "Request"
    }

    fn field(&self, scene: &mut Scene<'a>, name: &str, arguments: &Value) -> Shown<'a> {
        let request = &self.0;
        let other = |id: &Option<String>| id.clone().unwrap_or_default();
        Output::Plain(match name {
            "client" => return client(scene, &request.client_id),
            "referringClient" => return client(scene, &other(&request.referring_client_id)),
            "property" => {
                let property = scene.company.properties.get(&other(&request.property_id));
                return Output::maybe(property.map(PropertyNode));
            }
            "notes" => {
                let all = scene.company.notes_of_request(request);
                return notes(scene, all, arguments);
            }
            "id" => json!(request.id),
            "title" => json!(request.title),
            "source" => json!(APP),
            "requestStatus" => json!(request.request_status),
            "jobberWebUri" => web_uri("requests", &request.id),
            "createdAt" => json!(show_time(request.created_at)),
            "updatedAt" => json!(show_time(request.updated_at)),
            _ => Value::Null,
        })
    }
}

impl<'a> Object<Scene<'a>> for NoteNode {
    fn type_name(&self) -> &'static str {
        match self.0.request_id {
            Some(_) => "RequestNote",
            None => "ClientNote",
        }
    }

    fn field(&self, _: &mut Scene<'a>, name: &str, _: &Value) -> Shown<'a> {
        let note = &self.0;
        Output::Plain(match name {
            "id" => json!(note.id),
            "message" => json!(note.message),
            "pinned" => json!(note.pinned),
            "linkedTo" => ["invoices", "jobs", "quotes", "requests"]
                .map(|kind| (kind, note.linked_to[kind] == Value::Bool(true)))
                .into_iter()
                .collect(),
            "createdAt" => json!(show_time(note.created_at)),
            _ => Value::Null,
        })
    }
}

pub(super) fn client<'a>(scene: &Scene<'a>, id: &str) -> Shown<'a> {
    Output::maybe(scene.company.clients.get(id).map(ClientNode))
}

pub(super) fn properties<'a>(
    scene: &Scene<'a>,
    mut all: Vec<Arc<Property>>,
    arguments: &Value,
) -> Shown<'a> {
    all.retain(|property| is_indexed(property.created_at, scene.lag));
    page(&all, arguments, |property| {
        PropertyNode(Arc::clone(property))
    })
}

pub(super) fn requests<'a>(
    scene: &Scene<'a>,
    mut all: Vec<Arc<WorkRequest>>,
    arguments: &Value,
) -> Shown<'a> {
    all.retain(|request| is_indexed(request.created_at, scene.lag));
    page(&all, arguments, |request| RequestNode(Arc::clone(request)))
}

fn notes<'a>(scene: &Scene<'a>, mut all: Vec<Arc<Note>>, arguments: &Value) -> Shown<'a> {
    all.retain(|note| is_indexed(note.created_at, scene.lag));
    page(&all, arguments, |note| NoteNode(Arc::clone(note)))
}

/// A connection of at most 100 nodes.
pub(super) fn page<'a, T, N: Object<Scene<'a>> + 'static>(
    all: &[T],
    arguments: &Value,
    node: impl Fn(&T) -> N,
) -> Shown<'a> {
    connection(all, arguments, MOST_NODES as usize, |one| {
        Output::object(node(one))
    })
}

fn address(address: &Address) -> Value {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let lines = [text(&address.street1), text(&address.street2)];
    json!({
        "street": lines.join("\n").trim(),
        "street1": lines[0],
        "street2": lines[1],
        "city": text(&address.city),
        "province": text(&address.province),
        "postalCode": text(&address.postal_code),
        "country": text(&address.country),
    })
}

fn web_uri(kind: &str, id: &str) -> Value {
    json!(format!("https://secure.getjobber.com/{kind}/{id}"))
}
