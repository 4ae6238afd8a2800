//! What the calls need.

use std::time::Duration;

use leadrail_adapters::Adapters;
use leadrail_connections::Connections;
use leadrail_engine::{Engine, RetrySchedule, kind_of_database_error};
use leadrail_outbound::Outbound;
use tokio::time::timeout;

use crate::body::BodyReader;
use crate::metrics;
use crate::problem::Problem;

/// How long a read may take before the database counts as away.
const READ_WITHIN: Duration = Duration::from_millis(1_500);

/// What the server is given. Cheap to clone.
#[derive(Clone)]
pub struct ServerState {
    /// Takes the leads in.
    pub engine: Engine,
    /// The accounts' ways into their CRMs.
    pub connections: Connections,
    /// How each CRM is spoken to, for connection tests.
    pub adapters: Adapters,
    /// The client for connection tests.
    pub http: Outbound,
    /// The workers' retry schedule, so that a lead's story can say "try 2 of 6".
    pub schedule: RetrySchedule,
}

/// What the handlers see: the same, and what they share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) given: ServerState,
    pub(crate) bodies: BodyReader,
}

impl App {
    pub(crate) fn new(given: ServerState) -> Self {
        metrics::install();
        Self {
            bodies: BodyReader::default(),
            given,
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.given.engine
    }
}

/// Only the kind of the error: PostgreSQL's own words may quote a row.
fn log_unavailable(error: &sqlx::Error) {
    let kind = kind_of_database_error(error);
    tracing::warn!(error = kind, "The database could not be used: {kind}");
}

/// Waits for a read, but not so long that the answer comes late.
pub(crate) async fn read<T, E: Into<ReadError>>(
    reading: impl Future<Output = Result<T, E>>,
) -> Result<T, Problem> {
    match timeout(READ_WITHIN, reading).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(error.into().into_problem()),
        Err(_) => {
            tracing::warn!("The database did not answer a read within {READ_WITHIN:?}");
            Err(Problem::unavailable())
        }
    }
}

/// Why something could not be read.
pub(crate) enum ReadError {
    Database(sqlx::Error),
    Connection(leadrail_connections::ConnectionError),
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<leadrail_connections::ConnectionError> for ReadError {
    fn from(error: leadrail_connections::ConnectionError) -> Self {
        Self::Connection(error)
    }
}

impl ReadError {
    pub(crate) fn into_problem(self) -> Problem {
        use leadrail_connections::ConnectionError;
        match self {
            Self::Database(source) | Self::Connection(ConnectionError::Database { source }) => {
                log_unavailable(&source);
                Problem::unavailable()
            }
            Self::Connection(error @ ConnectionError::NotFound { .. }) => {
                Problem::not_found(error.to_string())
            }
            Self::Connection(error) => {
                tracing::error!(error = %error, "A connection could not be read");
                Problem::internal()
            }
        }
    }
}
