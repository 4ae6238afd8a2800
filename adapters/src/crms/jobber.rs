//! Jobber: a call becomes a client (unless known), a property (unless known, and where the caller
//! left an address), a request and a note on it.
//! <https://developer.getjobber.com>; field names are those of `jobber/schema.graphql`.
//!
//! - The search for phone numbers is fuzzy. Whatever it finds is compared again by
//!   `normalizedPhoneNumber`, which is E.164, or a stranger would get the lead.
//! - An archived client is no match. Somebody put it away; requests may not be filed for it, and
//!   bringing it back would be a write that nobody asked for. So the newest active client of the
//!   number is used, and where all are archived, a new one is made.
//! - A client has no field for our marker: its source is counted in reports, its custom fields
//!   cannot be searched, and a note on it is another write. What tells that it was made is its
//!   number, as in the look-up before. That proves that the caller is a client now, not that it was
//!   us, which is all that the next steps need. It is class C by its list, without a marker. A caller
//!   without a number leaves nothing to look by: where that answer is lost, a person is asked.
//! - Neither has a property. Its address tells: the same street of the same client is the same
//!   site, whoever entered it.
//! - A request carries the marker in its title, a note in its last line. Who rewrites a title within
//!   minutes of the call takes the marker away.
//! - A client is made without its property, though it could be made with it: one record a step, so
//!   a lost answer leaves one question and not two.
//! - It takes no idempotency key, and calls no second client a duplicate.
//! - Numbers are sent as E.164, foreign ones too. Whether one takes text messages is not known, and
//!   Jobber refuses to be told so of a landline: `smsAllowed` is left out.
//! - What its answers mean stands in `judge.rs`.

mod judge;
mod requests;
mod wire;

#[cfg(test)]
mod answers_tests;
#[cfg(test)]
mod judge_tests;
#[cfg(test)]
mod lookup_tests;
#[cfg(test)]
mod mapping_tests;

use std::time::Duration;

use async_trait::async_trait;

use self::requests::{
    Whereabouts, account, client_create, clients_of_number, note_create, notes_of_request,
    properties_of_client, property_create, request_create, requests_of_client,
};
use self::wire::{
    Answered, CheckAccount, CreateClient, CreateNote, CreateProperty, CreateRequest, Created,
    Dated, FindClients, FindNotes, FindProperties, FindRequests, Lists, Makes, Marked, Window,
};
use crate::contract::{AccountInfo, CrmAdapter};
use crate::http::answer::Answer;
use crate::http::cut::Cut;
use crate::http::error::{AdapterError, AdapterResult};
use crate::http::request::CrmRequest;
use crate::http::session::Session;
use crate::http::verdict::Verdict;
use crate::info::{
    AuthMethod, CrmInfo, FieldLimit, FixedHeader, Grant, Place, RateLimit, Required, SecretInfo,
    SettingInfo, SettingKind,
};
use crate::oauth;
use crate::plan::{Filing, Look, Plan, Record, Slot, Step, StepFuture, StepKind};
use crate::text::line::line;

/// The adapter for Jobber.
pub struct Jobber;

/// What Jobber is and can do.
pub static JOBBER: CrmInfo = CrmInfo {
    name: "jobber",
    title: "Jobber",
    base_url: "https://api.getjobber.com",
    environments: &[],
    auth: &[
        AuthMethod {
            id: "oauth",
            title: "Sign-in",
            help: "An administrator signs in to Jobber and lets us in: `leadrail connection sign-in` \
               gives the link.",
            secrets: &[],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Code(&oauth::JOBBER),
        },
        AuthMethod {
            id: "bearer_token",
            title: "OAuth access token",
            help: "A token that was issued elsewhere, to try things out; it lasts an hour.",
            secrets: &[SecretInfo {
                name: "access_token",
                title: "Access token",
            }],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Given,
        },
    ],
    headers: &[FixedHeader {
        name: "x-jobber-graphql-version",
        value: "2026-05-12",
        setting: Some("api_version"),
    }],
    call_timeout: Duration::from_secs(20),
    // A page of 10 notes, each as long as Jobber may take them.
    max_body: 1024 * 1024,
    // What queries cost besides, in points, is told by the answers.
    rate: Some(RateLimit {
        requests: 2_500,
        seconds: 300,
        source: "Jobber docs, API rate limits: per app and account",
    }),
    limits: &[
        FieldLimit::ours("client.firstName", 100),
        FieldLimit::ours("client.lastName", 100),
        FieldLimit::ours("client.email", 254),
        FieldLimit::ours("client.sourceText", 100),
        FieldLimit::ours("address.street1", 255),
        FieldLimit::ours("address.city", 100),
        FieldLimit::ours("address.province", 50),
        FieldLimit::ours("address.postalCode", 20),
        FieldLimit::ours("address.country", 60),
        FieldLimit::ours("request.title", 150),
        FieldLimit::ours("request.answerText", 1_000),
        FieldLimit::ours("note.message", 10_000),
    ],
    settings: &[
        SettingInfo {
            name: "lead_source",
            title: "Lead source",
            kind: SettingKind::Text(100),
            required: Required::Never,
            help: "The lead source of new clients; Jobber names the connected app without it. \
                   Requests always show the app.",
        },
        SettingInfo {
            name: "pin_note",
            title: "Pinned note",
            kind: SettingKind::Switch,
            required: Required::Never,
            help: "true pins the note with recording and transcript to the request; off without \
                   it.",
        },
        SettingInfo {
            name: "api_version",
            title: "API version",
            kind: SettingKind::Text(10),
            required: Required::Never,
            help: "The version of Jobber's API, such as 2026-05-12, which is asked for without \
                   it. Only for the time after Jobber retires that one.",
        },
    ],
};

/// How long after a call's deadline its effect may still appear.
const SETTLE: Duration = Duration::from_secs(60);

/// For how many pages a look-up has time, each as slow as may be.
const PAGES: u32 = 10;

static PLANS: &[Plan] = &[Plan {
    name: "request",
    steps: &[
        Step {
            slot: Slot::Customer,
            kind: StepKind::Find(find_client),
            calls: PAGES,
            request: |filing| clients_of_number(filing, Window::of::<FindClients>()),
        },
        Step {
            slot: Slot::Customer,
            kind: StepKind::Make {
                run: |session, filing| make::<CreateClient>(session, Ok(client_create(filing))),
                look: Look::ByNumber(find_clients),
                settle: SETTLE,
            },
            calls: 1,
            request: |filing| Some(client_create(filing)),
        },
        Step {
            slot: Slot::Site,
            kind: StepKind::Find(find_property),
            calls: PAGES,
            request: |filing| properties_of_client(filing, Window::of::<FindProperties>()),
        },
        Step {
            slot: Slot::Site,
            kind: StepKind::Make {
                run: create_property,
                look: Look::Children(find_properties),
                settle: SETTLE,
            },
            calls: 1,
            request: property_create,
        },
        Step {
            slot: Slot::Lead,
            kind: StepKind::Make {
                run: create_request,
                look: Look::Children(find_requests),
                settle: SETTLE,
            },
            calls: 1,
            request: request_create,
        },
        Step {
            slot: Slot::Note,
            kind: StepKind::Make {
                run: create_note,
                look: Look::Children(find_notes),
                settle: SETTLE,
            },
            calls: 1,
            request: note_create,
        },
    ],
}];

#[async_trait]
impl CrmAdapter for Jobber {
    fn crm(&self) -> &'static CrmInfo {
        &JOBBER
    }

    fn plans(&self) -> &'static [Plan] {
        PLANS
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        judge::verdict(answer)
    }

    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo> {
        let account = answered::<CheckAccount>(session, account()).await?.account;
        let name = line(account.name.as_deref(), 200);
        Ok(AccountInfo {
            id: Some(account.id.0),
            name: name.unwrap_or_else(|| "an account without a name".to_owned()),
        })
    }
}

fn find_client<'a>(session: &'a Session, filing: &'a Filing<'a>) -> StepFuture<'a, Option<Record>> {
    Box::pin(async move { Ok(find_clients(session, filing).await?.pop()) })
}

/// The active clients with exactly the caller's number, each once.
fn find_clients<'a>(session: &'a Session, filing: &'a Filing<'a>) -> StepFuture<'a, Vec<Record>> {
    Box::pin(async move {
        let Some(phone) = &filing.lead.contact.phone else {
            return Ok(Vec::new());
        };
        let number = phone.as_str();
        let mut found: Vec<Dated> = Vec::new();
        let page = |window| needing(filing, Slot::Customer, clients_of_number(filing, window));
        each::<FindClients>(session, page, |listed| {
            let is_caller = listed.normalized.as_deref() == Some(number) && !listed.is_archived;
            let client = listed.client;
            if is_caller
                && found
                    .iter()
                    .all(|known| known.record.id != client.record.id)
            {
                found.push(client);
            }
        })
        .await?;
        Ok(oldest_first(found))
    })
}

fn find_property<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> StepFuture<'a, Option<Record>> {
    Box::pin(async move { Ok(find_properties(session, filing).await?.pop()) })
}

/// The client's properties at the lead's address. Jobber does not say how old they are; it lists
/// what was last changed first.
fn find_properties<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> StepFuture<'a, Vec<Record>> {
    Box::pin(async move {
        let Some(place) = Whereabouts::of(&filing.lead.contact) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let page = |window| needing(filing, Slot::Customer, properties_of_client(filing, window));
        each::<FindProperties>(session, page, |property| {
            if place.is(&property) {
                found.push(property.record);
            }
        })
        .await?;
        found.reverse();
        Ok(found)
    })
}

fn create_property<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> StepFuture<'a, Option<Record>> {
    if Whereabouts::of(&filing.lead.contact).is_none() {
        return Box::pin(async { Ok(None) });
    }
    let request = needing(filing, Slot::Customer, property_create(filing));
    make::<CreateProperty>(session, request)
}

fn create_request<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> StepFuture<'a, Option<Record>> {
    let request = needing(filing, Slot::Customer, request_create(filing));
    make::<CreateRequest>(session, request)
}

/// The client's requests since the step began that carry the marker in their title.
fn find_requests<'a>(session: &'a Session, filing: &'a Filing<'a>) -> StepFuture<'a, Vec<Record>> {
    Box::pin(async move {
        let page = |window| needing(filing, Slot::Customer, requests_of_client(filing, window));
        marked::<FindRequests>(session, filing, page).await
    })
}

fn create_note<'a>(session: &'a Session, filing: &'a Filing<'a>) -> StepFuture<'a, Option<Record>> {
    let request = needing(filing, Slot::Lead, note_create(filing));
    make::<CreateNote>(session, request)
}

/// The request's notes that carry the marker.
fn find_notes<'a>(session: &'a Session, filing: &'a Filing<'a>) -> StepFuture<'a, Vec<Record>> {
    Box::pin(async move {
        let page = |window| needing(filing, Slot::Lead, notes_of_request(filing, window));
        marked::<FindNotes>(session, filing, page).await
    })
}

/// The records of a list whose text carries the step's marker.
async fn marked<Q: Lists<Item = Marked>>(
    session: &Session,
    filing: &Filing<'_>,
    page: impl Fn(Window) -> AdapterResult<CrmRequest>,
) -> AdapterResult<Vec<Record>> {
    let mut found = Vec::new();
    each::<Q>(session, page, |listed| {
        let text = listed.text.unwrap_or_default().to_lowercase();
        if text.contains(filing.marker.as_str()) {
            found.push(listed.record);
        }
    })
    .await?;
    Ok(oldest_first(found))
}

/// A record of which no age is known counts as the oldest. Times are told in whole seconds, so of
/// two that were made in the same one the order of the list decides: what was last changed is first.
fn oldest_first(mut found: Vec<Dated>) -> Vec<Record> {
    found.reverse();
    found.sort_by_key(|dated| dated.at);
    found.into_iter().map(|dated| dated.record).collect()
}

/// A request that builds on a record which must be there.
fn needing(
    filing: &Filing<'_>,
    slot: Slot,
    request: Option<CrmRequest>,
) -> AdapterResult<CrmRequest> {
    request.ok_or_else(|| filing.missing(slot))
}

/// Sends the one mutation of a step.
fn make<M: Makes + Send + 'static>(
    session: &Session,
    request: AdapterResult<CrmRequest>,
) -> StepFuture<'_, Option<Record>> {
    Box::pin(async move {
        let created: Created<M> = session.send(request?).await?;
        Ok(Some(created.record))
    })
}

async fn answered<Q: graphql_client::GraphQLQuery>(
    session: &Session,
    request: CrmRequest,
) -> AdapterResult<Q::ResponseData> {
    let answered: Answered<Q::ResponseData> = session.send(request).await?;
    Ok(answered.data)
}

/// Shows every item of a list to `visit`, page after page. A list that is longer than we read, or
/// does not say how it goes on, is an error: not having found something there proves nothing.
async fn each<Q: Lists>(
    session: &Session,
    request: impl Fn(Window) -> AdapterResult<CrmRequest>,
    mut visit: impl FnMut(Q::Item),
) -> AdapterResult<()> {
    let mut cut = Cut::of(Q::FIRST);
    let mut after: Option<String> = None;
    while !cut.is_too_far() {
        let window = Window {
            first: cut.size().into(),
            after: after.clone(),
        };
        let answer = answered::<Q>(session, request(window)?).await;
        if let Some(shorter) = cut.instead_of(&answer) {
            cut = shorter;
            continue;
        }
        let page = Q::page(answer?);
        page.items.into_iter().for_each(&mut visit);
        match page.next {
            None => return Ok(()),
            Some(cursor) if cursor.is_empty() => break,
            more => after = more,
        }
        cut = cut.next();
    }
    Err(AdapterError::incomplete_lookup(&JOBBER))
}
