//! API keys: who may call, for whom, and how far.
//!
//! A key is shown once, when it is made; the database has its hash. Each names a role, and most an
//! account, whose leads and connections are all that its holder sees.

mod caller;
mod create;
mod list;
mod recognize;
mod revoke;
mod secret;

pub use caller::{Caller, Need, Role};
pub use create::{IssuedKey, NewKey};
pub(crate) use recognize::Recognized;

use chrono::{DateTime, Utc};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// An API key's id; never the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct KeyId(pub Uuid);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for KeyId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// Whether anything comes of what is done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyMode {
    /// It does.
    Live,
    /// Nothing does: whoever builds against the API sees what would be. A lead that is handed over is
    /// judged, shown as it would be filed, and not kept; every other change is refused.
    Test,
}

impl KeyMode {
    /// Its name in JSON and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

/// An API key as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Its id, by which logs name it.
    pub id: KeyId,
    /// How it begins: `lr_live_` or `lr_test_`, and eight characters.
    pub shown: String,
    /// What it is for, in its maker's words.
    pub purpose: String,
    /// What its holder may do.
    pub role: Role,
    /// Whose leads and connections it is for; none: all.
    pub account: Option<String>,
    /// Whether anything comes of what is done with it.
    pub mode: KeyMode,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is refused; none: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Whether it opened anything when it was read.
    pub works: bool,
}

impl ApiKey {
    /// Whether it opens anything at this time.
    #[must_use]
    pub fn works_at(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A row of `leadrail.api_key`.
pub(crate) struct KeyRow {
    id: Uuid,
    shown: String,
    purpose: String,
    role: String,
    account: Option<String>,
    mode: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    works: bool,
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        Self {
            id: KeyId(row.id),
            shown: row.shown,
            purpose: row.purpose,
            // A role that this build does not know may do the least.
            role: row.role.parse().unwrap_or(Role::Intake),
            account: row.account,
            // And a mode that it does not know changes nothing.
            mode: match row.mode.as_str() {
                "live" => KeyMode::Live,
                _ => KeyMode::Test,
            },
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            works: row.works,
        }
    }
}
