//! Creating and changing clients and their properties.

use std::sync::Arc;

use serde_json::{Value, json};

use super::contacts::{self, addresses, read_address};
use super::objects::{APP, ClientNode, PropertyNode, Scene, Shown};
use super::records::{Client, new_id};
use super::refusal::{Refusals, done};
use crate::clock;
use crate::graphql::Output;

/// Creates a client and its properties; all or nothing, and never checked for duplicates.
pub(super) fn create<'a>(scene: &mut Scene<'a>, arguments: &Value) -> Result<Shown<'a>, Refusals> {
    let input = &arguments["input"];
    let mut refusals = Refusals::default();
    let mut client = blank(&scene.company.name);
    client.source = text(&input["sourceAttribution"]["sourceText"]).unwrap_or(APP.to_owned());
    set_fields(&mut client, input);
    client.phones = contacts::phones(&input["phones"], "phones", &mut refusals);
    client.emails = contacts::emails(&input["emails"], "emails", &mut refusals);
    contacts::choose_primary(&mut client);
    let addresses = addresses(&input["properties"], &mut refusals);
    check_names(&client, &mut refusals);
    refusals.check()?;
    let client = scene.company.add_client(client);
    for address in addresses {
        scene.company.add_property(&client.id, address);
    }
    Ok(done([("client", Output::object(ClientNode(client)))]))
}

/// Changes what the input names; null clears. All or nothing.
pub(super) fn edit<'a>(scene: &mut Scene<'a>, arguments: &Value) -> Result<Shown<'a>, Refusals> {
    let input = &arguments["input"];
    let known = find(scene, arguments)?;
    let mut refusals = Refusals::default();
    let mut client = Client::clone(&known);
    set_fields(&mut client, input);
    contacts::edit(&mut client, input, &mut refusals);
    contacts::choose_primary(&mut client);
    check_names(&client, &mut refusals);
    refusals.check()?;
    let changed = scene
        .company
        .change_client(&known.id, |known| *known = client);
    Ok(done([("client", Output::maybe(changed.map(ClientNode)))]))
}

pub(super) fn set_archived<'a>(
    scene: &mut Scene<'a>,
    arguments: &Value,
    is_archived: bool,
) -> Result<Shown<'a>, Refusals> {
    let client = find(scene, arguments)?;
    let changed = scene
        .company
        .change_client(&client.id, |client| client.is_archived = is_archived);
    Ok(done([("client", Output::maybe(changed.map(ClientNode)))]))
}

/// Adds properties to a client that is there; all or nothing.
pub(super) fn create_properties<'a>(
    scene: &mut Scene<'a>,
    arguments: &Value,
) -> Result<Shown<'a>, Refusals> {
    let client = find(scene, arguments)?;
    let mut refusals = Refusals::default();
    let addresses = addresses(&arguments["input"]["properties"], &mut refusals);
    if addresses.is_empty() {
        refusals.add("Properties can't be blank", &["input", "properties"]);
    }
    refusals.check()?;
    let properties = addresses
        .into_iter()
        .map(|address| scene.company.add_property(&client.id, address))
        .map(|property| Output::object(PropertyNode(property)))
        .collect();
    Ok(done([
        ("client", Output::object(ClientNode(client))),
        ("properties", Output::List(properties)),
    ]))
}

fn find(scene: &Scene<'_>, arguments: &Value) -> Result<Arc<Client>, Refusals> {
    let id = arguments["clientId"].as_str().unwrap_or("");
    let client = scene.company.clients.get(id);
    client.ok_or_else(|| Refusals::one("Client not found", &["clientId"]))
}

fn blank(company: &str) -> Client {
    let now = clock::now();
    Client {
        company: company.to_owned(),
        id: new_id("Client"),
        title: None,
        first_name: String::new(),
        last_name: String::new(),
        company_name: None,
        is_company: false,
        phones: Vec::new(),
        emails: Vec::new(),
        billing_address: None,
        custom_fields: Value::Null,
        source: String::new(),
        is_archived: false,
        created_at: now,
        updated_at: now,
    }
}

/// Sets every field that the input has a key for.
fn set_fields(client: &mut Client, input: &Value) {
    let given = |name: &str| input.get(name);
    if let Some(title) = given("title") {
        client.title = text(title);
    }
    if let Some(name) = given("firstName") {
        client.first_name = text(name).unwrap_or_default();
    }
    if let Some(name) = given("lastName") {
        client.last_name = text(name).unwrap_or_default();
    }
    if let Some(name) = given("companyName") {
        client.company_name = text(name);
    }
    if let Some(flag) = given("isCompany") {
        client.is_company = *flag == json!(true);
    }
    if let Some(address) = given("billingAddress") {
        client.billing_address = (!address.is_null()).then(|| read_address(address));
    }
    if let Some(fields) = given("customFields") {
        client.custom_fields = fields.clone();
    }
}

/// A client is somebody: a person's name or a firm's.
fn check_names(client: &Client, refusals: &mut Refusals) {
    if client.is_company && client.company_name.is_none() {
        refusals.add("Company name can't be blank", &["input", "companyName"]);
    } else if client.person().is_empty() && client.company_name.is_none() {
        refusals.add("First name can't be blank", &["input", "firstName"]);
    }
}

/// A blank text counts as none.
fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}
