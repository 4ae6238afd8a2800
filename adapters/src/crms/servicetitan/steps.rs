//! The steps of all plans: what is found, what is made, and how what was made is found again.

use super::caller::{Caller, address, contacts, has_street, is_at};
use super::lists::{Pages, all, all_contacts};
use super::refusal::misplaced;
use super::requests::{
    Subject, booking_create, bookings_of, contacts_of, contacts_since, customer, customer_create,
    customers_like, job_create, jobs_of, lead_create, leads_of, location_create, locations_of,
    locations_since, marked_customers, marked_jobs, note_create, notes_of,
};
use super::wire::{
    Booking, Contact, CreatedCustomer, Customer, JobNote, Location, Note, Numbered, Summarized,
};
use super::{ready, record_of_job};
use crate::http::error::AdapterResult;
use crate::http::session::Session;
use crate::plan::{Filing, Record, Slot, StepFuture};

/// How many mergers are followed from a customer to the one it has become.
const MAX_MERGERS: u32 = 3;

type Found<'a> = StepFuture<'a, Option<Record>>;
type Looked<'a> = StepFuture<'a, Vec<Record>>;

/// The search says neither whose number it found nor what it compared, so the contacts of all that
/// it found are compared here.
pub(super) fn find_customer<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let Some(caller) = Caller::of(&filing.lead.contact) else {
            return Ok(None);
        };
        let mut pages = Pages::of(session, customers_like(filing.settings, &caller));
        while let Some(candidates) = pages.next::<Customer>().await? {
            let theirs = with_number(session, filing, &caller, &candidates).await?;
            for candidate in candidates {
                if theirs.contains(&candidate.id)
                    && let Some(id) = surviving(session, filing, candidate).await?
                {
                    return Ok(Some(Record::new(id)));
                }
            }
        }
        Ok(None)
    })
}

/// Which of these customers have exactly the caller's number.
async fn with_number(
    session: &Session,
    filing: &Filing<'_>,
    caller: &Caller,
    candidates: &[Customer],
) -> AdapterResult<Vec<String>> {
    let ids: Vec<String> = candidates.iter().map(|known| known.id.clone()).collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    all_contacts(session, contacts_of(filing.settings, &ids), |contact| {
        let value = contact.value.as_deref();
        let same = value.is_some_and(|value| caller.is(value));
        same.then_some(contact.customer_id)
    })
    .await
}

/// The customer, or the one it was merged into; `None` if nobody is left of it.
async fn surviving(
    session: &Session,
    filing: &Filing<'_>,
    known: Customer,
) -> AdapterResult<Option<String>> {
    let mut known = known;
    for _ in 0..MAX_MERGERS {
        let merged_to = match (known.active, known.merged_to_id) {
            (Some(false), Some(id)) if id > 0 => id.to_string(),
            (Some(false), _) => return Ok(None),
            _ => return Ok(Some(known.id)),
        };
        match session.send(customer(filing.settings, &merged_to)).await {
            Ok(next) => known = next,
            Err(gone) if gone.status() == Some(404) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok((known.active != Some(false)).then_some(known.id))
}

pub(super) fn create_customer<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let created = session.send::<CreatedCustomer>(customer_create(filing));
        let created = created.await.map_err(misplaced)?;
        let record = Record::new(created.id);
        Ok(Some(match created.locations.into_iter().next() {
            Some(location) => record.beside(Slot::Site, Record::new(location.id)),
            None => record,
        }))
    })
}

/// By external data, which only we can change; else by what stands in a memo, or in the name of a
/// location where the customer has no contact to have a memo. Both are looked at, because the
/// connection may have got its application after the customer was made.
pub(super) fn find_created_customers<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> Looked<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        if let Some(request) = marked_customers(filing) {
            let found = all(session, request, |known: Numbered| {
                Some(Record::new(known.id))
            });
            let found = found.await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let marker = filing.marker;
        let mut ids = match contacts(&filing.lead.contact, None).is_empty() {
            false => {
                let request = contacts_since(filing);
                let is_ours = |known: &Contact| marker.is_in(known.memo.as_deref());
                all_contacts(session, request, |known| {
                    is_ours(&known).then_some(known.customer_id)
                })
                .await?
            }
            true => {
                let request = locations_since(filing);
                let is_ours = |known: &Location| marker.is_in(known.name.as_deref());
                all(session, request, |known: Location| {
                    is_ours(&known).then_some(known.customer_id)
                })
                .await?
            }
        };
        // Contacts have no order; ids grow.
        ids.sort_by_key(|id| id.parse::<u64>().ok());
        Ok(ids.into_iter().map(Record::new).collect())
    })
}

/// The location with the caller's address. A caller who gave no street can only mean the one
/// location there is.
pub(super) fn find_site<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let known = locations(session, filing).await?;
        let wanted = address(&filing.lead.contact);
        let at_address = known.iter().find(|location| is_there(location, &wanted));
        let found = match (at_address, known.as_slice()) {
            (Some(location), _) => Some(location),
            (None, [only]) if !has_street(&filing.lead.contact) => Some(only),
            _ => None,
        };
        Ok(found.map(|location| Record::new(location.id.as_str())))
    })
}

pub(super) fn create_site<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let request = location_create(filing).ok_or_else(|| filing.missing(Slot::Customer))?;
        let created = session.send::<Numbered>(request).await?;
        Ok(Some(Record::new(created.id)))
    })
}

/// A lead may do without a location, so a known customer gets none of which nothing is known.
pub(super) fn create_site_with_street<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> Found<'a> {
    match has_street(&filing.lead.contact) {
        true => create_site(session, filing),
        false => Box::pin(async { Ok(None) }),
    }
}

/// The step before found no location with the address, so whatever has it now is what was made.
pub(super) fn find_created_sites<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        let wanted = address(&filing.lead.contact);
        let known = locations(session, filing).await?;
        let ours = known.into_iter().rev();
        let ours = ours.filter(|location| is_there(location, &wanted));
        Ok(ours.map(|location| Record::new(location.id)).collect())
    })
}

/// The customer's locations, newest first.
async fn locations(session: &Session, filing: &Filing<'_>) -> AdapterResult<Vec<Location>> {
    ready(filing.settings)?;
    let request = locations_of(filing).ok_or_else(|| filing.missing(Slot::Customer))?;
    let mut pages = Pages::of(session, request);
    let mut known: Vec<Location> = Vec::new();
    while let Some(page) = pages.next::<Location>().await? {
        let fresh = page.into_iter();
        let fresh: Vec<Location> = fresh
            .filter(|location| known.iter().all(|seen| seen.id != location.id))
            .collect();
        known.extend(fresh);
    }
    Ok(known)
}

fn is_there(location: &Location, wanted: &super::wire::Address) -> bool {
    let address = location.address.as_ref();
    address.is_some_and(|known| is_at(wanted, known))
}

pub(super) fn create_booking<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let created = session.send::<Numbered>(booking_create(filing)).await;
        Ok(Some(Record::new(created.map_err(misplaced)?.id)))
    })
}

pub(super) fn find_bookings<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let ours = filing.lead.event_id.to_string();
        all(session, bookings_of(filing), |booking: Booking| {
            let is_ours = booking.external_id.as_deref() == Some(ours.as_str());
            is_ours.then(|| Record::new(booking.id))
        })
        .await
    })
}

pub(super) fn create_job<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let lacking = match filing.made.customer {
            None => Slot::Customer,
            Some(_) => Slot::Site,
        };
        let request = job_create(filing).ok_or_else(|| filing.missing(lacking))?;
        let created = session.send::<Numbered>(request).await;
        Ok(Some(record_of_job(created.map_err(misplaced)?.id)))
    })
}

/// By external data, else by the summary; see [`find_created_customers`].
pub(super) fn find_jobs<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        if let Some(request) = marked_jobs(filing) {
            let found = all(session, request, |job: Numbered| {
                Some(record_of_job(job.id))
            });
            let found = found.await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let request = jobs_of(filing).ok_or_else(|| filing.missing(Slot::Customer))?;
        all(session, request, |job: Summarized| {
            let is_ours = filing.marker.is_in(job.summary.as_deref());
            is_ours.then(|| record_of_job(job.id))
        })
        .await
    })
}

pub(super) fn create_lead<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let request = lead_create(filing).ok_or_else(|| filing.missing(Slot::Customer))?;
        let created = session.send::<Numbered>(request).await;
        Ok(Some(Record::new(created.map_err(misplaced)?.id)))
    })
}

pub(super) fn find_leads<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let request = leads_of(filing).ok_or_else(|| filing.missing(Slot::Customer))?;
        all(session, request, |lead: Summarized| {
            let is_ours = filing.marker.is_in(lead.summary.as_deref());
            is_ours.then(|| Record::new(lead.id))
        })
        .await
    })
}

pub(super) fn note_job<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(create_note(session, filing, Subject::Job))
}

pub(super) fn note_lead<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(create_note(session, filing, Subject::Lead))
}

pub(super) fn find_notes_of_job<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(find_notes(session, filing, Subject::Job))
}

pub(super) fn find_notes_of_lead<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(find_notes(session, filing, Subject::Lead))
}

/// A job's notes have no id: what finds one again, its marker, stands for it.
async fn create_note(
    session: &Session,
    filing: &Filing<'_>,
    filed: Subject,
) -> AdapterResult<Option<Record>> {
    ready(filing.settings)?;
    let on = filed.wanted(filing.settings);
    let request = note_create(filing, on).ok_or_else(|| filing.missing(on.slot()))?;
    let id = match on {
        Subject::Job => {
            session.send::<JobNote>(request).await?;
            filing.marker.to_string()
        }
        Subject::Customer | Subject::Lead => session.send::<Numbered>(request).await?.id,
    };
    Ok(Some(Record::new(id)))
}

/// Where the connection wants notes now, else where it may have wanted them when this one was made.
async fn find_notes(
    session: &Session,
    filing: &Filing<'_>,
    filed: Subject,
) -> AdapterResult<Vec<Record>> {
    ready(filing.settings)?;
    let wanted = filed.wanted(filing.settings);
    let other = match wanted == filed {
        true => Subject::Customer,
        false => filed,
    };
    let found = notes_on(session, filing, wanted).await?;
    match found.is_empty() {
        true => notes_on(session, filing, other).await,
        false => Ok(found),
    }
}

async fn notes_on(
    session: &Session,
    filing: &Filing<'_>,
    on: Subject,
) -> AdapterResult<Vec<Record>> {
    let request = notes_of(filing, on).ok_or_else(|| filing.missing(on.slot()))?;
    let marker = filing.marker;
    match on {
        Subject::Job => {
            // Two that say the same at the same time are one that stands on two pages.
            let ours = all(session, request, |note: JobNote| {
                let is_ours = marker.is_in(Some(&note.text));
                is_ours.then_some((note.created_on, note.text))
            });
            let record = |_| Record::new(marker.as_str());
            Ok(ours.await?.into_iter().map(record).collect())
        }
        Subject::Customer | Subject::Lead => {
            let mut ours = all(session, request, |note: Note| {
                marker.is_in(Some(&note.text)).then_some(note.id)
            })
            .await?;
            // These lists have no order; ids grow.
            ours.sort_by_key(|id| id.parse::<u64>().ok());
            Ok(ours.into_iter().map(Record::new).collect())
        }
    }
}
