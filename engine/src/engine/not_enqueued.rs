//! Why a run is not known to be in the database, for whoever wants to try again.

/// SQLSTATE of a write where only reading is allowed.
const READ_ONLY: &str = "25006";

/// Why a run was not enqueued, as far as anybody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEnqueued {
    /// The database is away or too slow. The run may be there all the same: under its key it is
    /// safe to enqueue it again later.
    #[error("the database is away or too slow; try again later")]
    Unavailable,
    /// The database is well and says no, or the input is too large: the same again will not help.
    #[error("the run was refused; the same again will not help")]
    Refused,
    /// The database reads and does not write: it is a standby, or read-only by a setting. Nothing was
    /// written.
    #[error("the database takes no writes at the moment; try again later")]
    ReadOnly,
    /// Too much waits already. Nothing was written.
    #[error("too much waits to be written; try again later")]
    Busy,
}

impl NotEnqueued {
    /// What a failed [`crate::Engine::enqueue`] means for whoever wants to try again. Written to the log,
    /// because no caller is told more.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Self {
        let refused = error.as_database_error();
        let code = refused.and_then(sqlx::error::DatabaseError::code);
        match code {
            // Data exceptions and broken constraints. The message may quote the row, so only its
            // code is logged.
            Some(code) if matches!(code.get(..2), Some("22" | "23")) => {
                tracing::error!(sqlstate = %code, "PostgreSQL refused a write");
                Self::Refused
            }
            Some(code) if code == READ_ONLY => {
                tracing::warn!(
                    "The database takes no writes: it is a standby, or default_transaction_read_only is on"
                );
                Self::ReadOnly
            }
            _ => {
                let kind = kind_of(error);
                tracing::warn!(error = kind, "The database could not be used: {kind}");
                Self::Unavailable
            }
        }
    }
}

/// Whether the database reads and does not write.
#[must_use]
pub fn is_read_only(error: &sqlx::Error) -> bool {
    let refused = error.as_database_error();
    let code = refused.and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == READ_ONLY)
}

/// What kind of trouble the database is in, for logs: PostgreSQL's own words may quote a row.
#[must_use]
pub fn kind_of(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => {
            format!("SQLSTATE {}", error.code().unwrap_or_default())
        }
        sqlx::Error::PoolTimedOut => "no connection in time".to_owned(),
        sqlx::Error::Io(error) => error.kind().to_string(),
        _ => "another driver error".to_owned(),
    }
}
