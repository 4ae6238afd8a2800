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
//! - Numbers are ten American digits. Any other number goes into the notes.

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
use chrono::{DateTime, TimeDelta};
use leadrail_lead::{Lead, Marker};
use serde::de::DeserializeOwned;
use serde_json::Value;

use self::requests::{
    Caller, company, customer_create, customers_like, lead_create, leads_of, newest_customers, page,
};
use self::wire::{Company, Customer, CustomerPage, FiledLead, LeadPage, Page};
use crate::contract::{
    AccountInfo, AuthMethod, CrmAdapter, CrmInfo, CustomerRef, FieldLimit, LeadRef, LinkState,
    NotePlacement, ReconcileClass, SettingInfo, activity,
};
use crate::error::{AdapterError, AdapterResult, Failure};
use crate::request::{CrmRequest, PlannedRequest};
use crate::session::Session;
use crate::target::Target;
use crate::text::line;

/// The adapter for Housecall Pro.
pub struct HousecallPro;

/// What Housecall Pro is and can do.
pub static HOUSECALL_PRO: CrmInfo = CrmInfo {
    name: "housecall_pro",
    title: "Housecall Pro",
    base_url: "https://api.housecallpro.com",
    auth: &[
        AuthMethod {
            id: "api_key",
            title: "API key",
            secrets: &["api_key"],
            headers: &[("authorization", "Token {api_key}")],
            help: "In Housecall Pro, an administrator makes one under App Store > API Key \
                   Management. The MAX plan is needed.",
        },
        AuthMethod {
            id: "bearer_token",
            title: "OAuth access token",
            secrets: &["access_token"],
            headers: &[("authorization", "Bearer {access_token}")],
            help: "Comes from connecting the account with Housecall Pro's own sign-in.",
        },
    ],
    class: ReconcileClass::C,
    settle: Duration::from_secs(60),
    call_timeout: Duration::from_secs(20),
    note: NotePlacement::WithLead,
    limits: &[
        ours("customer.first_name", 100),
        ours("customer.last_name", 100),
        ours("customer.email", 254),
        ours("address.street", 255),
        ours("address.city", 100),
        ours("address.state", 50),
        ours("address.zip", 20),
        ours("address.country", 60),
        ours("lead.lead_source", 100),
        ours("lead.tag", 60),
        ours("lead.note", 10_000),
    ],
    settings: &[
        SettingInfo {
            name: "lead_source",
            help: "The lead source that customers and leads are filed under; \"Phone call\" \
                   without it.",
        },
        SettingInfo {
            name: "tag",
            help: "A tag for every customer and lead, besides the marker; none without it.",
        },
        SettingInfo {
            name: "notifications_enabled",
            help: "true lets Housecall Pro send its own messages to new customers; off without it.",
        },
    ],
};

/// Housecall Pro documents no lengths: these keep a runaway text from being refused.
const fn ours(field: &'static str, max_chars: usize) -> FieldLimit {
    FieldLimit {
        field,
        max_chars,
        source: "ours; the vendor documents none",
    }
}

/// How many pages are read before a look-up gives up.
const MAX_PAGES: u32 = 10;
/// How far Housecall Pro's clock may be behind the call pipeline's.
const CLOCK_SLACK: TimeDelta = TimeDelta::days(1);
/// The names an answer to a bad request may point to. Anything else in it could be personal.
const FIELDS: [&str; 20] = [
    "address",
    "address_id",
    "addresses",
    "assigned_employee_id",
    "city",
    "country",
    "customer",
    "customer_id",
    "email",
    "first_name",
    "home_number",
    "last_name",
    "lead_source",
    "mobile_number",
    "note",
    "notes",
    "state",
    "street",
    "tags",
    "zip",
];

#[async_trait]
impl CrmAdapter for HousecallPro {
    fn crm(&self) -> &'static CrmInfo {
        &HOUSECALL_PRO
    }

    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo> {
        let company: Company = send(session, company()).await?;
        let name = line(company.name.as_deref(), 200);
        let name = name.unwrap_or_else(|| "a company without a name".to_owned());
        Ok(AccountInfo {
            id: company.id,
            name,
        })
    }

    async fn find_customer(
        &self,
        session: &Session,
        lead: &Lead,
    ) -> AdapterResult<Option<CustomerRef>> {
        let Some(caller) = Caller::of(&lead.contact) else {
            return Ok(None);
        };
        let mut found = None;
        each::<CustomerPage>(session, customers_like(&caller), |customer| {
            if caller.is(&customer) {
                found = Some(CustomerRef { id: customer.id });
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(found)
    }

    async fn create_customer(
        &self,
        session: &Session,
        lead: &Lead,
        marker: &Marker,
    ) -> AdapterResult<CustomerRef> {
        let request = customer_create(session.settings(), lead, marker);
        match send::<Customer>(session, request).await {
            Ok(customer) => Ok(CustomerRef { id: customer.id }),
            Err(conflict) if conflict.status() == Some(409) => {
                let existing = self.find_customer(session, lead).await;
                existing.ok().flatten().ok_or(conflict)
            }
            Err(error) => Err(error),
        }
    }

    /// The search may lag behind a create; the list of the newest does not, so it is what is
    /// read, back to the time of the call.
    async fn find_created_customer(
        &self,
        session: &Session,
        lead: &Lead,
        marker: &Marker,
    ) -> AdapterResult<Vec<CustomerRef>> {
        let mut found = Vec::new();
        each::<CustomerPage>(session, newest_customers(), |customer| {
            if is_older_than_call(&customer, lead) {
                return ControlFlow::Break(());
            }
            if carries(customer.tags.as_deref(), marker) {
                found.push(CustomerRef { id: customer.id });
            }
            ControlFlow::Continue(())
        })
        .await?;
        found.reverse();
        Ok(found)
    }

    async fn create_lead(
        &self,
        session: &Session,
        lead: &Lead,
        customer: &CustomerRef,
        marker: &Marker,
        links: LinkState,
    ) -> AdapterResult<LeadRef> {
        let request = lead_create(session.settings(), lead, &customer.id, marker, links);
        match send::<FiledLead>(session, request).await {
            Ok(filed) => Ok(LeadRef { id: filed.id }),
            Err(conflict) if conflict.status() == Some(409) => {
                let existing = self.find_leads(session, lead, customer, marker).await;
                existing
                    .ok()
                    .and_then(|found| found.into_iter().next())
                    .ok_or(conflict)
            }
            Err(error) => Err(error),
        }
    }

    async fn find_leads(
        &self,
        session: &Session,
        _lead: &Lead,
        customer: &CustomerRef,
        marker: &Marker,
    ) -> AdapterResult<Vec<LeadRef>> {
        let mut found = Vec::new();
        each::<LeadPage>(session, leads_of(&customer.id), |filed| {
            if carries(filed.tags.as_deref(), marker) {
                found.push(LeadRef { id: filed.id });
            }
            ControlFlow::Continue(())
        })
        .await?;
        found.reverse();
        Ok(found)
    }

    fn preview(
        &self,
        target: &Target,
        lead: &Lead,
        links: LinkState,
        known_customer: Option<&str>,
    ) -> Vec<PlannedRequest> {
        let marker = |step| Marker::new(lead.event_id, step);
        let caller = Caller::of(&lead.contact);
        let lookup = caller.map(|caller| page(&customers_like(&caller), 1));
        let create = known_customer
            .is_none()
            .then(|| customer_create(target.settings(), lead, &marker(activity::CUSTOMER_CREATE)));
        let customer = known_customer.unwrap_or("(id of the customer created before)");
        let marker = marker(activity::LEAD_CREATE);
        let filed = lead_create(target.settings(), lead, customer, &marker, links);
        let requests = lookup.into_iter().chain(create).chain([filed]);
        requests.map(|request| request.masked(target)).collect()
    }
}

fn carries(tags: Option<&[String]>, marker: &Marker) -> bool {
    tags.unwrap_or_default()
        .iter()
        .any(|tag| tag.trim().eq_ignore_ascii_case(marker.as_str()))
}

/// A customer made before the call was not made by it. Without a readable time we go on looking.
fn is_older_than_call(customer: &Customer, lead: &Lead) -> bool {
    let created = customer.created_at.as_deref();
    let created = created.and_then(|time| DateTime::parse_from_rfc3339(time).ok());
    let earliest = lead.timestamp_utc.checked_sub_signed(CLOCK_SLACK);
    matches!((created, earliest), (Some(created), Some(earliest)) if created < earliest)
}

/// Shows every item of a list to `visit`, page after page, until it has seen enough. A list that
/// is longer than we read is an error: not having found something there proves nothing.
async fn each<P: Page + DeserializeOwned>(
    session: &Session,
    list: CrmRequest,
    mut visit: impl FnMut(P::Item) -> ControlFlow<()> + Send,
) -> AdapterResult<()> {
    for number in 1..=MAX_PAGES {
        let (items, total_pages) = send::<P>(session, page(&list, number)).await?.into_parts();
        let last = items.is_empty() || total_pages.is_some_and(|total| total <= number.into());
        let enough = items.into_iter().any(|item| visit(item).is_break());
        if enough || last {
            return Ok(());
        }
    }
    let detail = "Housecall Pro's list is longer than we read, so the look-up proves nothing";
    Err(AdapterError::NotDone(Failure::new(
        "lookup_incomplete",
        detail,
    )))
}

async fn send<T: DeserializeOwned>(session: &Session, request: CrmRequest) -> AdapterResult<T> {
    session.send(request).await.map_err(refusal)
}

/// Housecall Pro's own meanings only: the shared layer has judged everything else.
fn refusal(error: AdapterError) -> AdapterError {
    match error.status() {
        // The key is right, but the account's plan or the person behind the key is not enough.
        // That is for the account to change, so the connection waits instead of burning leads.
        Some(403) => AdapterError::Auth(
            Failure::new(
                "forbidden",
                "Housecall Pro refused access (HTTP 403): its API is part of the MAX plan, and \
                 the key must be an administrator's",
            )
            .with_status(403),
        ),
        Some(400 | 422) => AdapterError::Rejected(naming_fields(error.into_failure())),
        _ => error,
    }
}

/// Adds the names of the fields that are at fault. The words about them may repeat personal data,
/// so they stay in the evidence.
fn naming_fields(mut failure: Failure) -> Failure {
    let answer: Value = serde_json::from_slice(failure.body()).unwrap_or_default();
    let faults = answer.get("errors").unwrap_or(&answer);
    let named: Vec<&str> = FIELDS
        .into_iter()
        .filter(|field| faults.get(field).is_some())
        .collect();
    if !named.is_empty() {
        failure.detail = format!("{}; it names {}", failure.detail, named.join(", "));
    }
    failure
}
