//! Why an operation was not done, by what to do about it.

use leadrail_adapters::SetupError;
use leadrail_connections::{ConnectionError, MigrateError};
use leadrail_engine::LettersError;
use leadrail_lead::EventId;
use leadrail_outbound::OutboundError;
use sqlx::error::DatabaseError;
use std::error::Error;

/// The result of an operation.
pub type DeskResult<T> = Result<T, DeskError>;

/// Why an operation was not done. No variant repeats a value that somebody gave, or holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// What was given is at fault: show the reason to whoever gave it.
    #[error("{reason}")]
    Refused {
        /// What it is about, in our words, such as `lane` or `payload`.
        what: &'static str,
        /// What it must be, as a sentence.
        reason: String,
    },
    /// The CRM's session would not take it.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// There is no lead with this id, or none of that account.
    #[error("there is no lead with this event_id")]
    NoSuchLead {
        /// The id that was asked for.
        event_id: EventId,
    },
    /// Several accounts have a lead under this id: say whose.
    #[error("several accounts have a lead with this event_id")]
    SeveralLeads,
    /// There is no such run.
    #[error("there is no such run")]
    NoSuchRun {
        /// The id that was asked for.
        run: leadrail_engine::RunId,
    },
    /// There is no such API key.
    #[error("there is no API key with this id; `leadrail key list` shows them")]
    NoSuchKey {
        /// The id that was asked for.
        id: crate::keys::KeyId,
    },
    /// What it is about is in a state in which this cannot be done.
    #[error("{reason}")]
    NotNow {
        /// Why, and what to do instead.
        reason: String,
    },
    /// Somebody has changed it since it was looked at.
    #[error(
        "somebody has changed the connection meanwhile (it has revision {revision} now); look at it and \
         ask again"
    )]
    Changed {
        /// The revision that it has now.
        revision: i32,
    },
    /// The CRM refuses the secrets that were given.
    #[error("the CRM does not accept these secrets, so nothing was changed: {detail}")]
    NotAccepted {
        /// What it said, for people.
        detail: String,
    },
    /// The secrets that were given open another account than those before.
    #[error(
        "these secrets open the account \"{is}\" and the connection was to \"{was}\", so nothing was \
         changed; say that another account is meant if it is"
    )]
    OtherAccount {
        /// What the CRM called the account before.
        was: String,
        /// What it calls this one.
        is: String,
    },
    /// A signal says more than one may.
    #[error("a signal has at most 1 MiB")]
    SignalTooLarge,
    /// A run has as many signals waiting for it as it may.
    #[error("too many signals wait for this run already; it has asked for none of them")]
    TooManySignals,
    /// The operation opens credentials, and this desk was given no vault key.
    #[error("no vault key was given, and connections cannot be used without")]
    NoVaultKey,
    /// The vault key is not the one that sealed what is there.
    #[error(
        "vault key mismatch: this is the vault key {have}, and connections are sealed with {sealed}; \
         start with {sealed}, or set it as vault_old_key beside the new one. If it is lost, \
         disable its connections and add them again"
    )]
    OtherVaultKey {
        /// The fingerprint of the key that sealed them.
        sealed: String,
        /// The fingerprint of the key that was given.
        have: String,
    },
    /// There can be no HTTP client on this machine.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The connections' store says no.
    #[error(transparent)]
    Connection(ConnectionError),
    /// The migrations that are applied are not ours.
    #[error(
        "the database was migrated by another release; run the release that did, or a newer one"
    )]
    Migration(#[source] MigrateError),
    /// One of our migrations does not run on this database. Those before it are applied.
    #[error(
        "the migration failed; nothing that failed was kept, correct the cause and run it again"
    )]
    MigrationFailed(#[source] MigrateError),
    /// The database did not answer as it should: try again.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl DeskError {
    pub(crate) fn refused(what: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::Refused { what, reason }
    }

    /// Whether whoever asked can ask better; otherwise it is not their doing.
    #[must_use]
    pub fn is_wrong_use(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::SeveralLeads | Self::SignalTooLarge => true,
            Self::Setup(_) => true,
            Self::Connection(error) => matches!(
                error,
                ConnectionError::Refused { .. }
                    | ConnectionError::BaseUrl { .. }
                    | ConnectionError::ForbiddenAddress { .. }
                    | ConnectionError::Setup { .. }
                    | ConnectionError::Settings { .. }
            ),
            _ => false,
        }
    }
}

impl From<ConnectionError> for DeskError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Database { source } => Self::Database(source),
            other => Self::Connection(other),
        }
    }
}

impl From<MigrateError> for DeskError {
    /// A database error in the shape of itself, so that it is known whether it passes.
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Database(error) => Self::Database(error),
            other if other.is_of_another_release() => Self::Migration(other),
            failed => Self::MigrationFailed(failed),
        }
    }
}

impl From<LettersError> for DeskError {
    fn from(error: LettersError) -> Self {
        match error {
            LettersError::Database(error) => Self::Database(error),
            other => Self::refused("letters", other.to_string()),
        }
    }
}

/// An error and its causes in one line. A cause that its effect quotes already is left out, and so is
/// the line of PostgreSQL's own source that an error of its names.
#[must_use]
pub fn sentence(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let said = without_source_line(cause).replace('\n', " ");
        if !text.contains(&said) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

/// The driver ends PostgreSQL's words with `at line 123`, and so does whatever quotes it.
fn without_source_line(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(refused) = refused_by_postgres(cause) {
            said = said.replace(&refused.to_string(), refused.message());
        }
        next = cause.source();
    }
    said
}

fn refused_by_postgres<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e dyn DatabaseError> {
    if let Some(error) = error.downcast_ref::<sqlx::Error>() {
        return error.as_database_error();
    }
    let boxed = error.downcast_ref::<Box<dyn DatabaseError>>();
    boxed.map(|boxed| &**boxed)
}

/// What PostgreSQL cannot keep as text.
pub(crate) fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_and_says_nothing_twice() {
        let error = sqlx::migrate::MigrateError::VersionMismatch(3);
        let error = DeskError::from(MigrateError::Numbered(error));
        let said = sentence(&error);
        assert!(said.starts_with("the database was migrated by another release"));
        assert!(said.contains(": migration 3"), "{said}");
        let setup = || SetupError::MalformedSecret { name: "api_key" };
        assert_eq!(sentence(&DeskError::from(setup())), setup().to_string());
    }

    #[test]
    fn a_database_that_is_away_is_told_as_such_whoever_met_it() {
        let away = || sqlx::Error::PoolTimedOut;
        let met = [
            DeskError::from(ConnectionError::from(away())),
            DeskError::from(MigrateError::Database(away())),
            DeskError::from(away()),
        ];
        for error in met {
            assert!(matches!(error, DeskError::Database(_)), "{error:?}");
            assert!(!error.is_wrong_use());
        }
    }
}
