//! The contract between Leadrail and one CRM.

use async_trait::async_trait;
use leadrail_outbound::Outbound;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::http::answer::Answer;
use crate::http::error::{AdapterResult, SetupError};
use crate::http::secrets::Secrets;
use crate::http::session::Session;
use crate::http::settings::Settings;
use crate::http::target::Target;
use crate::http::verdict::Verdict;
use crate::info::CrmInfo;
use crate::plan::Plan;

/// One CRM: turns a lead into its requests, and its answers into outcomes.
///
/// An adapter knows its CRM's field shapes and nothing else: no retries, no storage, no clocks, no
/// tokens.
#[async_trait]
pub trait CrmAdapter: Send + Sync {
    /// What this CRM is and can do.
    fn crm(&self) -> &'static CrmInfo;

    /// Every way of filing a lead in it, the usual one first. Never empty.
    fn plans(&self) -> &'static [Plan];

    /// The way that a connection's settings choose: booking or job, lead or deal.
    fn plan(&self, settings: &Settings) -> &'static Plan {
        let _ = settings;
        &self.plans()[0]
    }

    /// What an answer means, and what it says of the budget. Falls before the evidence of the call
    /// is closed, so history tells what was decided.
    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        Verdict::shared(self.crm(), answer)
    }

    /// The cheapest live check of the credentials; says whose account they open.
    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo>;

    /// What the account has to choose from for a setting of kind
    /// [`Id`](crate::SettingKind::Id) or [`Number`](crate::SettingKind::Number) with options: its business units, pipelines, boards. Empty for any other.
    async fn options(&self, session: &Session, setting: &str) -> AdapterResult<Vec<Choice>> {
        let _ = (session, setting);
        Ok(Vec::new())
    }
}

impl dyn CrmAdapter {
    /// Opens a session whose answers this adapter judges, or says what is wrong with the
    /// connection. Nothing is sent.
    ///
    /// # Errors
    /// What a person has to mend in the connection.
    pub fn open(
        &'static self,
        http: &Outbound,
        target: Target,
        secrets: Secrets,
    ) -> Result<Session, SetupError> {
        Session::new(http, Box::new(|answer| self.judge(answer)), target, secrets)
    }
}

/// Whose account the credentials open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// The CRM's id of the account, where it tells.
    pub id: Option<String>,
    /// The name to show to the person who connects it.
    pub name: String,
}

/// One of the account's own things that a setting can name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What the setting holds.
    pub id: String,
    /// What people call it.
    pub title: String,
}

/// The longest id of a record that is believed, in bytes.
const MAX_REMOTE_ID: usize = 200;

/// Reads a record's id from a CRM's answer. An answer without a usable id
/// proves nothing, so it counts as unreadable.
pub(crate) fn remote_id<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let id = String::deserialize(from)?;
    is_usable(&id)
        .then_some(id)
        .ok_or_else(|| D::Error::custom("not an id"))
}

/// Reads an id that a CRM writes as a whole number above zero.
pub(crate) fn remote_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match u64::deserialize(from)? {
        0 => Err(D::Error::custom("not an id")),
        id => Ok(id.to_string()),
    }
}

fn is_usable(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= MAX_REMOTE_ID && !id.contains(char::is_control)
}
