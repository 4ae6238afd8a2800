//! What Housecall Pro is asked: one function a request. The live calls and the preview both use
//! these.

use leadrail_lead::{Contact, Marker};
use serde_json::json;

use super::HOUSECALL_PRO;
use super::schedule::schedule;
use super::wire::{Address, Customer, NewAddress, NewCustomer, NewJob, NewLead};
use crate::http::cut::Cut;
use crate::http::request::CrmRequest;
use crate::http::settings::Settings;
use crate::plan::{Filing, Slot};
use crate::text::line::line;
use crate::text::note::note;
use crate::text::place::key;

/// The longest id of an employee that is sent.
const MAX_ID: usize = 100;
/// Where leads come from, unless the connection says otherwise.
const LEAD_SOURCE: &str = "Phone call";
/// Who calls, when there is nothing that Housecall Pro would take as a customer.
const NAMELESS: &str = "Caller";
/// What stands where Housecall Pro wants a part of an address that was not said.
const NOT_GIVEN: &str = "Not given";
/// The country of an address that names none.
const COUNTRY: &str = "US";

/// By what a caller is recognized: the number, or the e-mail where the number is not American. A number
/// from abroad stands in the customer's notes, which no search covers, so whoever left nothing else is
/// looked for by the name, and the notes are compared.
pub(super) enum Caller {
    Number(String),
    Email(String),
    Abroad { number: String, name: String },
}

impl Caller {
    pub(super) fn of(contact: &Contact) -> Option<Self> {
        if let Some(digits) = contact.nanp_digits() {
            return Some(Caller::Number(digits.to_owned()));
        }
        if let Some(email) = email(contact) {
            return Some(Caller::Email(email));
        }
        let number = contact.foreign_number()?.to_owned();
        let (first, last) = names(contact);
        let name: Vec<String> = [first, last].into_iter().flatten().collect();
        Some(Caller::Abroad {
            name: match name.is_empty() {
                true => number.clone(),
                false => name.join(" "),
            },
            number,
        })
    }

    /// What the search is asked for.
    fn text(&self) -> &str {
        let (Caller::Number(text) | Caller::Email(text) | Caller::Abroad { name: text, .. }) = self;
        text
    }

    /// Whether only a name was searched for, which any number of people may have.
    pub(super) fn is_known_by_name_only(&self) -> bool {
        matches!(self, Caller::Abroad { .. })
    }

    /// Whether this customer is the caller, exactly.
    pub(super) fn is(&self, customer: &Customer) -> bool {
        match self {
            Caller::Number(digits) => [
                &customer.mobile_number,
                &customer.home_number,
                &customer.work_number,
            ]
            .into_iter()
            .flatten()
            .any(|number| american_digits(number).as_deref() == Some(digits)),
            Caller::Email(email) => customer
                .email
                .as_deref()
                .is_some_and(|known| known.trim().to_lowercase() == email.to_lowercase()),
            Caller::Abroad { number, .. } => {
                let notes = customer.notes.as_deref().unwrap_or_default();
                notes.split_whitespace().any(|word| word == number)
            }
        }
    }
}

/// The ten digits of a number as people type it; `None` unless it is an American one.
fn american_digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    match (digits.len(), digits.strip_prefix('1')) {
        (10, _) => Some(digits),
        (11, Some(national)) => Some(national.to_owned()),
        _ => None,
    }
}

pub(super) fn company() -> CrmRequest {
    CrmRequest::get("/company")
}

/// `GET /customers`. The text is never empty: an empty search finds everybody.
pub(super) fn customers_like(caller: &Caller) -> CrmRequest {
    newest_first(CrmRequest::get("/customers").personal_query("q", caller.text()))
}

pub(super) fn newest_customers() -> CrmRequest {
    newest_first(CrmRequest::get("/customers"))
}

/// `GET /leads` of one customer.
pub(super) fn leads_of(customer_id: &str) -> CrmRequest {
    newest_first(CrmRequest::get("/leads").query("customer_id", customer_id))
}

/// `GET /customers/{id}/addresses`.
pub(super) fn addresses_of(filing: &Filing<'_>) -> Option<CrmRequest> {
    let customer = filing.made.customer.as_ref()?;
    let request = addresses(CrmRequest::get("/customers"), &customer.id);
    Some(newest_first(request))
}

fn addresses(request: CrmRequest, customer_id: &str) -> CrmRequest {
    let request = request.segment(customer_id).path("addresses");
    request.names(Slot::Customer)
}

/// `GET /jobs` of the customer.
pub(super) fn jobs_of(filing: &Filing<'_>) -> Option<CrmRequest> {
    let customer = filing.made.customer.as_ref()?;
    let request = CrmRequest::get("/jobs").query("customer_id", customer.id.as_str());
    Some(newest_first(request))
}

/// `GET /jobs/{id}`.
pub(super) fn job(filing: &Filing<'_>) -> Option<CrmRequest> {
    let job = filing.made.lead.as_ref()?;
    Some(CrmRequest::get("/jobs").segment(&job.id))
}

fn newest_first(request: CrmRequest) -> CrmRequest {
    request
        .query("sort_by", "created_at")
        .query("sort_direction", "desc")
}

pub(super) fn page(request: &CrmRequest, cut: Cut) -> CrmRequest {
    request
        .clone()
        .query("page", cut.page().to_string())
        .query("page_size", cut.size().to_string())
}

/// `POST /customers`. One of name, e-mail and number is required; a caller who left nothing but a
/// number from abroad is called by it, so that the search finds it again.
pub(super) fn customer_create(filing: &Filing<'_>) -> CrmRequest {
    let (contact, settings) = (&filing.lead.contact, filing.settings);
    let (first_name, last_name) = names(contact);
    let mut customer = NewCustomer {
        first_name,
        last_name,
        email: email(contact),
        mobile_number: contact.nanp_digits().map(str::to_owned),
        notes: foreign_number(contact),
        notifications_enabled: settings.is_on("notifications_enabled"),
        lead_source: lead_source(settings),
        tags: tags(settings, filing.marker),
        addresses: address(contact).into_iter().collect(),
    };
    let nameless = customer.first_name.is_none() && customer.last_name.is_none();
    if nameless && customer.email.is_none() && customer.mobile_number.is_none() {
        customer.first_name = Some(NAMELESS.to_owned());
        customer.last_name = contact.foreign_number().map(str::to_owned);
    }
    let request = CrmRequest::post("/customers").json(&customer);
    match customer.addresses.is_empty() {
        true => request,
        false => request.also_makes(Slot::Site),
    }
}

/// `POST /leads`, which needs a customer.
pub(super) fn lead_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let Filing { lead, settings, .. } = filing;
    let contact = &lead.contact;
    let site = filing.made.site.as_ref();
    let filed = NewLead {
        customer_id: &filing.made.customer.as_ref()?.id,
        address_id: site.map(|site| site.id.as_str()),
        address: address(contact)
            .filter(|_| site.is_none())
            .map(|address| Address {
                country: None,
                ..address
            }),
        assigned_employee_id: whole(lead.routing.assigned_to.as_deref(), MAX_ID),
        lead_source: lead_source(settings),
        note: note(filing, HOUSECALL_PRO.limit("lead.note")),
        tags: tags(settings, filing.marker),
    };
    let request = CrmRequest::post("/leads").names(Slot::Customer);
    Some(request.json(&filed))
}

/// `POST /customers/{id}/addresses`.
pub(super) fn site_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let customer = filing.made.customer.as_ref()?;
    let place = place(&filing.lead.contact);
    let given = |part: Option<String>| part.unwrap_or_else(|| NOT_GIVEN.to_owned());
    let address = NewAddress {
        street: given(place.street),
        city: given(place.city),
        state: given(place.state),
        zip: given(place.zip),
        country: place.country.unwrap_or_else(|| COUNTRY.to_owned()),
    };
    let request = addresses(CrmRequest::post("/customers"), &customer.id);
    Some(request.json(&address))
}

/// `POST /jobs`, which needs a customer and one of its addresses.
pub(super) fn job_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let Filing { lead, settings, .. } = filing;
    let assigned = whole(lead.routing.assigned_to.as_deref(), MAX_ID);
    let job = NewJob {
        customer_id: &filing.made.customer.as_ref()?.id,
        address_id: &filing.made.site.as_ref()?.id,
        schedule: schedule(filing),
        assigned_employee_ids: assigned.into_iter().collect(),
        lead_source: lead_source(settings),
        tags: tags(settings, filing.marker),
    };
    let request = CrmRequest::post("/jobs").names(Slot::Customer);
    Some(request.json(&job))
}

/// `POST /jobs/{id}/notes`.
pub(super) fn note_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let job = filing.made.lead.as_ref()?;
    let content = note(filing, HOUSECALL_PRO.limit("job_note.content"));
    let request = CrmRequest::post("/jobs").segment(&job.id).path("notes");
    Some(
        request
            .names(Slot::Lead)
            .json(&json!({ "content": content })),
    )
}

/// First and last name, as the customer has them.
fn names(contact: &Contact) -> (Option<String>, Option<String>) {
    let first = text("customer.first_name", contact.first_name.as_deref());
    (
        first,
        text("customer.last_name", contact.last_name.as_deref()),
    )
}

fn text(field: &str, value: Option<&str>) -> Option<String> {
    line(value, HOUSECALL_PRO.limit(field))
}

fn email(contact: &Contact) -> Option<String> {
    whole(
        contact.email.as_deref(),
        HOUSECALL_PRO.limit("customer.email"),
    )
}

/// An e-mail address or an id is taken whole or not at all: half of one is somebody else's.
fn whole(value: Option<&str>, max_chars: usize) -> Option<String> {
    line(value, usize::MAX).filter(|value| value.chars().count() <= max_chars)
}

/// An address needs a street; less than that stands in the note.
pub(super) fn address(contact: &Contact) -> Option<Address> {
    Some(parts(contact)).filter(|known| known.street.is_some())
}

/// Where the work is, as far as it was said, with a street that says when it was not.
pub(super) fn place(contact: &Contact) -> Address {
    let known = parts(contact);
    Address {
        street: match has_street(contact) {
            true => known.street,
            false => Some(NOT_GIVEN.to_owned()),
        },
        ..known
    }
}

/// Whether the caller named a street, by which its address can be known again.
pub(super) fn has_street(contact: &Contact) -> bool {
    let street = parts(contact).street;
    street.is_some_and(|street| !key(&street).is_empty())
}

/// The address, as far as it was said.
fn parts(contact: &Contact) -> Address {
    let said = contact.address.as_ref();
    let part = |field, of: fn(&leadrail_lead::Address) -> &Option<String>| {
        text(field, said.and_then(|address| of(address).as_deref()))
    };
    Address {
        street: part("address.street", |address| &address.street),
        city: part("address.city", |address| &address.city),
        state: part("address.state", |address| &address.state),
        zip: part("address.zip", |address| &address.zip),
        country: part("address.country", |address| &address.country),
    }
}

fn foreign_number(contact: &Contact) -> Option<String> {
    let number = contact.foreign_number()?;
    Some(format!("Phone: {number}"))
}

fn lead_source(settings: &Settings) -> String {
    let chosen = text("lead.lead_source", settings.text("lead_source"));
    chosen.unwrap_or_else(|| LEAD_SOURCE.to_owned())
}

fn tags(settings: &Settings, marker: &Marker) -> Vec<String> {
    let own = text("lead.tag", settings.text("tag"));
    [marker.to_string()].into_iter().chain(own).collect()
}
