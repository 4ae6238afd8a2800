//! What ServiceTitan is asked: one function a request. The live calls and the preview both use
//! these. A setting that is missing is named in words in its place; live calls make sure first that
//! none is.

use chrono::SecondsFormat;
use leadrail_lead::{Contact, Marker};
use serde_json::{Value, json};

use super::SERVICETITAN;
use super::caller::{Caller, address, contacts, name, whole_address};
use super::schedule::{appointment, exact_time, priority};
use super::wire::{
    ExternalData, ExternalValue, NewBooking, NewCustomer, NewJob, NewLead, NewLocation,
};
use crate::http::cut::Cut;
use crate::http::request::CrmRequest;
use crate::http::settings::Settings;
use crate::plan::{Filing, Slot};
use crate::text::line::line;
use crate::text::note::note;

/// Where leads come from, unless the connection says otherwise.
const SOURCE: &str = "Phone call";
/// The key of our marker in external data.
const MARK: &str = "leadrail_ref";

/// A list of the account's own things, by the setting that names one of them.
pub(super) fn entries(settings: &Settings, setting: &str) -> Option<CrmRequest> {
    let (module, list) = match setting {
        "business_unit" => ("settings", "business-units"),
        "job_type" => ("jpm", "job-types"),
        "campaign" => ("marketing", "campaigns"),
        "booking_provider" => ("crm", "booking-provider-tags"),
        "call_reason" => ("jbce", "call-reasons"),
        _ => return None,
    };
    Some(get(module, settings).path(list))
}

/// The cheapest proof of token, application key, tenant and one scope together.
pub(super) fn one_business_unit(settings: &Settings) -> CrmRequest {
    let request = get("settings", settings).path("business-units");
    request.query("pageSize", "1")
}

/// `GET job-types` of that id, which lists it only if it is active.
pub(super) fn job_type(settings: &Settings, id: u64) -> CrmRequest {
    let request = get("jpm", settings).path("job-types");
    request.query("ids", id.to_string())
}

/// `GET customers`. The number is never empty: an empty one finds everybody.
pub(super) fn customers_like(settings: &Settings, caller: &Caller) -> CrmRequest {
    get("crm", settings)
        .path("customers")
        .personal_query("phone", caller.digits())
        .query("active", "Any")
        .query("sort", "-CreatedOn")
}

/// `GET customers/contacts` of these customers.
pub(super) fn contacts_of(settings: &Settings, customer_ids: &[String]) -> CrmRequest {
    customer_contacts(settings).query("customerIds", customer_ids.join(","))
}

/// `GET customers/contacts` that are as new as the step.
pub(super) fn contacts_since(filing: &Filing<'_>) -> CrmRequest {
    customer_contacts(filing.settings).query("modifiedOnOrAfter", utc(&filing.earliest()))
}

fn customer_contacts(settings: &Settings) -> CrmRequest {
    get("crm", settings).path("customers/contacts")
}

pub(super) fn customer(settings: &Settings, id: &str) -> CrmRequest {
    get("crm", settings).path("customers").segment(id)
}

/// `POST customers`, which makes the first location as well. A caller without a contact that
/// ServiceTitan takes has the marker in the location's name, where there is no memo for it.
pub(super) fn customer_create(filing: &Filing<'_>) -> CrmRequest {
    let contact = &filing.lead.contact;
    let customer = NewCustomer {
        name: name(contact),
        address: address(contact),
        contacts: contacts(contact, Some(filing.marker)),
        locations: [location(contact, filing.marker)],
        external_data: external_data(filing),
    };
    let request = post("crm", filing.settings).path("customers");
    request.json(&customer).also_makes(Slot::Site)
}

/// `GET customers` with our marker in their external data, where the connection has an application.
pub(super) fn marked_customers(filing: &Filing<'_>) -> Option<CrmRequest> {
    let request = get("crm", filing.settings).path("customers");
    marked(request.query("active", "Any"), filing)
}

/// `GET locations` of the customer, newest first.
pub(super) fn locations_of(filing: &Filing<'_>) -> Option<CrmRequest> {
    let customer = filing.made.customer.as_ref()?;
    let request = get("crm", filing.settings).path("locations");
    let request = request.query("customerId", customer.id.as_str());
    Some(request.query("sort", "-CreatedOn"))
}

/// `GET locations` that are as new as the step.
pub(super) fn locations_since(filing: &Filing<'_>) -> CrmRequest {
    get("crm", filing.settings)
        .path("locations")
        .query("createdOnOrAfter", utc(&filing.earliest()))
        .query("active", "Any")
        .query("sort", "+Id")
}

/// `POST locations`, for a customer who is known under other addresses.
pub(super) fn location_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let customer = filing.made.customer.as_ref()?;
    let location = NewLocation {
        customer_id: Some(number(&customer.id)),
        ..location(&filing.lead.contact, filing.marker)
    };
    Some(
        post("crm", filing.settings)
            .path("locations")
            .names(Slot::Customer)
            .json(&location),
    )
}

fn location(contact: &Contact, marker: &Marker) -> NewLocation {
    let contacts = contacts(contact, Some(marker));
    let name = name(contact);
    NewLocation {
        customer_id: None,
        name: match contacts.is_empty() {
            true => format!("{name} ({marker})"),
            false => name,
        },
        address: address(contact),
        contacts,
    }
}

/// `POST booking-provider/{id}/bookings`.
pub(super) fn booking_create(filing: &Filing<'_>) -> CrmRequest {
    let Filing { lead, settings, .. } = filing;
    let contact = &lead.contact;
    let known = filing.made.customer.is_some();
    let says_so = lead.service_request.is_existing_customer == Some(true);
    let booking = NewBooking {
        source: text("booking.source", settings.text("source")).unwrap_or_else(|| SOURCE.into()),
        name: name(contact),
        summary: note(filing, SERVICETITAN.limit("booking.summary")),
        is_first_time_client: !known && !says_so,
        external_id: lead.event_id.to_string(),
        address: whole_address(contact),
        contacts: contacts(contact, None),
        start: exact_time(lead).map(|time| utc(&time)),
        campaign_id: settings.number("campaign"),
        business_unit_id: settings.number("business_unit"),
        job_type_id: settings.number("job_type"),
        priority: lead.service_request.urgency.as_ref().map(priority),
        is_send_confirmation_email: settings.is_on("send_confirmation_email"),
    };
    bookings(post("crm", settings), settings).json(&booking)
}

/// `GET booking-provider/{id}/bookings` of this lead, oldest first.
pub(super) fn bookings_of(filing: &Filing<'_>) -> CrmRequest {
    bookings(get("crm", filing.settings), filing.settings)
        .query("externalId", filing.lead.event_id.to_string())
        .query("sort", "+Id")
}

fn bookings(request: CrmRequest, settings: &Settings) -> CrmRequest {
    let request = request.path("booking-provider");
    let provider = set(settings, "booking_provider");
    request.segment(&provider).path("bookings")
}

/// `POST jobs`, which needs a customer and a location.
pub(super) fn job_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let Filing { lead, settings, .. } = filing;
    let urgency = lead.service_request.urgency.as_ref();
    let job = NewJob {
        customer_id: number(&filing.made.customer.as_ref()?.id),
        location_id: number(&filing.made.site.as_ref()?.id),
        business_unit_id: number(&set(settings, "business_unit")),
        job_type_id: number(&set(settings, "job_type")),
        priority: urgency.map_or("Normal", priority),
        campaign_id: number(&set(settings, "campaign")),
        appointments: [appointment(lead)],
        summary: job_summary(filing),
        external_data: external_data(filing),
    };
    Some(post("jpm", settings).path("jobs").json(&job))
}

/// `GET jobs` of the customer that are as new as the step, oldest first.
pub(super) fn jobs_of(filing: &Filing<'_>) -> Option<CrmRequest> {
    let customer = filing.made.customer.as_ref()?;
    let request = get("jpm", filing.settings).path("jobs");
    let request = request
        .query("customerId", customer.id.as_str())
        .query("createdOnOrAfter", utc(&filing.earliest()));
    Some(request.query("sort", "+Id"))
}

/// `GET jobs` with our marker in their external data, where the connection has an application.
pub(super) fn marked_jobs(filing: &Filing<'_>) -> Option<CrmRequest> {
    marked(get("jpm", filing.settings).path("jobs"), filing)
}

/// `POST leads`, of a customer and of the location, where there is one.
pub(super) fn lead_create(filing: &Filing<'_>) -> Option<CrmRequest> {
    let Filing { lead, settings, .. } = filing;
    let site = filing.made.site.as_ref();
    let lead = NewLead {
        customer_id: number(&filing.made.customer.as_ref()?.id),
        location_id: site.map(|site| number(&site.id)),
        campaign_id: number(&set(settings, "campaign")),
        business_unit_id: settings.number("business_unit"),
        job_type_id: settings.number("job_type"),
        summary: marked_summary(filing, "lead.summary", None),
        priority: lead.service_request.urgency.as_ref().map(priority),
        call_reason_id: number(&set(settings, "call_reason")),
    };
    Some(post("crm", settings).path("leads").json(&lead))
}

/// `GET leads` of the customer that are as new as the step, oldest first.
pub(super) fn leads_of(filing: &Filing<'_>) -> Option<CrmRequest> {
    let customer = filing.made.customer.as_ref()?;
    let request = get("crm", filing.settings).path("leads");
    let request = request
        .query("customerId", customer.id.as_str())
        .query("createdOnOrAfter", utc(&filing.earliest()));
    Some(request.query("sort", "+Id"))
}

/// What a note is written on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Customer,
    Job,
    Lead,
}

impl Subject {
    /// Where the connection wants the note of what a plan files: there, unless on the customer.
    pub(super) fn wanted(self, settings: &Settings) -> Self {
        match settings.text("note_on") {
            Some("customer") => Self::Customer,
            _ => self,
        }
    }

    /// The record that it is.
    pub(super) fn slot(self) -> Slot {
        match self {
            Self::Customer => Slot::Customer,
            Self::Job | Self::Lead => Slot::Lead,
        }
    }

    /// The module and the list that it is of.
    fn list(self) -> (&'static str, &'static str) {
        match self {
            Self::Customer => ("crm", "customers"),
            Self::Job => ("jpm", "jobs"),
            Self::Lead => ("crm", "leads"),
        }
    }
}

/// `POST customers/{id}/notes`, `POST jobs/{id}/notes` or `POST leads/{id}/notes`.
pub(super) fn note_create(filing: &Filing<'_>, on: Subject) -> Option<CrmRequest> {
    let limit = SERVICETITAN.limit("note.text");
    let text = note(filing, limit);
    let request = notes(post, filing, on)?;
    let request = request.names(on.slot());
    Some(request.json(&json!({ "text": text, "pinToTop": false })))
}

/// `GET customers/{id}/notes` as new as the step, `GET jobs/{id}/notes` or `GET leads/{id}/notes`.
pub(super) fn notes_of(filing: &Filing<'_>, on: Subject) -> Option<CrmRequest> {
    let request = notes(get, filing, on)?;
    Some(match on {
        Subject::Customer => request.query("createdOnOrAfter", utc(&filing.earliest())),
        Subject::Job | Subject::Lead => request,
    })
}

fn notes(
    request: fn(&str, &Settings) -> CrmRequest,
    filing: &Filing<'_>,
    on: Subject,
) -> Option<CrmRequest> {
    let (module, list) = on.list();
    let record = filing.made.get(on.slot())?;
    let request = request(module, filing.settings).path(list);
    Some(request.segment(&record.id).path("notes"))
}

pub(super) fn page(request: &CrmRequest, cut: Cut) -> CrmRequest {
    let request = request.clone().query("pageSize", cut.size().to_string());
    request.query("page", cut.page().to_string())
}

/// The same of a job, which has an appointment even if nobody has agreed on one.
fn job_summary(filing: &Filing<'_>) -> String {
    let vague = exact_time(filing.lead).is_none();
    let to_agree = "The time of the appointment is to be agreed with the caller.";
    marked_summary(filing, "job.summary", vague.then_some(to_agree))
}

/// One line: a job's field is HTML, which knows no line breaks, and nobody may write tags into it.
fn marked_summary(filing: &Filing<'_>, field: &str, more: Option<&str>) -> String {
    let wanted = &filing.lead.service_request;
    let told = wanted.issue_description.as_deref();
    let told = told.or(filing.lead.call.transcript_summary.as_deref());
    let told = told.map(|told| told.replace(['<', '>'], " "));
    let mut parts: Vec<String> = text(field, told.as_deref()).into_iter().collect();
    parts.extend(more.map(str::to_owned));
    parts.push(format!("Ref: {}", filing.marker));
    parts.join(" ")
}

fn external_data(filing: &Filing<'_>) -> Option<ExternalData> {
    Some(ExternalData {
        application_guid: filing.settings.text("application_guid")?.to_owned(),
        external_data: [ExternalValue {
            key: MARK,
            value: filing.marker.to_string(),
        }],
    })
}

fn marked(request: CrmRequest, filing: &Filing<'_>) -> Option<CrmRequest> {
    let application = filing.settings.text("application_guid")?;
    let request = request
        .query("externalDataApplicationGuid", application)
        .query("externalDataKey", MARK)
        .query("externalDataValues", filing.marker.as_str());
    Some(request.query("sort", "+Id"))
}

fn get(module: &str, settings: &Settings) -> CrmRequest {
    within(CrmRequest::get(module), settings)
}

fn post(module: &str, settings: &Settings) -> CrmRequest {
    within(CrmRequest::post(module), settings)
}

fn within(request: CrmRequest, settings: &Settings) -> CrmRequest {
    let tenant = set(settings, "tenant_id");
    request.path("v2/tenant").segment(&tenant)
}

/// An id that the connection sets, or words that say that it does not.
fn set(settings: &Settings, name: &str) -> String {
    let id = settings.number(name).map(|id| id.to_string());
    id.unwrap_or_else(|| format!("({name} is not set)"))
}

/// An id as JSON: a number, but for the words of a preview.
fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| id.into(), Value::from)
}

pub(super) fn utc(time: &chrono::DateTime<chrono::Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(super) fn text(field: &str, value: Option<&str>) -> Option<String> {
    line(value, SERVICETITAN.limit(field))
}
