//! What GoHighLevel is asked: one function a request. The live calls and the preview both use these.

use http::Method;
use serde_json::json;

use super::caller::{Handle, country, email, names, plain, text, title};
use super::wire::{NewContact, NewNote, NewOpportunity, NewValue};
use super::{GOHIGHLEVEL, mode};
use crate::http::answer::Effect;
use crate::http::cut::Cut;
use crate::http::request::CrmRequest;
use crate::http::settings::Settings;
use crate::plan::{Filing, Slot};
use crate::text::line::line;
use crate::text::note::note;

/// The longest id of a user that is sent.
const MAX_ID: usize = 100;
/// Where contacts come from, unless the connection says otherwise.
const SOURCE: &str = "Phone call";

/// A setting, or words in its place for a preview: what is really sent has it.
fn words<'a>(settings: &'a Settings, name: &'static str, words: &'static str) -> &'a str {
    settings.text(name).unwrap_or(words)
}

pub(super) fn location_id(settings: &Settings) -> &str {
    words(settings, "location_id", "(the setting location_id)")
}

/// `GET /locations/{locationId}`.
pub(super) fn location(settings: &Settings) -> CrmRequest {
    CrmRequest::get("/locations").segment(location_id(settings))
}

/// `GET /locations/{locationId}/customFields`, of contacts or opportunities.
pub(super) fn custom_fields(settings: &Settings, model: &str) -> CrmRequest {
    location(settings)
        .path("customFields")
        .query("model", model)
}

/// `GET /opportunities/pipelines`, with their stages.
pub(super) fn pipelines(settings: &Settings) -> CrmRequest {
    CrmRequest::get("/opportunities/pipelines").query("locationId", location_id(settings))
}

/// `GET /users/`.
pub(super) fn users(settings: &Settings) -> CrmRequest {
    slashed(CrmRequest::get("/users")).query("locationId", location_id(settings))
}

/// `GET /contacts/search/duplicate` by one of the two.
pub(super) fn contact_by(settings: &Settings, handle: &Handle) -> CrmRequest {
    let request =
        CrmRequest::get("/contacts/search/duplicate").query("locationId", location_id(settings));
    match handle {
        Handle::Number(number) => request.personal_query("number", number.as_str()),
        Handle::Email(email) => request.personal_query("email", email.as_str()),
    }
}

/// `POST /contacts/search`, which only reads. `pageLimit` is 500 at most.
pub(super) fn contacts_like(settings: &Settings, handle: &Handle, cut: Cut) -> CrmRequest {
    let (field, value) = match handle {
        Handle::Number(number) => ("phone", number.as_str()),
        Handle::Email(email) => ("email", email.as_str()),
    };
    let body = json!({
        "locationId": location_id(settings),
        "page": cut.page(),
        "pageLimit": cut.size(),
        "filters": [{"field": field, "operator": "eq", "value": value}],
    });
    CrmRequest::new(Effect::Read, Method::POST, "/contacts/search").json(&body)
}

/// `POST /contacts/`.
pub(super) fn contact_create(filing: &Filing<'_>) -> CrmRequest {
    let (contact, settings) = (&filing.lead.contact, filing.settings);
    let (first_name, last_name) = names(contact);
    let address = contact.address.as_ref();
    let part = |field: &str, said: Option<&String>| text(field, said.map(String::as_str));
    let made = NewContact {
        location_id: location_id(settings),
        first_name,
        last_name,
        email: email(contact),
        phone: contact.phone.as_ref().map(leadrail_lead::Phone::as_str),
        address1: part(
            "contact.address1",
            address.and_then(|it| it.street.as_ref()),
        ),
        city: part("contact.city", address.and_then(|it| it.city.as_ref())),
        state: part("contact.state", address.and_then(|it| it.state.as_ref())),
        postal_code: part("contact.postalCode", address.and_then(|it| it.zip.as_ref())),
        country: country(address.and_then(|it| it.country.as_deref())),
        source: setting(settings, "lead_source", "contact.source")
            .unwrap_or_else(|| SOURCE.to_owned()),
        tags: setting(settings, "tag", "contact.tags")
            .into_iter()
            .collect(),
        custom_fields: marked(filing, "contact_field"),
        assigned_to: assigned_to(filing),
    };
    slashed(CrmRequest::post("/contacts")).json(&made)
}

/// `POST /opportunities/`, which needs a contact. The marker stands at the end of the name.
pub(super) fn opportunity_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let settings = filing.settings;
    let end = format!(" [{}]", filing.marker);
    let room = GOHIGHLEVEL.limit("opportunity.name") - end.chars().count();
    let made = NewOpportunity {
        location_id: location_id(settings),
        pipeline_id: words(settings, "pipeline", "(the setting pipeline)"),
        pipeline_stage_id: settings.text("stage"),
        contact_id: &filing.made.customer.as_ref()?.id,
        name: format!("{}{end}", title(filing.lead, room)),
        status: "open",
        assigned_to: assigned_to(filing),
        custom_fields: marked(filing, "opportunity_field"),
    };
    let request = slashed(CrmRequest::post("/opportunities")).names(Slot::Customer);
    Some(request.json(&made))
}

/// `GET /opportunities/search`, whose parameters have names of another style. Whatever became of them.
pub(super) fn opportunities_of(filing: &Filing<'_>, cut: Cut) -> Option<CrmRequest> {
    let request = CrmRequest::get("/opportunities/search")
        .query("location_id", location_id(filing.settings))
        .query("contact_id", &filing.made.customer.as_ref()?.id)
        .query("status", "all")
        .query("page", cut.page().to_string())
        .query("limit", cut.size().to_string());
    Some(request)
}

/// `POST /contacts/{contactId}/notes`.
pub(super) fn note_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let body = note(filing, GOHIGHLEVEL.limit("note.body"));
    let made = NewNote { body: plain(&body) };
    Some(notes(CrmRequest::post("/contacts"), filing)?.json(&made))
}

/// `GET /contacts/{contactId}/notes`: all of them.
pub(super) fn notes_of(filing: &Filing<'_>) -> Option<CrmRequest> {
    notes(CrmRequest::get("/contacts"), filing)
}

fn notes(contacts: CrmRequest, filing: &Filing<'_>) -> Option<CrmRequest> {
    let contact = filing.made.customer.as_ref()?;
    let request = contacts.segment(&contact.id).path("notes");
    Some(request.names(Slot::Customer))
}

/// The paths of lists end with a slash.
fn slashed(request: CrmRequest) -> CrmRequest {
    request.segment("")
}

/// The marker in a custom field, where the connection names one.
fn marked<'a>(filing: &'a Filing<'_>, setting: &str) -> Vec<NewValue<'a>> {
    let id = filing.settings.text(setting);
    let value = |id| NewValue {
        id,
        field_value: filing.marker.as_str(),
    };
    id.map(value).into_iter().collect()
}

/// Whom the lead names, or else the connection. An id is taken whole or not at all.
fn assigned_to(filing: &Filing<'_>) -> Option<String> {
    let of_lead = of_lead(filing);
    of_lead.or_else(|| filing.settings.text("owner").map(str::to_owned))
}

/// Whom the lead itself names.
pub(super) fn of_lead(filing: &Filing<'_>) -> Option<String> {
    let said = line(filing.lead.routing.assigned_to.as_deref(), usize::MAX)?;
    (said.chars().count() <= MAX_ID).then_some(said)
}

fn setting(settings: &Settings, name: &str, field: &str) -> Option<String> {
    line(settings.text(name), GOHIGHLEVEL.limit(field))
}

/// Whether opportunities are made.
pub(super) fn makes_opportunities(settings: &Settings) -> bool {
    mode(settings) == "opportunity"
}
