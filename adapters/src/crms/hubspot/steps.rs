//! The steps of both plans: what is found, what is made, and how what was made is found again.

use std::ops::ControlFlow;

use super::caller::{Caller, email, has_email};
use super::lists::{batch, each, ids, read};
use super::refusal::{CONFLICT, EMAIL_REFUSED, NOT_THERE};
use super::requests::{
    contact_create, contact_of_email, contact_without_email, contacts_like, deal_create,
    lead_create, marked_contacts, note_create, referred,
};
use super::wire::{Created, Object};
use super::{Kind, ready};
use crate::http::error::AdapterResult;
use crate::http::request::CrmRequest;
use crate::http::session::Session;
use crate::plan::{Filing, Record, Slot, StepFuture};

type Found<'a> = StepFuture<'a, Option<Record>>;
type Looked<'a> = StepFuture<'a, Vec<Record>>;

/// The newest contact with the caller's number, else the one with the address: numbers are where calls
/// come from, and addresses are unique.
pub(super) fn find_contact<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let Some(caller) = Caller::of(&filing.lead.contact) else {
            return Ok(None);
        };
        let (mut by_number, mut by_email) = (None, None);
        let page = |window| contacts_like(&caller, window);
        each(session, page, |contact: Object| {
            if caller.has_number(&contact) {
                by_number = Some(contact);
                return ControlFlow::Break(());
            }
            if by_email.is_none() && caller.has_email(&contact) {
                by_email = Some(contact);
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(by_number.or(by_email).map(record))
    })
}

/// The search lags, and says nothing of what is a minute old: so a contact that is there already is
/// found out here, where HubSpot refuses a second one with the same address or reference.
pub(super) fn create_contact<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let made = make(session, contact_create(filing)).await;
        let without = contact_without_email(filing);
        let made = match (made, without) {
            // HubSpot has said that nothing was made, so this is still the only create.
            (Err(refused), Some(without)) if refused.reason() == EMAIL_REFUSED => {
                make(session, without).await
            }
            (made, _) => made,
        };
        match made {
            Err(conflict) if is_taken(conflict.status(), conflict.reason()) => {
                let there = known_contact(session, filing).await?;
                there.ok_or(conflict).map(Some)
            }
            made => made.map(Some),
        }
    })
}

/// By the unique values first, which no index lags behind; then by the marker, which must be searched
/// for. A connection may have got its property after the contact was made.
pub(super) fn find_created_contacts<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> Looked<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        if let Some(there) = known_contact(session, filing).await? {
            return Ok(vec![there]);
        }
        let mut found = Vec::new();
        let page = |window| marked_contacts(filing, window);
        each(session, page, |contact: Object| {
            let is_new = |contact: &Object| found.iter().all(|one: &Object| one.id != contact.id);
            if filing.marker.is_in(contact.text("message")) && is_new(&contact) {
                found.push(contact);
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(oldest_first(found))
    })
}

/// The contact with our reference, or with the address, of which there can be one.
async fn known_contact(session: &Session, filing: &Filing<'_>) -> AdapterResult<Option<Record>> {
    if let Some(there) = referred_to(session, filing, Kind::Contact).await? {
        return Ok(Some(there));
    }
    let Some(email) = email(&filing.lead.contact) else {
        return Ok(None);
    };
    let there = batch::<Object>(session, contact_of_email(&email)).await?;
    let mut there = there.results.into_iter();
    Ok(there.find(|contact| has_email(contact, &email)).map(record))
}

pub(super) fn create_deal<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    create_on_contact(session, filing, Kind::Deal, deal_create(filing))
}

pub(super) fn create_lead<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    create_on_contact(session, filing, Kind::Lead, lead_create(filing))
}

fn create_on_contact<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
    kind: Kind,
    request: Option<CrmRequest>,
) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let request = request.ok_or_else(|| filing.missing(Slot::Customer))?;
        match make(session, request).await {
            Err(conflict) if is_taken(conflict.status(), conflict.reason()) => {
                let there = referred_to(session, filing, kind).await?;
                there.ok_or(conflict).map(Some)
            }
            made => made.map(Some),
        }
    })
}

pub(super) fn find_deals<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    find_on_contact(session, filing, Kind::Deal, "description")
}

pub(super) fn find_leads<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    find_on_contact(session, filing, Kind::Lead, "hs_lead_name")
}

/// By our reference where the connection has a property for it, else among all that the contact has.
fn find_on_contact<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
    kind: Kind,
    marked: &'static str,
) -> Looked<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        if let Some(there) = referred_to(session, filing, kind).await? {
            return Ok(vec![there]);
        }
        marked_children(
            session,
            filing,
            (Kind::Contact, Slot::Customer),
            (kind, marked),
        )
        .await
    })
}

pub(super) fn create_note_on_deal<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    create_note(session, filing, Kind::Deal)
}

pub(super) fn create_note_on_contact<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> Found<'a> {
    create_note(session, filing, Kind::Contact)
}

fn create_note<'a>(session: &'a Session, filing: &'a Filing<'a>, on: Kind) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let request = note_create(filing, on).ok_or_else(|| filing.missing(Slot::Lead))?;
        make(session, request).await.map(Some)
    })
}

pub(super) fn find_notes_of_deal<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        let note = (Kind::Note, "hs_note_body");
        marked_children(session, filing, (Kind::Deal, Slot::Lead), note).await
    })
}

pub(super) fn find_notes_of_contact<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> Looked<'a> {
    Box::pin(async move {
        let note = (Kind::Note, "hs_note_body");
        marked_children(session, filing, (Kind::Contact, Slot::Customer), note).await
    })
}

/// What is associated with a record and bears the step's marker in that property.
async fn marked_children(
    session: &Session,
    filing: &Filing<'_>,
    (parent, slot): (Kind, Slot),
    (kind, property): (Kind, &str),
) -> AdapterResult<Vec<Record>> {
    let of = filing.made.get(slot).ok_or_else(|| filing.missing(slot))?;
    let ids = ids(session, (parent, &of.id), kind).await?;
    let mut found = read(session, kind, &ids, property).await?;
    found.retain(|one| filing.marker.is_in(one.text(property)));
    Ok(oldest_first(found))
}

/// The record with our reference; `None` too where the connection has no property for it.
async fn referred_to(
    session: &Session,
    filing: &Filing<'_>,
    kind: Kind,
) -> AdapterResult<Option<Record>> {
    let Some(request) = referred(filing, kind) else {
        return Ok(None);
    };
    match session.send::<Object>(request).await {
        Ok(there) => Ok(Some(record(there))),
        Err(error) if error.reason() == NOT_THERE => Ok(None),
        Err(error) => Err(error),
    }
}

async fn make(session: &Session, request: CrmRequest) -> AdapterResult<Record> {
    match session.send::<Created>(request).await? {
        Created::Made(object) => Ok(record(object)),
        Created::Existing(existing) => Ok(Record::new(existing.id)),
    }
}

/// Whether a create was refused because a unique value is taken.
fn is_taken(status: Option<u16>, reason: &str) -> bool {
    status == Some(409) || reason == CONFLICT
}

/// HubSpot's ids grow.
fn oldest_first(mut found: Vec<Object>) -> Vec<Record> {
    found.sort_by_key(|one| one.id.parse::<u64>().ok());
    found.into_iter().map(record).collect()
}

/// With the page that shows it, where HubSpot tells and it is one of its own.
fn record(object: Object) -> Record {
    let url = object.url.filter(|url| is_page(url));
    Record {
        url,
        ..Record::new(object.id)
    }
}

fn is_page(text: &str) -> bool {
    let Ok(url) = url::Url::parse(text) else {
        return false;
    };
    let own = url
        .host_str()
        .is_some_and(|host| host.ends_with(".hubspot.com"));
    own && url.scheme() == "https" && url.username().is_empty() && text.len() <= 500
}
