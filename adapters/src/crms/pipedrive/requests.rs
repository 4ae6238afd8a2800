//! What Pipedrive is asked: one function a request. The live calls and the preview both use these.
//!
//! Behind each is what it costs of the account's daily tokens, by the documents' `x-token-cost`.

use std::collections::BTreeMap;

use leadrail_lead::Contact;
use serde_json::Value;

use super::PIPEDRIVE;
use super::caller::{Search, email, name, said_name, with_marker};
use super::wire::{NewContact, NewDeal, NewLead, NewNote, NewPerson};
use crate::http::request::CrmRequest;
use crate::http::settings::Settings;
use crate::plan::{Filing, Slot};
use crate::text::html::html_note;
use crate::text::note::service;

/// What a call is about when nothing of the service was said.
const CALL: &str = "Phone call";

/// `GET users/me` (2 tokens).
pub(super) fn me() -> CrmRequest {
    CrmRequest::get("/api/v1/users/me")
}

/// `GET persons/search` (20). The term is never empty, and at least two characters long.
pub(super) fn persons_like(search: &Search) -> CrmRequest {
    CrmRequest::get("/api/v2/persons/search")
        .personal_query("term", search.term.as_str())
        .query("fields", search.field)
        .query("exact_match", search.exact.to_string())
}

/// `GET persons`, newest first (10).
pub(super) fn newest_persons() -> CrmRequest {
    newest_first(CrmRequest::get("/api/v2/persons"))
}

/// `POST persons` (5).
pub(super) fn person_create(filing: &Filing<'_>) -> CrmRequest {
    let Filing {
        lead,
        settings,
        marker,
        ..
    } = filing;
    let contact = &lead.contact;
    let phone = contact.phone.as_ref();
    let person = NewPerson {
        name: name(contact, marker),
        owner_id: assigned(filing).or(settings.number("owner")),
        phones: only(phone.map(|phone| phone.as_str().to_owned())),
        emails: only(email(contact)),
        custom_fields: marked(filing, "person_field"),
    };
    CrmRequest::post("/api/v2/persons").json(&person)
}

/// Whom the lead itself names, if that is a user's id: those are numbers.
pub(super) fn assigned(filing: &Filing<'_>) -> Option<u64> {
    let named = filing.lead.routing.assigned_to.as_deref()?.trim();
    named.parse().ok().filter(|id| *id > 0)
}

fn only(value: Option<String>) -> Vec<NewContact> {
    let contacts = value.into_iter();
    contacts
        .map(|value| NewContact {
            value,
            primary: true,
        })
        .collect()
}

/// Our marker in the field that the connection has for it, if it has one.
fn marked(filing: &Filing<'_>, setting: &str) -> BTreeMap<String, String> {
    let field = filing.settings.text(setting).into_iter();
    field
        .map(|field| (field.to_owned(), filing.marker.to_string()))
        .collect()
}

/// `POST leads` (10), of a person who is there.
pub(super) fn lead_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let Filing { lead, settings, .. } = filing;
    let filed = NewLead {
        title: title(filing),
        person_id: number(&filing.made.customer.as_ref()?.id),
        owner_id: assigned(filing).or(settings.number("owner")),
        label_ids: settings
            .text("lead_label")
            .map(str::to_owned)
            .into_iter()
            .collect(),
        channel: settings.number("channel"),
        origin_id: lead.event_id.to_string(),
    };
    let request = CrmRequest::post("/api/v1/leads").names(Slot::Customer);
    Some(request.json(&filed))
}

/// `GET leads` of the person, newest first (20). Archived ones stand in a list of their own.
pub(super) fn leads_of(filing: &Filing<'_>) -> Option<[CrmRequest; 2]> {
    let person = filing.made.customer.as_ref()?;
    Some(["/api/v1/leads", "/api/v1/leads/archived"].map(|path| {
        let request = CrmRequest::get(path).query("person_id", person.id.as_str());
        request.query("sort", "add_time DESC")
    }))
}

/// `POST deals` (5), of a person who is there.
pub(super) fn deal_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let settings = filing.settings;
    let deal = NewDeal {
        title: title(filing),
        person_id: number(&filing.made.customer.as_ref()?.id),
        owner_id: assigned(filing).or(settings.number("owner")),
        pipeline_id: settings.number("pipeline"),
        stage_id: settings.number("stage"),
        custom_fields: marked(filing, "deal_field"),
    };
    let request = CrmRequest::post("/api/v2/deals").names(Slot::Customer);
    Some(request.json(&deal))
}

/// `GET deals` of the person, newest first (20). Archived ones stand in a list of their own.
pub(super) fn deals_of(filing: &Filing<'_>) -> Option<[CrmRequest; 2]> {
    let person = filing.made.customer.as_ref()?;
    Some(
        ["/api/v2/deals", "/api/v2/deals/archived"]
            .map(|path| newest_first(CrmRequest::get(path).query("person_id", person.id.as_str()))),
    )
}

/// `POST notes` (10) on the lead.
pub(super) fn lead_note_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let lead = filing.made.lead.as_ref()?;
    Some(note_create(&NewNote {
        lead_id: Some(lead.id.clone()),
        deal_id: None,
        pinned_to_lead_flag: pinned(filing.settings),
        pinned_to_deal_flag: None,
        content: content(filing),
    }))
}

/// `POST notes` (10) on the deal.
pub(super) fn deal_note_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let deal = filing.made.lead.as_ref()?;
    Some(note_create(&NewNote {
        lead_id: None,
        deal_id: Some(number(&deal.id)),
        pinned_to_lead_flag: None,
        pinned_to_deal_flag: pinned(filing.settings),
        content: content(filing),
    }))
}

fn note_create(note: &NewNote) -> CrmRequest {
    let request = CrmRequest::post("/api/v1/notes").names(Slot::Lead);
    request.json(note)
}

fn content(filing: &Filing<'_>) -> String {
    html_note(filing, PIPEDRIVE.limit("note.content"))
}

fn pinned(settings: &Settings) -> Option<u8> {
    settings.is_on("pin_note").then_some(1)
}

/// `GET notes` (20) of the lead or of the deal, newest first.
pub(super) fn notes_of(filing: &Filing<'_>, parent: &'static str) -> Option<CrmRequest> {
    let record = filing.made.lead.as_ref()?;
    let request = CrmRequest::get("/api/v1/notes").query(parent, record.id.as_str());
    Some(request.query("sort", "add_time DESC"))
}

/// The list behind a setting that names one of the account's own things.
pub(super) fn entries(settings: &Settings, setting: &str) -> Option<CrmRequest> {
    let list = match setting {
        "owner" => "/api/v1/users",
        "lead_label" => "/api/v1/leadLabels",
        "pipeline" => "/api/v2/pipelines",
        "stage" => "/api/v2/stages",
        "channel" | "deal_field" => "/api/v2/dealFields",
        "person_field" => "/api/v2/personFields",
        _ => return None,
    };
    let request = CrmRequest::get(list);
    Some(match (setting, settings.text("pipeline")) {
        ("stage", Some(pipeline)) => request.query("pipeline_id", pipeline),
        _ => request,
    })
}

/// `GET stages/{id}`.
pub(super) fn stage(id: u64) -> CrmRequest {
    CrmRequest::get("/api/v2/stages").segment(&id.to_string())
}

/// `GET pipelines/{id}`.
pub(super) fn pipeline(id: u64) -> CrmRequest {
    CrmRequest::get("/api/v2/pipelines").segment(&id.to_string())
}

fn newest_first(request: CrmRequest) -> CrmRequest {
    request
        .query("sort_by", "add_time")
        .query("sort_direction", "desc")
}

/// What is wanted, by whom, and the marker. Both versions have it, and lists show it.
fn title(filing: &Filing<'_>) -> String {
    let wanted = service(filing.lead).unwrap_or_else(|| CALL.to_owned());
    let title = match caller_of(&filing.lead.contact) {
        Some(caller) => format!("{wanted}: {caller}"),
        None => wanted,
    };
    with_marker(&title, filing.marker, PIPEDRIVE.limit("lead.title"))
}

fn caller_of(contact: &Contact) -> Option<String> {
    let number = contact
        .phone
        .as_ref()
        .map(|phone| phone.as_str().to_owned());
    said_name(contact).or(number)
}

/// An id as JSON: a number, but for the words of a preview.
fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| id.into(), Value::from)
}
