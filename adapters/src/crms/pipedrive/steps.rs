//! The steps of both plans: what is found, what is made, and how what was made is found again.

use std::ops::ControlFlow;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use super::caller::{Caller, is_marked};
use super::lists::each;
use super::refusal::SETTING_INVALID;
use super::requests::{
    assigned, deal_create, deal_note_create, deals_of, lead_create, lead_note_create, leads_of,
    newest_persons, notes_of, person_create, persons_like,
};
use super::wire::{Deal, Identified, Lead, Note, Numbered, One, Person};
use crate::http::cut::FEW;
use crate::http::error::{AdapterError, AdapterResult, Failure};
use crate::http::request::CrmRequest;
use crate::http::session::Session;
use crate::plan::{Filing, Record, Slot, StepFuture};

/// How many persons a page of the newest has: an import can bring thousands on the day of a lead.
const MANY: u32 = 100;

type Found<'a> = StepFuture<'a, Option<Record>>;
type Looked<'a> = StepFuture<'a, Vec<Record>>;

/// The first search that finds the caller decides; of several the newest, whose id is the greatest.
pub(super) fn find_person<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let caller = Caller::of(&filing.lead.contact);
        for search in caller.searches() {
            let mut found: Vec<String> = Vec::new();
            each::<Person>(session, (persons_like(&search), FEW), |person| {
                if caller.is_found_by(&search, &person) {
                    found.push(person.id);
                }
                ControlFlow::Continue(())
            })
            .await?;
            let newest = found.into_iter().max_by_key(|id| id.parse::<u64>().ok());
            if let Some(id) = newest {
                return Ok(Some(person_record(session, id)));
            }
        }
        Ok(None)
    })
}

pub(super) fn create_person<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let made = session.send::<One<Numbered>>(person_create(filing)).await;
        let made = made.map_err(|error| misassigned(filing, error))?;
        Ok(Some(person_record(session, made.data.id)))
    })
}

/// The search may lag behind a create; the list of the newest is what is read, back to the time when the
/// step began. Our marker in a field of the connection's decides, where it is; else what tells the caller
/// from others.
pub(super) fn find_created_persons<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        let caller = Caller::of(&filing.lead.contact);
        let field = filing.settings.text("person_field");
        let (mut ours, mut like_ours) = (Vec::new(), Vec::new());
        each::<Person>(session, (newest_persons(), MANY), |person| {
            if is_older(person.add_time, filing) {
                return ControlFlow::Break(());
            }
            if is_marked(person.custom_fields.as_ref(), field, filing.marker) {
                ours.push(person.id);
            } else if caller.became(&person, filing.marker) {
                like_ours.push(person.id);
            }
            ControlFlow::Continue(())
        })
        .await?;
        let found = match ours.is_empty() {
            true => like_ours,
            false => ours,
        };
        let found = oldest_first(found.into_iter().map(|id| (None, id)).collect());
        Ok(found
            .into_iter()
            .map(|id| person_record(session, id))
            .collect())
    })
}

pub(super) fn create_lead<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let request = needing(filing, Slot::Customer, lead_create(filing))?;
        let made = session.send::<One<Identified>>(request).await;
        let made = made.map_err(|error| misassigned(filing, error))?;
        Ok(Some(lead_record(session, made.data.id)))
    })
}

/// The person's leads with the event's id as their origin, or with the marker in their title.
pub(super) fn find_leads<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        let event_id = filing.lead.event_id.to_string();
        let lists = needing(filing, Slot::Customer, leads_of(filing))?;
        let found = in_both(session, filing, lists, |lead: Lead| {
            let is_ours = lead.origin_id.as_deref() == Some(event_id.as_str())
                || filing.marker.is_in(lead.title.as_deref());
            (lead.add_time, is_ours.then_some(lead.id))
        });
        let found = found.await?.into_iter();
        Ok(found.map(|id| lead_record(session, id)).collect())
    })
}

pub(super) fn create_deal<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let request = needing(filing, Slot::Customer, deal_create(filing))?;
        let made = session.send::<One<Numbered>>(request).await;
        let made = made.map_err(|error| misassigned(filing, error))?;
        Ok(Some(deal_record(session, made.data.id)))
    })
}

/// The person's deals with the marker in the field that the connection has for it, or in their title.
pub(super) fn find_deals<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        let field = filing.settings.text("deal_field");
        let lists = needing(filing, Slot::Customer, deals_of(filing))?;
        let found = in_both(session, filing, lists, |deal: Deal| {
            let is_ours = is_marked(deal.custom_fields.as_ref(), field, filing.marker)
                || filing.marker.is_in(deal.title.as_deref());
            (deal.add_time, is_ours.then_some(deal.id))
        });
        let found = found.await?.into_iter();
        Ok(found.map(|id| deal_record(session, id)).collect())
    })
}

pub(super) fn create_lead_note<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    create_note(session, filing, lead_note_create(filing))
}

pub(super) fn create_deal_note<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    create_note(session, filing, deal_note_create(filing))
}

fn create_note<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
    request: Option<CrmRequest>,
) -> Found<'a> {
    Box::pin(async move {
        let request = needing(filing, Slot::Lead, request)?;
        let made: One<Numbered> = session.send(request).await?;
        Ok(Some(Record::new(made.data.id)))
    })
}

pub(super) fn find_lead_notes<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    find_notes(session, filing, "lead_id")
}

pub(super) fn find_deal_notes<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    find_notes(session, filing, "deal_id")
}

fn find_notes<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
    parent: &'static str,
) -> Looked<'a> {
    Box::pin(async move {
        let list = needing(filing, Slot::Lead, notes_of(filing, parent))?;
        let mut found = Vec::new();
        each::<Note>(session, (list, FEW), |note| {
            if filing.marker.is_in(note.content.as_deref()) {
                found.push((None, note.id));
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(oldest_first(found).into_iter().map(Record::new).collect())
    })
}

/// What is ours in the list of what is there and in that of what was archived, each once, oldest first.
async fn in_both<T: DeserializeOwned>(
    session: &Session,
    filing: &Filing<'_>,
    lists: [CrmRequest; 2],
    judge: impl Fn(T) -> (Option<DateTime<Utc>>, Option<String>) + Send + Sync,
) -> AdapterResult<Vec<String>> {
    let mut found = Vec::new();
    for list in lists {
        each::<T>(session, (list, FEW), |record| {
            let (added, ours) = judge(record);
            if is_older(added, filing) {
                return ControlFlow::Break(());
            }
            found.extend(ours.map(|id| (added, id)));
            ControlFlow::Continue(())
        })
        .await?;
    }
    Ok(oldest_first(found))
}

/// Ids that are numbers grow with time; others have one. What stands on two pages, or was archived
/// between two lists, is one.
fn oldest_first(mut found: Vec<(Option<DateTime<Utc>>, String)>) -> Vec<String> {
    found.reverse();
    found.sort_by_key(|(added, id)| (*added, id.parse::<u64>().ok()));
    let mut ids: Vec<String> = Vec::new();
    for (_, id) in found {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// Without a readable time we go on looking.
fn is_older(added: Option<DateTime<Utc>>, filing: &Filing<'_>) -> bool {
    added.is_some_and(|added| added < filing.earliest())
}

/// Where the lead itself names the owner, a refused one is no fault of the connection.
fn misassigned(filing: &Filing<'_>, error: AdapterError) -> AdapterError {
    match error {
        AdapterError::Setup(failure)
            if failure.reason == SETTING_INVALID && assigned(filing).is_some() =>
        {
            let what = "Pipedrive does not take the owner that the lead names in assigned_to, or what \
                        the connection sets";
            AdapterError::Rejected(Failure {
                detail: what.to_owned(),
                ..failure
            })
        }
        error => error,
    }
}

/// What builds on a record which must be there.
fn needing<T>(filing: &Filing<'_>, slot: Slot, built: Option<T>) -> AdapterResult<T> {
    built.ok_or_else(|| filing.missing(slot))
}

fn person_record(session: &Session, id: String) -> Record {
    shown(session, "person", id)
}

pub(super) fn lead_record(session: &Session, id: String) -> Record {
    shown(session, "leads/inbox", id)
}

fn deal_record(session: &Session, id: String) -> Record {
    shown(session, "deal", id)
}

/// The page that shows a record stands on the company's own host, which is known of those that signed
/// in.
fn shown(session: &Session, page: &str, id: String) -> Record {
    let host = session.base_url().host_str().unwrap_or_default();
    let company = host.strip_suffix(".pipedrive.com");
    let company = company.filter(|name| *name != "api");
    Record {
        url: company.map(|_| format!("https://{host}/{page}/{id}")),
        ..Record::new(id)
    }
}
