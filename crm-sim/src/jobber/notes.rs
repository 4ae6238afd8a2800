//! Notes on clients and on requests.

use std::sync::Arc;

use serde_json::{Value, json};

use super::objects::{ClientNode, NoteNode, RequestNode, Scene, Shown};
use super::records::{Note, new_id};
use super::refusal::{Refusals, done};
use crate::clock;
use crate::graphql::Output;

pub(super) fn create_on_client<'a>(
    scene: &mut Scene<'a>,
    arguments: &Value,
) -> Result<Shown<'a>, Refusals> {
    let id = arguments["clientId"].as_str().unwrap_or("");
    let client = scene.company.clients.get(id);
    let client = client.ok_or_else(|| Refusals::one("Client not found", &["clientId"]))?;
    let note = read(scene, "ClientNote", &client.id, None, &arguments["input"])?;
    let note = scene.company.notes.add(note);
    Ok(done([
        ("client", Output::object(ClientNode(client))),
        ("clientNote", Output::object(NoteNode(note))),
    ]))
}

pub(super) fn create_on_request<'a>(
    scene: &mut Scene<'a>,
    arguments: &Value,
) -> Result<Shown<'a>, Refusals> {
    let id = arguments["requestId"].as_str().unwrap_or("");
    let request = scene.company.requests.get(id);
    let request = request.ok_or_else(|| Refusals::one("Request not found", &["requestId"]))?;
    let (client_id, input) = (&request.client_id, &arguments["input"]);
    let note = read(scene, "RequestNote", client_id, Some(id), input)?;
    let note = scene.company.notes.add(note);
    Ok(done([
        ("request", Output::object(RequestNode(Arc::clone(&request)))),
        ("requestNote", Output::object(NoteNode(note))),
    ]))
}

/// A note needs a message or an attachment.
fn read(
    scene: &Scene<'_>,
    kind: &str,
    client_id: &str,
    request_id: Option<&str>,
    input: &Value,
) -> Result<Note, Refusals> {
    let message = input["message"].as_str().unwrap_or("");
    let has_attachments = input["attachments"]
        .as_array()
        .is_some_and(|attachments| !attachments.is_empty());
    if message.trim().is_empty() && !has_attachments {
        return Err(Refusals::one(
            "Message can't be blank",
            &["input", "message"],
        ));
    }
    let now = clock::now();
    Ok(Note {
        company: scene.company.name.clone(),
        id: new_id(kind),
        client_id: client_id.to_owned(),
        request_id: request_id.map(str::to_owned),
        message: message.to_owned(),
        pinned: input["pinned"] == json!(true),
        attachments: input["attachments"].clone(),
        linked_to: input["linkedTo"].clone(),
        created_at: now,
        updated_at: now,
    })
}
