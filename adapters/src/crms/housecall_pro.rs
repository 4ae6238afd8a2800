//! Housecall Pro: a call becomes a customer (unless known) and a lead.
//! <https://docs.housecallpro.com>; field names are checked against its OpenAPI document
//! "Housecall v1 API".
//!
//! - The search for customers is fuzzy and covers names, e-mails, mobile numbers and addresses;
//!   there is no search by exact number. Whatever it finds is compared again here, or a stranger
//!   would get the lead.
//! - It takes no idempotency key and never calls a second customer a duplicate. Our marker is a
//!   tag on the customer and on the lead, and both come back in its lists.
//! - A lead takes a note only when it is created, so everything there is to say is in it.
//! - Numbers are ten American digits. Any other number goes into the notes, which no search covers: a
//!   caller from abroad who leaves no e-mail address is looked for by the name.
//! - Whatever address a lead brings is added to its customer, so one that is there is named by its id.

mod refusal;
mod requests;
mod wire;

#[cfg(test)]
mod answers_tests;
#[cfg(test)]
mod lookup_tests;
#[cfg(test)]
mod mapping_tests;

use std::ops::ControlFlow;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use leadrail_lead::Marker;
use serde::de::DeserializeOwned;

use self::refusal::refusal;
use self::requests::{
    Caller, address, company, customer_create, customers_like, lead_create, leads_of,
    newest_customers, page,
};
use self::wire::{Company, Customer, CustomerPage, FiledLead, LeadPage, Page};
use crate::contract::{AccountInfo, CrmAdapter};
use crate::http::answer::Answer;
use crate::http::cut::{Cut, FEW};
use crate::http::error::{AdapterError, AdapterResult};
use crate::http::request::CrmRequest;
use crate::http::session::Session;
use crate::http::verdict::Verdict;
use crate::info::{
    AuthMethod, CrmInfo, FieldLimit, Grant, Place, Required, SecretInfo, SettingInfo, SettingKind,
};
use crate::oauth;
use crate::plan::{Filing, Look, Plan, Record, Slot, Step, StepFuture, StepKind};
use crate::text::line::line;

/// The adapter for Housecall Pro.
pub struct HousecallPro;

/// What Housecall Pro is and can do.
pub static HOUSECALL_PRO: CrmInfo = CrmInfo {
    name: "housecall_pro",
    title: "Housecall Pro",
    base_url: "https://api.housecallpro.com",
    environments: &[],
    auth: &[
        AuthMethod {
            id: "api_key",
            title: "API key",
            help: "In Housecall Pro, an administrator makes one under App Store > API Key \
                   Management. The MAX plan is needed.",
            secrets: &[SecretInfo {
                name: "api_key",
                title: "API key",
            }],
            places: &[Place::Header("authorization", "Token {api_key}")],
            grant: Grant::Given,
        },
        AuthMethod {
            id: "oauth",
            title: "Sign-in",
            help: "An administrator signs in to Housecall Pro and lets us in: `leadrail connection \
                   sign-in` gives the link.",
            secrets: &[],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Code(&oauth::HOUSECALL_PRO),
        },
        AuthMethod {
            id: "bearer_token",
            title: "OAuth access token",
            help: "A token that was issued elsewhere; when it ends, so does the connection.",
            secrets: &[SecretInfo {
                name: "access_token",
                title: "Access token",
            }],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Given,
        },
    ],
    headers: &[],
    call_timeout: Duration::from_secs(20),
    // A page of 50 customers, each with some hundred addresses.
    max_body: 1024 * 1024,
    // Housecall Pro documents none: its description names one call as limited, without a number.
    rate: None,
    limits: &[
        FieldLimit::ours("customer.first_name", 100),
        FieldLimit::ours("customer.last_name", 100),
        FieldLimit::ours("customer.email", 254),
        FieldLimit::ours("address.street", 255),
        FieldLimit::ours("address.city", 100),
        FieldLimit::ours("address.state", 50),
        FieldLimit::ours("address.zip", 20),
        FieldLimit::ours("address.country", 60),
        FieldLimit::ours("lead.lead_source", 100),
        FieldLimit::ours("lead.tag", 60),
        FieldLimit::ours("lead.note", 10_000),
    ],
    settings: &[
        SettingInfo {
            name: "lead_source",
            title: "Lead source",
            kind: SettingKind::Text(100),
            required: Required::Never,
            help: "The lead source that customers and leads are filed under; \"Phone call\" \
                   without it.",
        },
        SettingInfo {
            name: "tag",
            title: "Tag",
            kind: SettingKind::Text(60),
            required: Required::Never,
            help: "A tag for every customer and lead, besides the marker; none without it.",
        },
        SettingInfo {
            name: "notifications_enabled",
            title: "Messages to new customers",
            kind: SettingKind::Switch,
            required: Required::Never,
            help: "true lets Housecall Pro send its own messages to new customers; off without it.",
        },
    ],
};

/// How long after a call's deadline its effect may still appear.
const SETTLE: Duration = Duration::from_secs(60);

static PLANS: &[Plan] = &[Plan {
    name: "lead",
    steps: &[
        Step {
            slot: Slot::Customer,
            kind: StepKind::Find(find_customer),
            calls: 3,
            request: |filing| {
                Caller::of(&filing.lead.contact)
                    .map(|caller| page(&customers_like(&caller), Cut::of(FEW)))
            },
        },
        Step {
            slot: Slot::Customer,
            kind: StepKind::Make {
                run: create_customer,
                look: Look::Children(find_created_customers),
                settle: SETTLE,
            },
            calls: 1,
            request: |filing| Some(customer_create(filing)),
        },
        Step {
            slot: Slot::Lead,
            kind: StepKind::Make {
                run: create_lead,
                look: Look::Children(find_leads),
                settle: SETTLE,
            },
            calls: 1,
            request: lead_create,
        },
    ],
}];

#[async_trait]
impl CrmAdapter for HousecallPro {
    fn crm(&self) -> &'static CrmInfo {
        &HOUSECALL_PRO
    }

    fn plans(&self) -> &'static [Plan] {
        PLANS
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        let shared = Verdict::shared(&HOUSECALL_PRO, answer);
        Verdict {
            result: shared.result.map_err(|error| refusal(error, answer.body)),
            ..shared
        }
    }

    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo> {
        let company: Company = session.send(company()).await?;
        let name = line(company.name.as_deref(), 200);
        let name = name.unwrap_or_else(|| "a company without a name".to_owned());
        Ok(AccountInfo {
            id: company.id,
            name,
        })
    }
}

fn find_customer<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> StepFuture<'a, Option<Record>> {
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

fn create_customer<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> StepFuture<'a, Option<Record>> {
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
fn find_created_customers<'a>(
    session: &'a Session,
    filing: &'a Filing<'a>,
) -> StepFuture<'a, Vec<Record>> {
    Box::pin(async move {
        let mut found = Vec::new();
        each::<CustomerPage>(session, newest_customers(), |customer| {
            if is_older(&customer, filing.earliest()) {
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

fn create_lead<'a>(session: &'a Session, filing: &'a Filing<'a>) -> StepFuture<'a, Option<Record>> {
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

fn find_leads<'a>(session: &'a Session, filing: &'a Filing<'a>) -> StepFuture<'a, Vec<Record>> {
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
fn is_older(customer: &Customer, than: DateTime<Utc>) -> bool {
    let created = customer.created_at.as_deref();
    let created = created.and_then(|time| DateTime::parse_from_rfc3339(time).ok());
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
