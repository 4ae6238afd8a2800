//! Bookings, which a booking provider files and an office takes or dismisses.

use std::sync::Arc;

use serde_json::{Value, json};

use super::books::Company;
use super::listing::Listing;
use super::parts::{CUSTOMER_TYPES, PRIORITIES, address, contacts, reference};
use super::presets::{BUSINESS_UNITS, CAMPAIGNS, JOB_TYPES};
use super::problem::{check, conflict, not_found, read};
use super::record::{Draft, Record};
use super::{ServiceTitan, ok, path_id};
use crate::clock;
use crate::form::Form;
use crate::page::Slice;
use crate::reply::Reply;
use crate::routes::{Answer, Visit};

/// What a booking must say.
const REQUIRED: &[&str] = &[
    "source",
    "name",
    "summary",
    "isFirstTimeClient",
    "externalId",
];

pub(super) fn list(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let listing = Listing::read(visit.call)?;
    let slice = crm.with(visit.company, |company| cut(&listing, visit, company, None));
    ok(&listing.envelope(&slice, show_one))
}

/// A provider sees its own bookings only.
pub(super) fn list_of_provider(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let listing = Listing::read(visit.call)?;
    let provider = path_id(visit, 1)?;
    let slice = crm.with(visit.company, |company| {
        company.provider_tags.active(provider)?;
        Some(cut(&listing, visit, company, Some(provider)))
    });
    let slice = slice.ok_or_else(no_provider)?;
    ok(&listing.envelope(&slice, show_one))
}

pub(super) fn show(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let id = path_id(visit, 1)?;
    let booking = crm.with(visit.company, |company| {
        company.bookings.records.get(&id).cloned()
    });
    ok(&show_one(
        &*booking.ok_or_else(|| not_found("The booking"))?,
    ))
}

pub(super) fn show_of_provider(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let (provider, id) = (path_id(visit, 1)?, path_id(visit, 2)?);
    let booking = crm.with(visit.company, |company| of_provider(company, provider, id));
    ok(&show_one(&*booking?))
}

/// Nothing is checked for duplicates, as nothing is documented to be.
pub(super) fn create(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let provider = path_id(visit, 1)?;
    let mut form = read(visit.call)?;
    for name in REQUIRED {
        form.require(name);
    }
    let mut draft = read_booking(&mut form);
    let contacts = contacts(&mut form);
    check(form)?;
    let fresh = json!({"status": "New", "jobId": null, "dismissingReasonId": null,
                       "bookingProviderId": provider});
    draft.fields.extend(Draft::of(fresh).fields);
    let booking = crm.with(visit.company, |company| {
        company.provider_tags.active(provider)?;
        Some(company.add_booking(provider, draft, contacts))
    });
    ok(&show_one(&*booking.ok_or_else(no_provider)?))
}

/// Changes the fields that are given, until the office has handled the booking; contacts have
/// endpoints of their own.
pub(super) fn update(crm: &ServiceTitan, visit: &Visit<'_>) -> Answer {
    let (provider, id) = (path_id(visit, 1)?, path_id(visit, 2)?);
    let mut form = read(visit.call)?;
    let given: Vec<String> = form.names();
    let changes = read_booking(&mut form).fields;
    check(form)?;
    let booking = crm.with(visit.company, |company| {
        let before = of_provider(company, provider, id)?;
        if before.text("status") != Some("New") {
            return Err(conflict("The booking has been handled."));
        }
        if let Some(booking) = company.bookings.records.get_mut(&id) {
            let is_given = |(name, _): &(String, Value)| given.contains(name);
            booking.fields.extend(changes.into_iter().filter(is_given));
            booking.modified_on = clock::now();
        }
        let after = of_provider(company, provider, id)?;
        let external_id = |booking: &Record| booking.text("externalId").unwrap_or("").to_owned();
        company.reindex_booking(id, &external_id(&before), &external_id(&after));
        Ok::<_, Reply>(after)
    });
    ok(&show_one(&*booking?))
}

/// A booking of that provider; 404 if it is not its own.
pub(super) fn of_provider(company: &Company, provider: i64, id: i64) -> Result<Arc<Record>, Reply> {
    let booking = company.bookings.records.get(&id);
    let theirs = |booking: &&Arc<Record>| booking.number("bookingProviderId") == Some(provider);
    booking
        .filter(theirs)
        .cloned()
        .ok_or_else(|| not_found("The booking"))
}

fn cut(
    listing: &Listing<'_>,
    visit: &Visit<'_>,
    company: &Company,
    provider: Option<i64>,
) -> Slice<Record> {
    let mut found = match (visit.call.parameter("externalId"), provider) {
        (Some(id), _) => company.bookings_by_external_id(id),
        (None, Some(provider)) => company.bookings.of(provider),
        (None, None) => company.bookings.all(),
    };
    if let Some(provider) = provider {
        found.retain(|booking| booking.number("bookingProviderId") == Some(provider));
    }
    listing.cut(found)
}

/// The fields that creation and change share, all of them optional here but not blank.
fn read_booking(form: &mut Form) -> Draft {
    let texts = ["source", "name", "summary", "externalId"].map(|name| {
        let is_given = form.has(name);
        let text = form.text(name);
        if is_given && text.is_none() {
            form.invalid(name, "must not be empty");
        }
        (name.to_owned(), json!(text))
    });
    let mut draft = Draft::of(json!({
        "address": address(form, "address"),
        "customerType": form.one_of("customerType", CUSTOMER_TYPES),
        "start": form.time("start"),
        "campaignId": reference(form, "campaignId", CAMPAIGNS),
        "businessUnitId": reference(form, "businessUnitId", BUSINESS_UNITS),
        "jobTypeId": reference(form, "jobTypeId", JOB_TYPES),
        "priority": form.one_of("priority", PRIORITIES),
        "isFirstTimeClient": form.flag("isFirstTimeClient"),
        "uploadedImages": form.texts("uploadedImages"),
        "isSendConfirmationEmail": form.flag("isSendConfirmationEmail").unwrap_or(false),
    }));
    draft.fields.extend(texts);
    draft
}

fn no_provider() -> Reply {
    not_found("The booking provider")
}

/// A booking shows neither contacts nor external data.
fn show_one(booking: &Record) -> Value {
    let mut shown = booking.show(None);
    if let Some(fields) = shown.as_object_mut() {
        fields.remove("externalData");
        fields.remove("createdById");
    }
    shown
}
