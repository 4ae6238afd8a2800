//! The API's description of itself, made from the routes that are served.

mod common;
mod links;

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::Json;
use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::{OpenApi, PartialSchema, ToSchema};

use crate::leads::items::MAX_BATCH_LEADS;
use crate::problem::{FieldFault, Problem};

const REF: &str = "$ref";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Leadrail",
        description = "Files qualified phone leads in the contractor's CRM, durably. Every error is a `Problem`, but for the two pages of a sign-in that browsers open.\n\nEach API key, and each address without one, may make so many requests a second; `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` in an answer say how many are left, and 429 with `Retry-After` says when to come again.\n\nA request has at most 16 KiB of headers; one lead has at most 256 KiB.",
    ),
    tags(
        (name = "leads", description = "Hand leads over and follow them"),
        (name = "links", description = "What CRMs are told of recordings and transcripts"),
        (name = "runs", description = "Talk to what files them"),
        (name = "connections", description = "The accounts' ways into their CRMs"),
        (name = "keys", description = "Who may call, for whom, and how far"),
        (name = "operation", description = "For whoever runs it"),
    ),
    // The paths name their problems by words of `problems`, which bring no schema along.
    components(schemas(Problem, FieldFault))
)]
pub(crate) struct Description;

/// Stands for the lead in the description; the lead crate's own schema takes its place.
pub(crate) struct LeadSchema;

impl PartialSchema for LeadSchema {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().into()
    }
}

impl ToSchema for LeadSchema {
    fn name() -> Cow<'static, str> {
        "Lead".into()
    }
}

/// The OpenAPI 3.1 description of the API. Needs no database.
#[must_use]
pub fn openapi() -> Value {
    let (_, described) = crate::router::routes().split_for_parts();
    // A description is plain data.
    let mut described = serde_json::to_value(described).unwrap_or_default();
    if let Some(Value::Object(schemas)) = described.pointer_mut("/components/schemas") {
        put_lead(schemas);
    }
    put_event_ids(&mut described);
    common::put(&mut described, &crate::router::public_paths());
    links::put(&mut described);
    described
}

/// Puts the payload's schema in. Its own definitions become components beside it (`LeadCall`),
/// because a reference in an OpenAPI document starts at the document.
fn put_lead(schemas: &mut Map<String, Value>) {
    let mut lead = leadrail_lead::schema();
    point_to_components(&mut lead);
    let Some(fields) = lead.as_object_mut() else {
        return;
    };
    fields.remove("$schema");
    if let Some(Value::Object(parts)) = fields.remove("$defs") {
        for (name, part) in parts {
            schemas.insert(component(&name), part);
        }
    }
    schemas.insert("Lead".to_owned(), lead);
}

/// Says of an event id in a path what the payload's schema says of it, and that no batch is empty: the
/// types of the routes know neither.
fn put_event_ids(described: &mut Value) {
    let event_id = described["components"]["schemas"]["LeadEventId"].clone();
    let paths = described["paths"].as_object_mut().into_iter().flatten();
    let operations = paths.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten());
    for (_, operation) in operations {
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        let parameters = parameters.into_iter().flatten();
        for parameter in parameters.filter(|parameter| parameter["name"] == "event_id") {
            parameter["schema"] = event_id.clone();
        }
    }
    let body = described.pointer_mut("/components/schemas/LeadOrLeads/oneOf");
    let kinds = body.and_then(Value::as_array_mut).into_iter().flatten();
    for batch in kinds.filter(|kind| kind["type"] == "array") {
        batch["minItems"] = json!(1);
        batch["maxItems"] = json!(MAX_BATCH_LEADS);
    }
}

fn component(name: &str) -> String {
    format!("Lead{name}")
}

fn point_to_components(schema: &mut Value) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(point_to_components),
        Value::Object(fields) => {
            let target = fields.get(REF).and_then(Value::as_str);
            if let Some(name) = target.and_then(|target| target.strip_prefix("#/$defs/")) {
                let moved = format!("#/components/schemas/{}", component(name));
                fields.insert(REF.to_owned(), json!(moved));
            }
            fields.values_mut().for_each(point_to_components);
        }
        _ => {}
    }
}

/// This description.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1", body = Value))
)]
pub(crate) async fn openapi_json() -> Json<&'static Value> {
    /// The same for everybody for as long as the process lives.
    static DESCRIPTION: LazyLock<Value> = LazyLock::new(openapi);
    Json(&DESCRIPTION)
}
