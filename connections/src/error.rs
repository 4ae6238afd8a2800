//! What can go wrong with a connection, by what to do about it.

use leadrail_adapters::SetupError;
use leadrail_outbound::{Forbidden, UrlError};

use crate::{ConnectionId, SettingsError, VaultError};

/// The result of this crate's store.
pub type ConnectionResult<T> = Result<T, ConnectionError>;

/// Why a connection could not be kept, found or opened.
///
/// No variant carries a credential or a whole address, so any of them may be logged.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// There is none with this id: a wrong id, or another database.
    #[error("there is no connection {id}")]
    NotFound {
        /// The id that was asked for.
        id: ConnectionId,
    },
    /// The account has a connection to this CRM and CRM account already.
    #[error("the account has this connection already, it is {id}: connect that one again")]
    Exists {
        /// The one that is there.
        id: ConnectionId,
    },
    /// Another connection of the account has this CRM account already.
    #[error("another connection of the account is for this CRM account already")]
    AccountTaken,
    /// The input is at fault: show the reason to whoever gave it.
    #[error("{field} {reason}")]
    Refused {
        /// The field as it is called in the command line and the API.
        field: &'static str,
        /// What the field must be, as the end of a sentence that starts with its name.
        reason: &'static str,
    },
    /// The base URL is not one we may call.
    #[error("the base URL is not usable")]
    BaseUrl {
        /// The rule it breaks.
        #[source]
        source: UrlError,
    },
    /// The base URL leads where no call may go.
    #[error("the base URL is not usable: {source}")]
    ForbiddenAddress {
        /// Why.
        source: Forbidden,
    },
    /// The settings hold something unknown or misshapen.
    #[error("the settings are not usable")]
    Settings {
        /// Every fault, by key.
        #[source]
        source: SettingsError,
    },
    /// The way in or its secrets do not fit the CRM.
    #[error("{source}")]
    Setup {
        /// What a person has to mend.
        source: SetupError,
    },
    /// The row was edited by hand or damaged: an operator has to look at it.
    #[error("connection {id} is stored with an unusable {column}")]
    Damaged {
        /// The connection to look at.
        id: ConnectionId,
        /// The column that does not read.
        column: &'static str,
    },
    /// The credential did not seal or open: wrong vault key, or a changed row.
    #[error("the credential of connection {id} is not accessible")]
    Vault {
        /// The connection whose credential it is.
        id: ConnectionId,
        /// What the vault says.
        #[source]
        source: VaultError,
    },
    /// Our own secret with a provider did not seal or open: wrong vault key, or a changed row.
    #[error("our client with {provider} is not accessible")]
    ClientVault {
        /// The provider's name.
        provider: String,
        /// What the vault says.
        #[source]
        source: VaultError,
    },
    /// The operating system gives no random numbers.
    #[error("there are no random numbers to be had from the operating system")]
    NoRandomness,
    /// The database did not answer as it should: try again.
    #[error("the connection store is not reachable")]
    Database {
        /// What the driver says. Its message names no values.
        #[from]
        source: sqlx::Error,
    },
}

impl ConnectionError {
    /// Machine-readable: why leads cannot go through the connection.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Database { .. } => "database",
            Self::NotFound { .. } => "connection_missing",
            Self::Vault { .. } | Self::ClientVault { .. } => "connection_sealed",
            Self::Damaged { .. }
            | Self::Exists { .. }
            | Self::AccountTaken
            | Self::Refused { .. }
            | Self::BaseUrl { .. }
            | Self::ForbiddenAddress { .. }
            | Self::Settings { .. }
            | Self::NoRandomness => "connection_damaged",
            Self::Setup { .. } => "connection_setup",
        }
    }

    pub(crate) fn refused(field: &'static str, reason: &'static str) -> Self {
        Self::Refused { field, reason }
    }

    pub(crate) fn vault(id: ConnectionId) -> impl FnOnce(VaultError) -> Self {
        move |source| Self::Vault { id, source }
    }
}
