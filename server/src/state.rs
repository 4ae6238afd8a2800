//! What the calls need.

use std::time::Duration;

use leadrail_desk::{Desk, DeskError};
use leadrail_engine::kind_of_database_error;
use tokio::time::timeout;

use crate::body::BodyReader;
use crate::metrics;
use crate::problem::Problem;

/// How long a read may take before the database counts as away.
const READ_WITHIN: Duration = Duration::from_millis(1_500);

/// What the handlers see: the desk, and what they share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) desk: Desk,
    pub(crate) bodies: BodyReader,
}

impl App {
    pub(crate) fn new(desk: Desk) -> Self {
        metrics::install();
        Self {
            bodies: BodyReader::default(),
            desk,
        }
    }
}

/// Only the kind of the error: PostgreSQL's own words may quote a row.
fn log_unavailable(error: &sqlx::Error) {
    let kind = kind_of_database_error(error);
    tracing::warn!(error = kind, "The database could not be used: {kind}");
}

/// Waits for the desk, but not so long that the answer comes late.
pub(crate) async fn in_time<T>(
    asked: impl Future<Output = Result<T, DeskError>>,
) -> Result<T, Problem> {
    match timeout(READ_WITHIN, asked).await {
        Ok(answer) => answer.map_err(problem),
        Err(_) => {
            tracing::warn!("The database did not answer within {READ_WITHIN:?}");
            Err(Problem::unavailable())
        }
    }
}

/// Whether the database answered, with something that we do not understand: to ask again is no help.
fn is_unreadable(error: &sqlx::Error) -> bool {
    use sqlx::Error::{ColumnDecode, ColumnNotFound, Decode, TypeNotFound};
    matches!(
        error,
        ColumnDecode { .. } | ColumnNotFound(_) | Decode(_) | TypeNotFound { .. }
    )
}

/// What the desk did not do, as a caller is told.
pub(crate) fn problem(error: DeskError) -> Problem {
    use leadrail_connections::ConnectionError;
    match error {
        DeskError::Database(source) if is_unreadable(&source) => {
            tracing::error!(
                "A row could not be read: {}",
                kind_of_database_error(&source)
            );
            Problem::internal()
        }
        DeskError::Database(source) => {
            log_unavailable(&source);
            Problem::unavailable()
        }
        DeskError::SeveralLeads => Problem::several_accounts(),
        DeskError::Refused {
            what: "payload" | "why",
            reason,
        } => Problem::bad_request(reason),
        DeskError::NoSuchLead { .. }
        | DeskError::NoSuchRun { .. }
        | DeskError::Connection(ConnectionError::NotFound { .. }) => {
            Problem::not_found(error.to_string())
        }
        error if error.is_wrong_use() => Problem::bad_parameter(leadrail_desk::sentence(&error)),
        error => {
            tracing::error!(%error, "A call could not be answered");
            Problem::internal()
        }
    }
}
