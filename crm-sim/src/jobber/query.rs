//! The fields of `Query`: look-ups by id, searches and lists.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use serde_json::{Value, json};

use super::books::{digits, words};
use super::objects::{
    ClientNode, EmailNode, PhoneNode, PropertyNode, RequestNode, Scene, Shown, client, page,
    properties, requests,
};
use super::records::{Client, encoded_id, read_time};
use crate::clock::is_indexed;
use crate::graphql::{Object, Output};
use crate::names::display_name;

/// The root of every query.
pub(super) struct Query;

impl<'a> Object<Scene<'a>> for Query {
    fn type_name(&self) -> &'static str {
        "Query"
    }

    fn field(&self, scene: &mut Scene<'a>, name: &str, arguments: &Value) -> Shown<'a> {
        let id = arguments["id"].as_str().unwrap_or("");
        match name {
            "account" => Output::Plain(account(&scene.company.name)),
            "client" => client(scene, id),
            "clients" => clients(scene, arguments),
            "clientPhones" => client_phones(scene, arguments),
            "clientEmails" => client_emails(scene, arguments),
            "property" => Output::maybe(scene.company.properties.get(id).map(PropertyNode)),
            "properties" => list_properties(scene, arguments),
            "request" => Output::maybe(scene.company.requests.get(id).map(RequestNode)),
            "requests" => list_requests(scene, arguments),
            _ => Output::Plain(Value::Null),
        }
    }
}

/// An account's id is always the same for the same company.
fn account(company: &str) -> Value {
    let number = company
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    json!({
        "id": encoded_id("Account", number >> 16),
        "name": display_name(company),
    })
}

fn clients<'a>(scene: &mut Scene<'a>, arguments: &Value) -> Shown<'a> {
    let filter = &arguments["filter"];
    let mut found = scene.company.search(&search_words(arguments));
    found.retain(|client| {
        is_indexed(client.created_at, scene.lag)
            && agrees(&filter["isCompany"], &json!(client.is_company))
            && agrees(&filter["isLead"], &json!(true))
            && agrees(&filter["isArchived"], &json!(client.is_archived))
            && is_within(&filter["createdAt"], client.created_at)
            && is_within(&filter["updatedAt"], client.updated_at)
    });
    page(&found, arguments, |client| ClientNode(Arc::clone(client)))
}

/// Numbers whose digits, or whose client's name, hold every word; archived clients' too.
fn client_phones<'a>(scene: &mut Scene<'a>, arguments: &Value) -> Shown<'a> {
    let words = search_words(arguments);
    let allowed = &arguments["filter"]["smsAllowed"];
    let mut found = Vec::new();
    for client in scene.company.search(&words) {
        for (place, phone) in client.phones.iter().enumerate() {
            let text = format!("{}\n{}", digits(&phone.number), names(&client));
            let is_found = words.iter().all(|word| text.contains(word.as_str()))
                && agrees(allowed, &json!(phone.sms_allowed))
                && is_indexed(phone.created_at, scene.lag);
            if is_found {
                found.push((Arc::clone(&client), place));
            }
        }
    }
    page(&found, arguments, |(client, place)| {
        PhoneNode(Arc::clone(client), *place)
    })
}

fn client_emails<'a>(scene: &mut Scene<'a>, arguments: &Value) -> Shown<'a> {
    let words = search_words(arguments);
    let mut found = Vec::new();
    for client in scene.company.search(&words) {
        for (place, email) in client.emails.iter().enumerate() {
            let text = format!("{}\n{}", email.address.to_lowercase(), names(&client));
            let is_found = words.iter().all(|word| text.contains(word.as_str()))
                && is_indexed(email.created_at, scene.lag);
            if is_found {
                found.push((Arc::clone(&client), place));
            }
        }
    }
    page(&found, arguments, |(client, place)| {
        EmailNode(Arc::clone(client), *place)
    })
}

fn list_properties<'a>(scene: &mut Scene<'a>, arguments: &Value) -> Shown<'a> {
    let term = arguments["searchTerm"]
        .as_str()
        .unwrap_or("")
        .to_lowercase();
    let mut all = match arguments["filter"]["clientId"].as_str() {
        Some(client_id) => scene.company.properties.of_client(client_id),
        None => scene.company.properties.all(),
    };
    all.retain(|property| {
        let line = property.address.parts().collect::<Vec<_>>().join(" ");
        line.to_lowercase().contains(&term)
    });
    properties(scene, all, arguments)
}

fn list_requests<'a>(scene: &mut Scene<'a>, arguments: &Value) -> Shown<'a> {
    let filter = &arguments["filter"];
    let term = arguments["searchTerm"]
        .as_str()
        .unwrap_or("")
        .to_lowercase();
    let mut all = match filter["clientId"].as_str() {
        Some(client_id) => scene.company.requests.of_client(client_id),
        None => scene.company.requests.all(),
    };
    all.retain(|request| {
        let title = request.title.as_deref().unwrap_or("").to_lowercase();
        title.contains(&term)
            && agrees(&filter["propertyId"], &json!(request.property_id))
            && agrees(&filter["status"], &json!(request.request_status))
            && is_within(&filter["createdAt"], request.created_at)
            && is_within(&filter["updatedAt"], request.updated_at)
    });
    requests(scene, all, arguments)
}

fn search_words(arguments: &Value) -> Vec<String> {
    words(arguments["searchTerm"].as_str().unwrap_or(""))
}

fn names(client: &Client) -> String {
    let company = client.company_name.as_deref().unwrap_or("");
    format!("{}\n{company}", client.person()).to_lowercase()
}

/// A filter that is absent or null agrees with everything.
fn agrees(wanted: &Value, actual: &Value) -> bool {
    wanted.is_null() || wanted == actual
}

/// Bounds are exclusive, and meet a record's time in whole seconds, as it is shown.
fn is_within(range: &Value, time: DateTime<Utc>) -> bool {
    let time = time.trunc_subsecs(0);
    let bound = |name: &str| range[name].as_str().and_then(read_time);
    bound("after").is_none_or(|bound| time > bound)
        && bound("before").is_none_or(|bound| time < bound)
        && bound("eq").is_none_or(|bound| time == bound)
}
