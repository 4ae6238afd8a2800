//! What HubSpot is asked: one function a request. The live calls and the preview both use these. A
//! setting that is missing is named in words in its place; live calls make sure first that none is.

use chrono::SecondsFormat;
use http::Method;
use serde_json::{Map, Value, json};

use super::caller::{self, Caller, called, email, properties};
use super::wire::{Association, FilterGroup, NewObject, Search, Sort};
use super::{HUBSPOT, Kind, text};
use crate::http::answer::Effect;
use crate::http::request::CrmRequest;
use crate::http::settings::Settings;
use crate::plan::{Filing, Slot};
use crate::text::line::line;
use crate::text::note::{note, service};

/// The version of the API that everything is asked of; a new one comes every six months and is served
/// for eighteen.
const VERSION: &str = "2026-03";

/// HubSpot's kinds of associations, each named from the record that has it.
const DEAL_TO_CONTACT: u32 = 3;
const LEAD_TO_CONTACT: u32 = 578;
const NOTE_TO_CONTACT: u32 = 202;
const NOTE_TO_DEAL: u32 = 214;

/// One page of a search: how many, and where it goes on.
pub(super) struct Window {
    pub(super) size: u32,
    pub(super) after: Option<String>,
}

/// `GET /account-info/{version}/details`.
pub(super) fn account() -> CrmRequest {
    CrmRequest::get("account-info")
        .path(VERSION)
        .path("details")
}

/// `GET /crm/pipelines/{version}/{object}`.
pub(super) fn pipelines(of: Kind) -> CrmRequest {
    crm_get("pipelines").path(of.name())
}

/// `GET /crm/owners/{version}`.
pub(super) fn owners(window: Window) -> CrmRequest {
    let request = crm_get("owners").query("limit", window.size.to_string());
    match window.after {
        Some(after) => request.query("after", after),
        None => request,
    }
}

/// `GET /crm/owners/{version}/{id}`.
pub(super) fn owner(id: u64) -> CrmRequest {
    crm_get("owners").segment(&id.to_string())
}

/// `GET /crm/properties/{version}/{object}`.
pub(super) fn properties_of(kind: Kind) -> CrmRequest {
    crm_get("properties").path(kind.name())
}

/// `GET /crm/properties/{version}/{object}/{name}`.
pub(super) fn property(kind: Kind, name: &str) -> CrmRequest {
    properties_of(kind).segment(name)
}

/// `POST /crm/objects/{version}/contacts/search` for the caller, newest first. There is always
/// something to search for: a search for nothing finds everybody.
pub(super) fn contacts_like(caller: &Caller<'_>, window: Window) -> CrmRequest {
    contacts(caller.filters(), "DESCENDING", window)
}

/// The same for those that bear the step's marker, oldest first.
pub(super) fn marked_contacts(filing: &Filing<'_>, window: Window) -> CrmRequest {
    let marked = FilterGroup::equal("message", filing.marker.as_str());
    contacts(vec![marked], "ASCENDING", window)
}

fn contacts(
    filter_groups: Vec<FilterGroup>,
    direction: &'static str,
    window: Window,
) -> CrmRequest {
    let search = Search {
        filter_groups,
        properties: caller::READ,
        sorts: [Sort {
            property_name: "createdate",
            direction,
        }],
        limit: window.size,
        after: window.after,
    };
    reading(Kind::Contact, "search").json(&search)
}

/// `POST /crm/objects/{version}/contacts/batch/read` by the address, which no index lags behind. A `GET`
/// would have the address in its path.
pub(super) fn contact_of_email(email: &str) -> CrmRequest {
    reading(Kind::Contact, "batch/read").json(&json!({
        "idProperty": "email",
        "inputs": [{"id": email.to_lowercase()}],
        "properties": caller::READ,
    }))
}

/// `POST /crm/objects/{version}/{object}/batch/read` by ids.
pub(super) fn objects(kind: Kind, ids: &[String], property: &str) -> CrmRequest {
    let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    let body = json!({"inputs": inputs, "properties": [property]});
    reading(kind, "batch/read").json(&body)
}

/// `GET /crm/objects/{version}/{object}/{marker}` by the property that holds our references, where the
/// connection has one.
pub(super) fn referred(filing: &Filing<'_>, kind: Kind) -> Option<CrmRequest> {
    let property = filing.settings.text("ref_property")?;
    let request = CrmRequest::get(&base("objects")).path(kind.name());
    let request = request.segment(filing.marker.as_str());
    Some(request.query("idProperty", property))
}

/// `POST /crm/associations/{version}/{from}/{to}/batch/read` of one record.
pub(super) fn associated((from, id): (Kind, &str), to: Kind, after: Option<String>) -> CrmRequest {
    let input = match after {
        Some(after) => json!({"id": id, "after": after}),
        None => json!({"id": id}),
    };
    let request = CrmRequest::new(Effect::Read, Method::POST, &base("associations"));
    let request = request.path(from.name()).path(to.name()).path("batch/read");
    request.json(&json!({"inputs": [input]}))
}

/// `POST /crm/objects/{version}/contacts`.
pub(super) fn contact_create(filing: &Filing<'_>) -> CrmRequest {
    contact(filing, true)
}

/// The same without the address; `None` where there was none.
pub(super) fn contact_without_email(filing: &Filing<'_>) -> Option<CrmRequest> {
    email(&filing.lead.contact)?;
    Some(contact(filing, false))
}

fn contact(filing: &Filing<'_>, with_email: bool) -> CrmRequest {
    let mut properties = properties(&filing.lead.contact, with_email);
    properties.insert("message".to_owned(), filing.marker.as_str().into());
    create(Kind::Contact, filing, properties, Vec::new())
}

/// `POST /crm/objects/{version}/deals`, which needs a contact.
pub(super) fn deal_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let contact = filing.made.customer.as_ref()?;
    let settings = filing.settings;
    let mut properties = Map::new();
    let mut set = |name: &str, value: String| properties.insert(name.to_owned(), value.into());
    set("dealname", title(filing, HUBSPOT.limit("deal.dealname")));
    set("pipeline", given(settings, "pipeline"));
    set("dealstage", given(settings, "stage"));
    set("description", description(filing));
    if let Some(owner) = settings.text("owner") {
        set("hubspot_owner_id", owner.to_owned());
    }
    let to = vec![Association::of(&contact.id, DEAL_TO_CONTACT)];
    Some(create(Kind::Deal, filing, properties, to).names(Slot::Customer))
}

/// `POST /crm/objects/{version}/leads`, which needs a contact. A lead has no text besides its name, so
/// the marker stands there.
pub(super) fn lead_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let contact = filing.made.customer.as_ref()?;
    let mut properties = Map::new();
    let mut set = |name: &str, value: String| properties.insert(name.to_owned(), value.into());
    let mark = format!(" [{}]", filing.marker);
    let room = HUBSPOT
        .limit("lead.hs_lead_name")
        .saturating_sub(mark.len());
    set("hs_lead_name", format!("{}{mark}", title(filing, room)));
    for (property, setting) in [
        ("hs_pipeline", "lead_pipeline"),
        ("hs_pipeline_stage", "lead_stage"),
        ("hubspot_owner_id", "owner"),
    ] {
        if let Some(id) = filing.settings.text(setting) {
            set(property, id.to_owned());
        }
    }
    let to = vec![Association::of(&contact.id, LEAD_TO_CONTACT)];
    Some(create(Kind::Lead, filing, properties, to).names(Slot::Customer))
}

/// `POST /crm/objects/{version}/notes` on the contact and on the deal. How a note is tied to a lead is
/// not documented; a lead shows what is on its contact.
pub(super) fn note_create(filing: &Filing<'_>, on: Kind) -> Option<CrmRequest> {
    let (contact, lead) = (filing.made.customer.as_ref()?, filing.made.lead.as_ref()?);
    let time = filing.lead.timestamp_utc;
    let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut to = vec![Association::of(&contact.id, NOTE_TO_CONTACT)];
    if on == Kind::Deal {
        to.push(Association::of(&lead.id, NOTE_TO_DEAL));
    }
    let new = NewObject {
        properties: Map::from_iter([
            ("hs_timestamp".to_owned(), time.into()),
            ("hs_note_body".to_owned(), note_body(filing).into()),
        ]),
        associations: to,
    };
    Some(post(Kind::Note).names(Slot::Lead).json(&new))
}

/// The note as HTML. Everything in it is text: whatever a caller says is escaped, so that nobody can
/// write tags into it. Only our own links are links.
pub(super) fn note_body(filing: &Filing<'_>) -> String {
    let told = note(filing, HUBSPOT.limit("note.text"));
    let links = [
        ("Recording", filing.links.recording),
        ("Transcript", filing.links.transcript),
    ];
    let html = |told: &str| {
        let ours = links.into_iter().find_map(|(label, link)| {
            let link = link.filter(|link| link.starts_with("https://"))?;
            (told == format!("{label}: {link}")).then_some((label, escaped(link)))
        });
        match ours {
            Some((label, link)) => format!("{label}: <a href=\"{link}\">{link}</a>"),
            None => escaped(told),
        }
    };
    let lines: Vec<String> = told.lines().map(html).collect();
    lines.join("<br>")
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// What is wanted, and who wants it: `HVAC, heating repair - Ann Lee`.
fn title(filing: &Filing<'_>, max_chars: usize) -> String {
    let wanted = service(filing.lead).unwrap_or_else(|| "Phone call".to_owned());
    let title = format!("{wanted} - {}", called(&filing.lead.contact));
    line(Some(&title), max_chars).unwrap_or_default()
}

/// What it is about in a sentence or two, and the marker; all there is to say stands in the note.
fn description(filing: &Filing<'_>) -> String {
    let wanted = &filing.lead.service_request;
    let told = wanted.issue_description.as_deref();
    let told = told.or(filing.lead.call.transcript_summary.as_deref());
    let mark = format!("Ref: {}", filing.marker);
    let whole = line(told, usize::MAX);
    match (text("deal.description", told), whole) {
        (Some(told), Some(whole)) if told != whole => format!("{told}... (shortened) {mark}"),
        (Some(told), _) => format!("{told} {mark}"),
        (None, _) => mark,
    }
}

/// What the connection sets, or words that say that it does not.
fn given(settings: &Settings, name: &str) -> String {
    let value = settings.text(name).map(str::to_owned);
    value.unwrap_or_else(|| format!("({name} is not set)"))
}

/// A create of a record that bears our reference, where the connection has a property for it.
fn create(
    kind: Kind,
    filing: &Filing<'_>,
    mut properties: Map<String, Value>,
    associations: Vec<Association>,
) -> CrmRequest {
    if let Some(property) = filing.settings.text("ref_property") {
        let marker = Value::from(filing.marker.as_str());
        properties.entry(property).or_insert(marker);
    }
    let new = NewObject {
        properties,
        associations,
    };
    post(kind).json(&new)
}

fn post(kind: Kind) -> CrmRequest {
    CrmRequest::post(&base("objects")).path(kind.name())
}

/// A query that is a `POST` and changes nothing.
fn reading(kind: Kind, what: &str) -> CrmRequest {
    let request = CrmRequest::new(Effect::Read, Method::POST, &base("objects"));
    request.path(kind.name()).path(what)
}

fn crm_get(what: &str) -> CrmRequest {
    CrmRequest::get(&base(what))
}

fn base(what: &str) -> String {
    format!("crm/{what}/{VERSION}")
}
