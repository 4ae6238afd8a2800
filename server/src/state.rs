//! What the calls need.

use std::time::{Duration, Instant};

use futures::FutureExt as _;
use leadrail_desk::{Desk, DeskError};
use leadrail_engine::Engine;
use leadrail_workflows::{Submission, Submitted, submit};
use tokio::time::timeout;

use crate::body::BodyReader;
use crate::group_commit::{GroupCommit, WriteError};
use crate::metrics;
use crate::problem::Problem;

/// How long a read may take before the database counts as away.
const READ_WITHIN: Duration = Duration::from_millis(1_500);

/// What the handlers see: the desk, and what they share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) desk: Desk,
    pub(crate) leads: GroupCommit<Submission, Submitted>,
    pub(crate) bodies: BodyReader,
}

impl App {
    pub(crate) fn new(desk: Desk) -> Self {
        metrics::install();
        Self {
            leads: shared_door(desk.engine().clone()),
            bodies: BodyReader::default(),
            desk,
        }
    }
}

/// The way of single leads into the database.
fn shared_door(engine: Engine) -> GroupCommit<Submission, Submitted> {
    GroupCommit::new(Box::new(move |leads| {
        let engine = engine.clone();
        async move {
            let start = Instant::now();
            let answers = submit(&engine, &leads).await;
            metrics::committed(leads.len(), start.elapsed());
            answers.map_err(|error| write_error(&error))
        }
        .boxed()
    }))
}

/// Whether the same write may succeed later. Logged here, because no caller is told.
pub(crate) fn write_error(error: &sqlx::Error) -> WriteError {
    match error {
        // Data exceptions and broken constraints: the database is well and says no.
        sqlx::Error::Database(refused)
            if refused
                .code()
                .is_some_and(|code| matches!(&code[..2], "22" | "23")) =>
        {
            // The message may quote the row, so only its code is logged.
            let code = refused.code().unwrap_or_default();
            tracing::error!(sqlstate = %code, "PostgreSQL refused a write");
            WriteError::Refused
        }
        _ => {
            log_unavailable(error);
            WriteError::Unavailable
        }
    }
}

/// Only the kind of the error: PostgreSQL's own words may quote a row.
fn log_unavailable(error: &sqlx::Error) {
    let kind = match error {
        sqlx::Error::Database(error) => {
            format!("SQLSTATE {}", error.code().unwrap_or_default())
        }
        sqlx::Error::PoolTimedOut => "no connection in time".to_owned(),
        sqlx::Error::Io(error) => error.kind().to_string(),
        _ => "another driver error".to_owned(),
    };
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

/// What the desk did not do, as a caller is told.
pub(crate) fn problem(error: DeskError) -> Problem {
    use leadrail_connections::ConnectionError;
    match error {
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
