//! Looking for what is there: at once by the direct look-up, as far as the index goes by the searches.

use std::sync::Arc;

use serde_json::{Value, json};

use super::books::Company;
use super::form;
use super::records::{Contact, Opportunity};
use super::refusal::unprocessable;
use super::{GoHighLevel, ok};
use crate::call::Call;
use crate::form::Form;
use crate::page::{self, Page};
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

/// `GET /contacts/search/duplicate`: by the address, else by the number, which begins with a plus.
pub(super) fn duplicate(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    let call = visit.call;
    crm.enter(visit, call.parameter("locationId"), "contacts.readonly")?;
    let found = crm.with(visit.company, |company| {
        let email = call.parameter("email").unwrap_or_default();
        let number = call.parameter("number").unwrap_or_default();
        let mut known = company.with_email(email);
        known.extend(company.with_phone(number));
        known.first().map(|contact| json!(***contact))
    });
    ok(&json!({"contact": found, "traceId": super::records::new_id()}))
}

/// One condition of a search: all of them must hold.
struct Filter {
    field: String,
    value: String,
}

impl Filter {
    fn holds(&self, contact: &Contact) -> bool {
        let lower = |text: &Option<String>| text.as_deref().map(str::to_lowercase);
        let known = match self.field.as_str() {
            "phone" => contact.phone.clone(),
            "email" => lower(&contact.email),
            "firstName" => lower(&contact.first_name),
            _ => lower(&contact.last_name),
        };
        let wanted = match self.field.as_str() {
            "phone" => self.value.clone(),
            _ => self.value.to_lowercase(),
        };
        known.is_some_and(|known| known == wanted)
    }
}

/// What `POST /contacts/search` is asked.
struct Asked {
    location: String,
    page: Page,
    filters: Vec<Filter>,
}

pub(super) fn contacts(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    let asked = asked(form::read(visit.call)?)?;
    crm.enter(visit, Some(&asked.location), "contacts.readonly")?;
    let slice = crm.with(visit.company, |company| {
        let all = company.all_contacts().into_iter();
        let shown: Vec<&Arc<Contact>> = all
            .filter(|contact| visit.call.is_indexed(contact.date_added))
            .filter(|contact| asked.filters.iter().all(|filter| filter.holds(contact)))
            .collect();
        asked.page.slice(&shown)
    });
    let contacts = slice.show(|contact| json!(contact));
    let trace = super::records::new_id();
    ok(&json!({"contacts": contacts, "total": slice.total, "traceId": trace}))
}

fn asked(mut form: Form) -> Result<Asked, Reply> {
    let location = form.required_text("locationId");
    form.require("pageLimit");
    let number = form.whole_number("page").unwrap_or(1);
    let size = form.whole_number("pageLimit").unwrap_or(1);
    if !(1..=500).contains(&size) {
        form.invalid("pageLimit", "must not be greater than 500");
    }
    if number < 1 {
        form.invalid("page", "must not be less than 1");
    }
    let filters = filters(&mut form);
    form::check(form)?;
    let count = |number: i64| usize::try_from(number).unwrap_or(1).max(1);
    Ok(Asked {
        location,
        page: Page {
            number: count(number),
            size: count(size),
            ascending: false,
        },
        filters,
    })
}

fn filters(form: &mut Form) -> Vec<Filter> {
    let mut filters = Vec::new();
    for mut part in form.forms("filters") {
        let fields = ["phone", "email", "firstName", "lastName"];
        let field = part.one_of("field", &fields).unwrap_or_default();
        part.one_of("operator", &["eq"]);
        filters.push(Filter {
            field: field.to_owned(),
            value: part.required_text("value"),
        });
        part.refuse_rest();
        form.absorb(part);
    }
    filters
}

/// `GET /opportunities/search`. Parameters that it does not know are refused: those of its kin are
/// written otherwise.
pub(super) fn opportunities(crm: &GoHighLevel, visit: &Visit<'_>) -> Answer {
    let call = visit.call;
    check_parameters(call)?;
    crm.enter(
        visit,
        call.parameter("location_id"),
        "opportunities.readonly",
    )?;
    let page = page_of(call)?;
    let status = one_of(call, "status", &["all", "open", "won", "lost", "abandoned"])?;
    let (slice, shown) = crm.with(visit.company, |company| {
        let known = candidates(company, call);
        let is_meant = |known: &&Arc<Opportunity>| {
            let of_pipeline = call.parameter("pipeline_id");
            call.is_indexed(known.created_at)
                && (status == "all" || known.status == status)
                && of_pipeline.is_none_or(|id| known.pipeline_id == id)
        };
        let known: Vec<_> = known.into_iter().filter(is_meant).collect();
        let slice = page.slice(&known);
        let shown: Vec<Value> = slice.items.iter().map(|item| card(company, item)).collect();
        (slice, shown)
    });
    let has_more = page.has_more(slice.total);
    let meta = json!({
        "total": slice.total, "currentPage": page.number,
        "nextPage": has_more.then(|| page.number + 1),
        "prevPage": (page.number > 1).then(|| page.number - 1),
    });
    ok(&json!({"opportunities": shown, "meta": meta, "aggregations": {}}))
}

/// Those of a contact, or all, oldest first.
fn candidates<'a>(company: &'a Company, call: &Call) -> Vec<&'a Arc<Opportunity>> {
    match call.parameter("contact_id") {
        Some(contact) => company.opportunities_of(contact),
        None => company.opportunities.all().iter().collect(),
    }
}

/// An opportunity with a word about its contact.
fn card(company: &Company, opportunity: &Opportunity) -> Value {
    let mut card = opportunity.show();
    let contact = company.contact(&opportunity.contact_id);
    card["contact"] = contact.map_or(Value::Null, |contact| {
        json!({
            "id": contact.id, "name": contact.name(), "email": contact.email,
            "phone": contact.phone, "tags": contact.tags,
        })
    });
    card
}

fn check_parameters(call: &Call) -> Result<(), Reply> {
    const KNOWN: [&str; 7] = [
        "location_id",
        "contact_id",
        "pipeline_id",
        "status",
        "page",
        "limit",
        "order",
    ];
    let unknown = call.parameter_names().filter(|name| !KNOWN.contains(name));
    let unknown: Vec<String> = unknown
        .map(|name| format!("property {name} should not exist"))
        .collect();
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(unprocessable(&unknown)),
    }
}

fn page_of(call: &Call) -> Result<Page, Reply> {
    let number =
        |name, usual| page::positive(call, name, usual).map_err(|wrong| unprocessable(&[wrong]));
    let size = number("limit", 20)?;
    if size > 100 {
        let wrong = "limit must not be greater than 100".to_owned();
        return Err(unprocessable(&[wrong]));
    }
    Ok(Page {
        number: number("page", 1)?,
        size,
        ascending: false,
    })
}

fn one_of<'a>(call: &'a Call, name: &str, allowed: &[&'a str]) -> Result<&'a str, Reply> {
    page::one_of(call, name, allowed).map_err(|wrong| unprocessable(&[wrong]))
}
