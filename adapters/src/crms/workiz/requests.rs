//! What Workiz is asked: one function a request. The live calls and the preview both use these.
//!
//! Every path ends in a slash, as the document has them: that is an empty last segment.

use http::Method;
use leadrail_lead::{Contact, Phone};
use serde_json::{Value, json};

use super::WORKIZ;
use super::schedule::{appointment, country};
use super::wire::{NewLead, Row};
use crate::http::answer::Effect;
use crate::http::request::CrmRequest;
use crate::plan::{Filing, Slot};
use crate::text::line::line;
use crate::text::note::note;

/// Who calls, when nobody said a name.
const NAMELESS: &str = "Caller";
/// What stands where a required part was not said.
const NOT_GIVEN: &str = "Not given";
/// A lead that there is not: real ones have six letters and digits.
const NO_LEAD: &str = "leadrail-no-such-lead";

/// By what a caller is recognized: the number, or the e-mail where the number is not American.
pub(super) enum Caller {
    Number(String),
    Email(String),
}

impl Caller {
    pub(super) fn of(contact: &Contact) -> Option<Self> {
        match contact.nanp_digits() {
            Some(digits) => Some(Self::Number(digits.to_owned())),
            None => email(contact).map(Self::Email),
        }
    }

    /// Whether a lead that is there is this caller's, exactly.
    pub(super) fn is(&self, row: &Row) -> bool {
        match self {
            Self::Number(digits) => [&row.phone, &row.second_phone]
                .into_iter()
                .flatten()
                .filter_map(|number| Phone::parse(number).ok())
                .any(|number| number.nanp_digits() == Some(digits)),
            Self::Email(email) => {
                let known = row.email.as_deref().unwrap_or_default();
                known.trim().to_lowercase() == email.to_lowercase()
            }
        }
    }
}

/// `GET /team/all/`.
pub(super) fn team() -> CrmRequest {
    CrmRequest::get("team/all").segment("")
}

/// `POST /lead/update/` for a lead that there is not, with nothing to change. It has no effect, so it
/// counts as a read.
pub(super) fn no_change() -> CrmRequest {
    let request = CrmRequest::new(Effect::Read, Method::POST, "lead/update");
    request.segment("").json(&json!({ "UUID": NO_LEAD }))
}

/// `GET /lead/all/` from a day on, closed ones too.
pub(super) fn leads_since(day: &str) -> CrmRequest {
    all_since(CrmRequest::get("lead/all"), day)
}

/// `GET /job/all/` from a day on, closed ones too.
pub(super) fn jobs_since(day: &str) -> CrmRequest {
    all_since(CrmRequest::get("job/all"), day)
}

fn all_since(list: CrmRequest, day: &str) -> CrmRequest {
    let list = list.segment("").query("start_date", day);
    list.query("only_open", "false")
}

/// `POST /lead/create/`, for the client who was found, if one was.
pub(super) fn lead_create(filing: &Filing<'_>) -> CrmRequest {
    match filing.made.customer.as_ref() {
        Some(client) => create(filing, Some(client_id(&client.id))).names(Slot::Customer),
        None => lead_create_without_client(filing),
    }
}

/// The same without a client: Workiz finds or makes one.
pub(super) fn lead_create_without_client(filing: &Filing<'_>) -> CrmRequest {
    create(filing, None).also_makes(Slot::Customer)
}

fn create(filing: &Filing<'_>, client_id: Option<Value>) -> CrmRequest {
    let contact = &filing.lead.contact;
    let [lead_date_time, lead_end_date_time] = appointment(filing);
    let [first_name, last_name] = names(contact);
    let [address, city, state, postal_code] = place(contact);
    let setting = |field, name| text(field, filing.settings.text(name));
    let address_said = contact.address.as_ref();
    let said = address_said.and_then(|address| address.country.as_deref());
    CrmRequest::post("lead/create").segment("").json(&NewLead {
        lead_date_time,
        lead_end_date_time,
        client_id,
        phone: contact.nanp_digits().unwrap_or_default().to_owned(),
        email: email(contact).unwrap_or_default(),
        first_name,
        last_name,
        address,
        city,
        state,
        postal_code,
        country: text("lead.country", said).unwrap_or_else(|| country(filing.settings).to_owned()),
        job_type: setting("lead.job_type", "job_type"),
        job_source: setting("lead.job_source", "job_source"),
        service_area: setting("lead.service_area", "service_area"),
        lead_notes: without_tags(&note(filing, WORKIZ.limit("lead.notes"))),
    })
}

/// An id as JSON: a number, but for ids that are none and the words of a preview.
fn client_id(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| id.into(), Value::from)
}

/// First and last name; both are required.
fn names(contact: &Contact) -> [String; 2] {
    let first = text("lead.first_name", contact.first_name.as_deref());
    let last = text("lead.last_name", contact.last_name.as_deref());
    let unsaid = match last {
        Some(_) => NOT_GIVEN,
        None => NAMELESS,
    };
    [
        first.unwrap_or_else(|| unsaid.to_owned()),
        last.unwrap_or_else(|| NOT_GIVEN.to_owned()),
    ]
}

/// Street, city, state and postal code, which are required.
fn place(contact: &Contact) -> [String; 4] {
    let address = contact.address.clone().unwrap_or_default();
    [
        ("lead.address", address.street),
        ("lead.city", address.city),
        ("lead.state", address.state),
        ("lead.postal_code", address.zip),
    ]
    .map(|(field, part)| text(field, part.as_deref()).unwrap_or_else(|| NOT_GIVEN.to_owned()))
}

fn text(field: &str, value: Option<&str>) -> Option<String> {
    line(value.map(without_tags).as_deref(), WORKIZ.limit(field))
}

/// An e-mail address is taken whole or not at all: half of one is somebody else's.
fn email(contact: &Contact) -> Option<String> {
    let email = line(contact.email.as_deref(), usize::MAX)?;
    let is_one = email.contains('@') && !email.contains([' ', '<', '>']);
    (is_one && email.chars().count() <= WORKIZ.limit("lead.email")).then_some(email)
}

/// Angle brackets become others that look like them: no text can be taken for HTML.
fn without_tags(text: &str) -> String {
    text.replace('<', "‹").replace('>', "›")
}
