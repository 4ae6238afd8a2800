//! The steps of both plans: what is found, what is made, and how what was made is found again.

use url::Url;

use super::caller::{Handle, handles};
use super::lists::all;
use super::refusal::{OWNER_UNKNOWN, UNNAMED_DOUBLE};
use super::requests::{
    contact_by, contact_create, contacts_like, location_id, note_create, notes_of, of_lead,
    opportunities_of, opportunity_create,
};
use super::wire::{
    Contact, ContactPage, FoundContact, MadeContact, MadeNote, MadeOpportunity, Notes, Opportunity,
    OpportunityPage,
};
use super::{ready, set};
use crate::http::error::{AdapterError, AdapterResult};
use crate::http::session::Session;
use crate::http::settings::Settings;
use crate::plan::{Filing, Record, Slot, StepFuture};

type Found<'a> = StepFuture<'a, Option<Record>>;
type Looked<'a> = StepFuture<'a, Vec<Record>>;

pub(super) fn find_contact<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        for handle in handles(&filing.lead.contact) {
            if let Some(known) = direct(session, filing, &handle).await? {
                return Ok(Some(record_of(filing.settings, known.id)));
            }
        }
        Ok(None)
    })
}

/// The contact that the direct look-up knows, if it is the caller. One that is too long to read is looked
/// for in pages, of which there are shorter ones: the newest.
async fn direct(
    session: &Session,
    filing: &Filing<'_>,
    handle: &Handle,
) -> AdapterResult<Option<Contact>> {
    let found = session.send_maybe::<FoundContact>(contact_by(filing.settings, handle));
    match found.await {
        Err(error) if error.is_too_long() => {
            let mut known = searched(session, filing, handle).await?;
            known.sort_by_key(Contact::added);
            Ok(known.pop())
        }
        found => {
            let found = found?.and_then(|found| found.contact);
            Ok(found.filter(|known| handle.is_of(known)))
        }
    }
}

/// The contacts that the search shows, as far as they are the caller.
async fn searched(
    session: &Session,
    filing: &Filing<'_>,
    handle: &Handle,
) -> AdapterResult<Vec<Contact>> {
    let page = |cut| Ok(contacts_like(filing.settings, handle, cut));
    all::<ContactPage, _>(session, page, |known| handle.is_of(&known).then_some(known)).await
}

pub(super) fn create_contact<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let made = session.send::<MadeContact>(contact_create(filing)).await;
        match made {
            Ok(made) => Ok(Some(record_of(filing.settings, made.id()))),
            Err(refused) if is_doubtful(&refused) => {
                or_found(refused, find_contact(session, filing).await)
            }
            Err(refused) => Err(about_owner(refused, filing)),
        }
    })
}

/// Who has the caller's number or address now: the look-up before found nobody. Those that bear the marker
/// are the ones, where there are any. The search shows doubles, the direct look-up what is new.
pub(super) fn find_created_contacts<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> StepFuture<'a, Option<Vec<Record>>> {
    Box::pin(async move {
        set(filing.settings, "location_id")?;
        let handles = handles(&filing.lead.contact);
        if handles.is_empty() {
            return Ok(None);
        }
        let mut known: Vec<Contact> = Vec::new();
        for handle in handles {
            let mut theirs = searched(session, filing, &handle).await?;
            theirs.extend(direct(session, filing, &handle).await?);
            for contact in theirs {
                if known.iter().all(|other| other.id != contact.id) {
                    known.push(contact);
                }
            }
        }
        if known.iter().any(|contact| contact.carries(filing.marker)) {
            known.retain(|contact| contact.carries(filing.marker));
        }
        known.sort_by_key(Contact::added);
        let records = known.into_iter();
        let records = records.map(|contact| record_of(filing.settings, contact.id));
        Ok(Some(records.collect()))
    })
}

pub(super) fn create_opportunity<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        ready(filing.settings)?;
        let pipeline = filing.settings.text("pipeline");
        let request = opportunity_create(filing).ok_or_else(|| filing.missing(Slot::Customer))?;
        match session.send::<MadeOpportunity>(request).await {
            Ok(made) => Ok(Some(Record::new(made.id()))),
            Err(refused) if refused.reason() == UNNAMED_DOUBLE => {
                let there = |known: &Opportunity| known.pipeline_id.as_deref() == pipeline;
                let known = opportunities(session, filing, there).await;
                or_found(refused, known.map(|mut known| known.pop()))
            }
            Err(refused) if is_doubtful(&refused) => {
                let ours = find_opportunities(session, filing).await;
                or_found(refused, ours.map(|ours| ours.into_iter().next()))
            }
            Err(refused) => Err(about_owner(refused, filing)),
        }
    })
}

/// The contact's opportunities that bear the marker, and the one that stood in the way of another.
pub(super) fn find_opportunities<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        set(filing.settings, "location_id")?;
        let made = filing.made.lead.as_ref();
        let is_ours = |known: &Opportunity| {
            known.carries(filing.marker) || made.is_some_and(|made| made.id == known.id)
        };
        opportunities(session, filing, is_ours).await
    })
}

/// Those of the contact's opportunities, oldest first.
async fn opportunities(
    session: &Session,
    filing: &Filing<'_>,
    is_it: impl Fn(&Opportunity) -> bool,
) -> AdapterResult<Vec<Record>> {
    let contact = filing.made.customer.as_ref();
    let page = |cut| opportunities_of(filing, cut).ok_or_else(|| filing.missing(Slot::Customer));
    let mut found = all::<OpportunityPage, _>(session, page, |known| {
        let whose = known.contact_id.as_ref();
        let is_theirs = whose.is_none_or(|id| contact.is_some_and(|contact| contact.id == *id));
        (is_theirs && is_it(&known)).then_some(known)
    })
    .await?;
    found.sort_by_key(Opportunity::created);
    Ok(found
        .into_iter()
        .map(|known| Record::new(known.id))
        .collect())
}

pub(super) fn create_note<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Found<'a> {
    Box::pin(async move {
        let request = note_create(filing).ok_or_else(|| filing.missing(Slot::Customer))?;
        match session.send::<MadeNote>(request).await {
            Ok(made) => Ok(Some(Record::new(made.note.id))),
            Err(refused) if is_doubtful(&refused) => {
                let ours = find_notes(session, filing).await;
                or_found(refused, ours.map(|ours| ours.into_iter().next()))
            }
            Err(refused) => Err(refused),
        }
    })
}

/// The contact's notes that bear the marker. They are not paged, as far as is documented.
pub(super) fn find_notes<'a>(session: &'a Session, filing: &'a Filing<'a>) -> Looked<'a> {
    Box::pin(async move {
        let request = notes_of(filing).ok_or_else(|| filing.missing(Slot::Customer))?;
        let mut ours = session.send::<Notes>(request).await?.notes;
        ours.retain(|note| filing.marker.is_in(note.body.as_deref()));
        ours.sort_by_key(super::wire::Note::added);
        Ok(ours.into_iter().map(|note| Record::new(note.id)).collect())
    })
}

/// Whether a refusal is looked into: it says that a record is there without saying which, or is the 422
/// that was once seen to have made one.
fn is_doubtful(refused: &AdapterError) -> bool {
    let of_content = matches!(refused, AdapterError::Rejected(_)) && refused.status() == Some(422);
    of_content || refused.reason() == UNNAMED_DOUBLE
}

/// What was found, or the refusal; while nobody can tell, it is not known what was made.
fn or_found(
    refused: AdapterError,
    found: AdapterResult<Option<Record>>,
) -> AdapterResult<Option<Record>> {
    match (found, refused) {
        (Ok(Some(record)), _) => Ok(Some(record)),
        (Err(_), AdapterError::Rejected(refused)) => Err(AdapterError::Ambiguous(refused)),
        (_, refused) => Err(refused),
    }
}

/// A user who is not there is the connection's fault, unless the lead names him.
fn about_owner(refused: AdapterError, filing: &Filing<'_>) -> AdapterError {
    match refused {
        AdapterError::Setup(failure)
            if failure.reason == OWNER_UNKNOWN && of_lead(filing).is_some() =>
        {
            AdapterError::Rejected(failure)
        }
        other => other,
    }
}

/// A contact, with its page.
fn record_of(settings: &Settings, id: String) -> Record {
    Record {
        url: page_of(settings, &id),
        ..Record::new(id)
    }
}

fn page_of(settings: &Settings, contact: &str) -> Option<String> {
    let mut page = Url::parse("https://app.gohighlevel.com/v2/location").ok()?;
    page.path_segments_mut()
        .ok()?
        .extend([location_id(settings), "contacts", "detail", contact]);
    Some(page.into())
}
