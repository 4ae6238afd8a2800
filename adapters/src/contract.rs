//! The contract between Leadrail and one CRM.

use std::time::Duration;

use async_trait::async_trait;
use leadrail_lead::{Lead, Marker};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{AdapterError, AdapterResult, Failure};
use crate::request::PlannedRequest;
use crate::session::Session;
use crate::target::Target;

/// The steps of filing a lead, as history, previews and dead letters name them.
pub mod activity {
    /// The live check of a connection's credentials.
    pub const CHECK: &str = "connection_check";
    /// Is the caller known?
    pub const DEDUP_LOOKUP: &str = "dedup_lookup";
    /// The caller becomes a customer.
    pub const CUSTOMER_CREATE: &str = "customer_create";
    /// The call becomes a lead.
    pub const LEAD_CREATE: &str = "lead_create";
    /// The note with recording and transcript.
    pub const NOTE_ATTACH: &str = "note_attach";
}

/// One CRM: turns a lead into its requests, and its answers into outcomes.
///
/// An adapter knows its CRM's field shapes and nothing else: no retries, no storage, no clocks, no
/// tokens. Every create is exactly one writing request, and it carries the marker in the strongest
/// place the CRM has. A look-up that fails is an error, never an empty result: nobody may create
/// because a look-up failed.
#[async_trait]
pub trait CrmAdapter: Send + Sync {
    /// What this CRM is and can do.
    fn crm(&self) -> &'static CrmInfo;

    /// The cheapest live check of the credentials; says whose account they open.
    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo>;

    /// The customer that this caller already is, compared exactly on our side. Several exact
    /// matches: the newest.
    async fn find_customer(
        &self,
        session: &Session,
        lead: &Lead,
    ) -> AdapterResult<Option<CustomerRef>>;

    /// Makes a customer of the caller.
    async fn create_customer(
        &self,
        session: &Session,
        lead: &Lead,
        marker: &Marker,
    ) -> AdapterResult<CustomerRef>;

    /// Did a create take effect? All customers that carry the marker, oldest first.
    async fn find_created_customer(
        &self,
        session: &Session,
        lead: &Lead,
        marker: &Marker,
    ) -> AdapterResult<Vec<CustomerRef>>;

    /// Files the call as a lead of this customer. Where the CRM's notes travel with the lead, the
    /// note is in it.
    async fn create_lead(
        &self,
        session: &Session,
        lead: &Lead,
        customer: &CustomerRef,
        marker: &Marker,
        links: LinkState,
    ) -> AdapterResult<LeadRef>;

    /// Did a create take effect, and how often? All leads of the customer that carry the marker,
    /// oldest first.
    async fn find_leads(
        &self,
        session: &Session,
        lead: &Lead,
        customer: &CustomerRef,
        marker: &Marker,
    ) -> AdapterResult<Vec<LeadRef>>;

    /// Attaches the note to a filed lead, where the CRM takes notes by themselves.
    async fn attach_note(
        &self,
        _session: &Session,
        _lead: &Lead,
        _filed: &LeadRef,
        _marker: &Marker,
        _links: LinkState,
    ) -> AdapterResult<NoteRef> {
        let detail = format!("{} takes no notes on leads", self.crm().title);
        Err(AdapterError::Rejected(Failure::new("unsupported", detail)))
    }

    /// The requests that filing this lead would send, made by the functions that the live calls
    /// use. `known_customer` is what the look-up would have found.
    fn preview(
        &self,
        target: &Target,
        lead: &Lead,
        links: LinkState,
        known_customer: Option<&str>,
    ) -> Vec<PlannedRequest>;
}

/// What a CRM is and can do: data, so that consoles and workflows need not know its adapter.
#[derive(Debug, Serialize)]
pub struct CrmInfo {
    /// The name in payloads and on the command line: `housecall_pro`.
    pub name: &'static str,
    /// The name people know: `Housecall Pro`.
    pub title: &'static str,
    /// Where its API lives, unless a connection says otherwise.
    pub base_url: &'static str,
    /// The ways in, the usual one first. Never empty.
    pub auth: &'static [AuthMethod],
    /// How surely a create whose answer was lost can be found again.
    pub class: ReconcileClass,
    /// How long after a call's deadline its effect may still appear.
    pub settle: Duration,
    /// The deadline of one call: connect, headers and body together.
    pub call_timeout: Duration,
    /// Where the note goes.
    pub note: NotePlacement,
    /// The lengths we cut texts to.
    pub limits: &'static [FieldLimit],
    /// What a connection may set.
    pub settings: &'static [SettingInfo],
}

impl CrmInfo {
    /// The limit of a field, which must be one of [`limits`](CrmInfo::limits).
    pub(crate) fn limit(&self, field: &str) -> usize {
        let limit = self.limits.iter().find(|limit| limit.field == field);
        limit.map_or(0, |limit| limit.max_chars)
    }
}

/// One way of proving to a CRM who we are.
#[derive(Debug, Serialize)]
pub struct AuthMethod {
    /// `api_key`, `bearer_token`, ...
    pub id: &'static str,
    /// The name people know.
    pub title: &'static str,
    /// The names of the secrets it needs.
    pub secrets: &'static [&'static str],
    /// The headers it makes, each a name and a template such as `Token {api_key}`.
    pub headers: &'static [(&'static str, &'static str)],
    /// Where a contractor finds the secret.
    pub help: &'static str,
}

/// How surely a create whose answer was lost can be found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReconcileClass {
    /// Upsert or a unique key: repeating is harmless.
    A,
    /// An exact look-up of a field of our own.
    B,
    /// The parent's children are listed and the marker is matched.
    C,
    /// Nothing can be known.
    D,
}

/// Where a CRM takes the note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotePlacement {
    /// Inside the lead, when it is created; there is no third call.
    WithLead,
    /// A record of its own, attached by [`CrmAdapter::attach_note`].
    Separate,
    /// Nowhere.
    None,
}

/// The length we cut a text to.
#[derive(Debug, Serialize)]
pub struct FieldLimit {
    /// The field in the CRM's request, such as `lead.note`.
    pub field: &'static str,
    /// The longest text, in Unicode scalar values.
    pub max_chars: usize,
    /// Who says so.
    pub source: &'static str,
}

/// Something a connection may set.
#[derive(Debug, Serialize)]
pub struct SettingInfo {
    /// The key in [`Settings`](crate::Settings).
    pub name: &'static str,
    /// What it does, and what happens without it.
    pub help: &'static str,
}

/// Whether the pre-signed links of a lead still open. Adapters ask no clock, so they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// The links work: the note carries them.
    Fresh,
    /// The links are dead: the note says so and names the call.
    Expired,
}

/// Whose account the credentials open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// The CRM's id of the account, where it tells.
    pub id: Option<String>,
    /// The name to show to the person who connects it.
    pub name: String,
}

/// A customer in a CRM. No personal data: only the CRM's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRef {
    /// The CRM's id.
    pub id: String,
}

/// A lead (or booking, request, deal) in a CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadRef {
    /// The CRM's id.
    pub id: String,
}

/// A note in a CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteRef {
    /// The CRM's id.
    pub id: String,
}

/// The longest id of a record that is believed, in bytes.
const MAX_REMOTE_ID: usize = 200;

/// Reads a record's id from a CRM's answer. An answer without a usable id proves nothing, so it
/// counts as unreadable.
pub(crate) fn remote_id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let id = String::deserialize(from)?;
    let usable =
        !id.trim().is_empty() && id.len() <= MAX_REMOTE_ID && !id.contains(char::is_control);
    if usable {
        Ok(id)
    } else {
        Err(D::Error::custom("not an id"))
    }
}
