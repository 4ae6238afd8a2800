//! Filing requests for work.

use serde_json::Value;

use super::objects::{RequestNode, Scene, Shown};
use super::records::{WorkRequest, new_id};
use super::refusal::{Refusals, done};
use crate::clock;
use crate::graphql::Output;

/// Files a request for a client that is there and not archived, at one of its own properties.
pub(super) fn create<'a>(scene: &mut Scene<'a>, arguments: &Value) -> Result<Shown<'a>, Refusals> {
    let input = &arguments["input"];
    check(scene, input)?;
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    let has_assessment = !input["assessment"].is_null();
    let now = clock::now();
    let request = WorkRequest {
        company: scene.company.name.clone(),
        id: new_id("Request"),
        client_id: text("clientId").unwrap_or_default(),
        property_id: text("propertyId"),
        referring_client_id: text("referringClientId"),
        title: text("title").filter(|title| !title.trim().is_empty()),
        request_status: if has_assessment { "unscheduled" } else { "new" },
        request_details: input["requestDetails"].clone(),
        assessment: input["assessment"].clone(),
        line_items: input["lineItems"].clone(),
        form_ids: input["formIds"].clone(),
        salesperson_id: input["salespersonId"].clone(),
        created_at: now,
        updated_at: now,
    };
    let request = scene.company.requests.add(request);
    Ok(done([("request", Output::object(RequestNode(request)))]))
}

fn check(scene: &Scene<'_>, input: &Value) -> Result<(), Refusals> {
    let mut refusals = Refusals::default();
    let client_id = input["clientId"].as_str().unwrap_or("");
    match scene.company.clients.get(client_id) {
        None => refusals.add("Client not found", &["input", "clientId"]),
        Some(client) if client.is_archived => {
            refusals.add("Client is archived", &["input", "clientId"]);
        }
        Some(_) => {}
    }
    if let Some(id) = input["propertyId"].as_str() {
        let property = scene.company.properties.get(id);
        if property.is_none_or(|property| property.client_id != client_id) {
            refusals.add("Property not found", &["input", "propertyId"]);
        }
    }
    if let Some(id) = input["referringClientId"].as_str()
        && scene.company.clients.get(id).is_none()
    {
        refusals.add(
            "Referring client not found",
            &["input", "referringClientId"],
        );
    }
    refusals.check()
}
