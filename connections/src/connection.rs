//! A connection and the secrets that open it.

use std::fmt;

use chrono::{DateTime, Utc};
use leadrail_adapters::Secrets;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{BaseUrl, ConnectionSettings};

/// Names a connection for life: connecting again keeps it. A random UUID (v4).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct ConnectionId(pub Uuid);

impl ConnectionId {
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Uuid> for ConnectionId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl std::str::FromStr for ConnectionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Whether leads may go through a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "leadrail.connection_state", rename_all = "snake_case")]
pub enum ConnectionState {
    /// It is made and nobody has signed in yet: leads wait for that.
    Pending,
    /// Leads go out.
    Active,
    /// The CRM refused the credential: leads wait until someone connects again.
    NeedsReauth,
    /// A person holds its leads back for a while.
    Paused,
    /// A person switched it off.
    Disabled,
}

impl ConnectionState {
    /// All of them, in the order in which a connection may come to them.
    pub const ALL: [ConnectionState; 5] = [
        ConnectionState::Pending,
        ConnectionState::Active,
        ConnectionState::NeedsReauth,
        ConnectionState::Paused,
        ConnectionState::Disabled,
    ];

    /// The name in SQL, JSON and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::NeedsReauth => "needs_reauth",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// Of several connections of an account those of the least rank count, for leads that do not say which
    /// they mean: pending ones only where nobody has signed in to any, disabled ones where there is nothing
    /// else.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Active | Self::NeedsReauth | Self::Paused => 0,
            Self::Pending => 1,
            Self::Disabled => 2,
        }
    }
}

impl std::str::FromStr for ConnectionState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            format!("a connection's state is one of {names}")
        })
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One account's way into one CRM account, without the credential.
#[derive(Clone, PartialEq, Serialize)]
pub struct Connection {
    /// Kept for life.
    pub id: ConnectionId,
    /// Whose it is: the payload's `callsetter_account_id`.
    pub account: String,
    /// The CRM's name as in the payload's `routing.destination_crm`.
    pub crm: String,
    /// The account on the CRM's side, as in the payload's `routing.crm_account_id`.
    pub crm_account_id: Option<String>,
    /// Overrides the CRM's own address.
    pub base_url: Option<BaseUrl>,
    /// How the secrets authenticate, in the adapter's vocabulary.
    pub auth_method: String,
    /// Counts replacements of the secrets, from 1; 0 while nobody has signed in.
    pub secret_version: i32,
    /// What the contractor chose.
    pub settings: ConnectionSettings,
    /// Whether leads may go through.
    pub state: ConnectionState,
    /// Why it is not active; `None` while it is.
    pub state_reason: Option<String>,
    /// When the state was entered.
    pub state_changed_at: DateTime<Utc>,
    /// When the CRM last accepted the present secret in a check.
    pub last_verified_at: Option<DateTime<Utc>>,
    /// What the CRM called the account in that check.
    pub verified_name: Option<String>,
    /// When the account first connected it.
    pub created_at: DateTime<Utc>,
    /// When anything in it last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts what people changed in it, from 1.
    pub revision: i32,
}

/// Names and state only: the rest may say who the contractor is.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .field("crm", &self.crm)
            .field("state", &self.state)
            .field("secret_version", &self.secret_version)
            .finish_non_exhaustive()
    }
}

/// A connection together with its opened secrets. Short-lived: open again for the next call.
#[derive(Debug, Clone)]
pub struct OpenConnection {
    /// The connection, in whatever state it is: the caller decides what a state means.
    pub connection: Connection,
    /// What opens its CRM.
    pub secrets: Secrets,
}
