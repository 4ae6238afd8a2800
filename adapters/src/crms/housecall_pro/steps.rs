//! The steps of both plans: what is found, what is made, and how what was made is found again.

use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use leadrail_lead::Marker;
use serde::de::DeserializeOwned;

use super::HOUSECALL_PRO;
use super::requests::{
    Caller, address, addresses_of, customer_create, customers_like, has_street, job, job_create,
    jobs_of, lead_create, leads_of, newest_customers, note_create, page, place, site_create,
};
use super::wire::{
    AddressPage, Customer, CustomerPage, FiledJob, FiledLead, Job, JobPage, KnownAddress, LeadPage,
    MadeAddress, Note, Page,
};
use crate::http::cut::{Cut, FEW};
use crate::http::error::{AdapterError, AdapterResult};
use crate::http::request::CrmRequest;
use crate::http::session::Session;
use crate::plan::{Filing, Record, Slot, StepFuture};

type Found<'a> = StepFuture<'a, Option<Record>>;
type Looked<'a> = StepFuture<'a, Vec<Record>>;

pub(super) fn find_customer<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let Some(caller) = Caller::of(&filing.lead.contact) else {
            return Ok(None);
        };
        let mut found = None;
        let read = each::<CustomerPage>(session, customers_like(&caller), |customer| {
            if caller.is(&customer) {
                found = Some(known(customer, filing));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        match read.await {
            // More people of that name than we read: among the newest there is nobody.
            Err(error) if error.is_incomplete_lookup() && caller.is_known_by_name_only() => {
                Ok(None)
            }
            read => read.map(|()| found),
        }
    })
}

pub(super) fn create_customer<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        match session.send::<Customer>(customer_create(filing)).await {
            Ok(customer) => Ok(Some(known(customer, filing))),
            Err(conflict) if conflict.status() == Some(409) => {
                let existing = find_customer(session, filing).await;
                existing.ok().flatten().ok_or(conflict).map(Some)
            }
            Err(error) => Err(error),
        }
    })
}

/// The search may lag behind a create; the list of the newest does not, so it is what is read, back
/// to the time when the step began.
pub(super) fn find_created_customers<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> Looked<'a> {
    Box::pin(async move {
        let mut found = Vec::new();
        each::<CustomerPage>(session, newest_customers(), |customer| {
            if is_older(customer.created_at.as_deref(), filing.earliest()) {
                return ControlFlow::Break(());
            }
            if carries(customer.tags.as_deref(), filing.marker) {
                found.push(known(customer, filing));
            }
            ControlFlow::Continue(())
        })
        .await?;
        found.reverse();
        Ok(found)
    })
}

pub(super) fn create_lead<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let Some(request) = lead_create(filing) else {
            return Err(filing.missing(Slot::Customer));
        };
        match session.send::<FiledLead>(request).await {
            Ok(filed) => Ok(Some(Record::new(filed.id))),
            Err(conflict) if conflict.status() == Some(409) => {
                let existing = find_leads(session, filing).await;
                let oldest = existing.ok().and_then(|found| found.into_iter().next());
                oldest.ok_or(conflict).map(Some)
            }
            Err(error) => Err(error),
        }
    })
}

pub(super) fn find_leads<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        let customer = filing.made.customer.as_ref();
        let customer = customer.ok_or_else(|| filing.missing(Slot::Customer))?;
        let mut found = Vec::new();
        each::<LeadPage>(session, leads_of(&customer.id), |filed| {
            if carries(filed.tags.as_deref(), filing.marker) {
                found.push(Record::new(filed.id));
            }
            ControlFlow::Continue(())
        })
        .await?;
        found.reverse();
        Ok(found)
    })
}

/// The customer's address that the caller means. Whoever gave no street can only mean the one there is.
pub(super) fn find_site<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let known = addresses(session, filing).await?;
        let wanted = place(&filing.lead.contact);
        let there = known.iter().find(|(_, address)| wanted.is(address));
        let found = match (there, known.as_slice()) {
            (Some(there), _) => Some(there),
            (None, [only]) if !has_street(&filing.lead.contact) => Some(only),
            _ => None,
        };
        Ok(found.map(|(id, _)| Record::new(id.as_str())))
    })
}

pub(super) fn create_site<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let request = site_create(filing).ok_or_else(|| filing.missing(Slot::Customer))?;
        let made = session.send::<MadeAddress>(request).await?;
        Ok(Some(Record::new(made.id)))
    })
}

/// The step before found no such address, so whatever is one now is what was made.
pub(super) fn find_created_sites<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        let wanted = place(&filing.lead.contact);
        let known = addresses(session, filing).await?.into_iter().rev();
        let ours = known.filter(|(_, address)| wanted.is(address));
        Ok(ours.map(|(id, _)| Record::new(id)).collect())
    })
}

/// The customer's addresses with their ids, newest first.
async fn addresses(
    session: &Session,
    filing: &Filing<'_>,
) -> AdapterResult<Vec<(String, KnownAddress)>> {
    let request = addresses_of(filing).ok_or_else(|| filing.missing(Slot::Customer))?;
    let mut known: Vec<(String, KnownAddress)> = Vec::new();
    each::<AddressPage>(session, request, |mut address| {
        let id = address.id.take().filter(|id| !id.is_empty());
        known.extend(id.map(|id| (id, address)));
        ControlFlow::Continue(())
    })
    .await?;
    let mut seen = std::collections::HashSet::new();
    known.retain(|(id, _)| seen.insert(id.clone()));
    Ok(known)
}

pub(super) fn create_job<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let lacking = match filing.made.customer {
            None => Slot::Customer,
            Some(_) => Slot::Site,
        };
        let request = job_create(filing).ok_or_else(|| filing.missing(lacking))?;
        match session.send::<FiledJob>(request).await {
            Ok(filed) => Ok(Some(Record::new(filed.id))),
            Err(conflict) if conflict.status() == Some(409) => {
                let existing = find_jobs(session, filing).await;
                let oldest = existing.ok().and_then(|found| found.into_iter().next());
                oldest.ok_or(conflict).map(Some)
            }
            Err(error) => Err(error),
        }
    })
}

/// Among the customer's jobs, back to the time when the step began.
pub(super) fn find_jobs<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        let request = jobs_of(filing).ok_or_else(|| filing.missing(Slot::Customer))?;
        let mut found = Vec::new();
        each::<JobPage>(session, request, |filed| {
            if is_older(filed.created_at.as_deref(), filing.earliest()) {
                return ControlFlow::Break(());
            }
            let record = Record::new(filed.id);
            if carries(filed.tags.as_deref(), filing.marker) && !found.contains(&record) {
                found.push(record);
            }
            ControlFlow::Continue(())
        })
        .await?;
        found.reverse();
        Ok(found)
    })
}

pub(super) fn create_note<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let request = note_create(filing).ok_or_else(|| filing.missing(Slot::Lead))?;
        let made = session.send::<Note>(request).await?;
        Ok(Some(Record::new(made.id)))
    })
}

/// Notes have no list of their own: they come with their job.
pub(super) fn find_notes<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        let request = job(filing).ok_or_else(|| filing.missing(Slot::Lead))?;
        let job = session.send::<Job>(request).await?;
        let is_ours = |note: &Note| {
            let content = note.content.as_deref().unwrap_or_default();
            content
                .to_ascii_lowercase()
                .contains(filing.marker.as_str())
        };
        let ours = job.notes.into_iter().filter(is_ours);
        Ok(ours.map(|note| Record::new(note.id)).collect())
    })
}

fn carries(tags: Option<&[String]>, marker: &Marker) -> bool {
    tags.unwrap_or_default()
        .iter()
        .any(|tag| tag.trim().eq_ignore_ascii_case(marker.as_str()))
}

/// The customer, with the caller's address where it is one of those that are there: a lead that
/// brings an address adds it, however often it was added before.
fn known(customer: Customer, filing: &Filing<'_>) -> Record {
    let record = Record::new(customer.id);
    let wanted = address(&filing.lead.contact);
    let addresses = customer.addresses.unwrap_or_default().into_iter();
    let mut there = addresses.filter(|known| wanted.as_ref().is_some_and(|it| it.is(known)));
    match there.find_map(|known| known.id) {
        Some(id) => record.beside(Slot::Site, Record::new(id)),
        None => record,
    }
}

/// Without a readable time we go on looking.
fn is_older(created_at: Option<&str>, than: DateTime<Utc>) -> bool {
    let created = created_at.and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    created.is_some_and(|created| created < than)
}

/// Shows every item of a list to `visit`, page after page, until it has seen enough. A list that
/// is longer than we read is an error: not having found something there proves nothing.
async fn each<P: Page + DeserializeOwned>(
    session: &Session,
    list: CrmRequest,
    mut visit: impl FnMut(P::Item) -> ControlFlow<()> + Send,
) -> AdapterResult<()> {
    let mut cut = Cut::of(FEW);
    while !cut.is_too_far() {
        let answer = session.send::<P>(page(&list, cut)).await;
        if let Some(shorter) = cut.instead_of(&answer) {
            cut = shorter;
            continue;
        }
        let (items, total_pages) = answer?.into_parts();
        let last = items.is_empty() || total_pages.is_some_and(|total| total <= cut.page().into());
        let enough = items.into_iter().any(|item| visit(item).is_break());
        if enough || last {
            return Ok(());
        }
        cut = cut.next();
    }
    Err(AdapterError::incomplete_lookup(&HOUSECALL_PRO))
}
