//! What the calls need.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use leadrail_desk::{Caller, Desk, DeskError};
use leadrail_engine::{Sees, is_read_only, kind_of_database_error};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::admission::Admission;
use crate::audience::By;
use crate::body::BodyReader;
use crate::changes::{Changes, UnderWay};
use crate::metrics;
use crate::places::Limits;
use crate::problem::Problem;
use crate::rates::Limiters;

/// How long a read may take before the database counts as away.
const READ_WITHIN: Duration = Duration::from_millis(1_500);
/// How long a caller waits for a change before it is told that it goes on: a dozen questions and commits, each
/// behind the wall.
const CHANGE_WITHIN: Duration = Duration::from_secs(10);
/// How long the caller of a change that asks a CRM waits for it, below the time of a whole request.
const CALL_WITHIN: Duration = Duration::from_secs(25);

/// What the handlers see: the desk, and what they share.
///
/// As a layer has it, the desk is asked on behalf of the API itself: who a key is, whether the database is
/// there. A handler takes it from its request, and has the desk as its caller sees it: behind everything
/// that it asks stands the wall between accounts in the database.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) desk: Desk,
    pub(crate) bodies: BodyReader,
    pub(crate) admission: Arc<Admission>,
    pub(crate) rates: Arc<Limiters>,
    /// Places for requests under way.
    under_way: Arc<Semaphore>,
    /// The worker of this process whose health is asked for, by its name.
    worker: Option<String>,
    changes: Changes,
}

impl App {
    /// And the changes that its calls begin.
    pub(crate) fn new(desk: &Desk, admission: Admission, limits: Limits) -> (Self, UnderWay) {
        metrics::install();
        let (changes, under_way) = Changes::new();
        let app = Self {
            bodies: BodyReader::default(),
            rates: Arc::new(Limiters::new(admission.rates)),
            under_way: Arc::new(Semaphore::new(limits.requests)),
            admission: Arc::new(admission),
            desk: desk.seeing(Sees::All),
            worker: None,
            changes,
        };
        (app, under_way)
    }

    /// For the health of a worker of this process.
    pub(crate) fn of_worker(desk: &Desk, worker: String) -> Self {
        let (app, _) = Self::new(desk, Admission::default(), Limits::default());
        Self {
            worker: Some(worker),
            ..app
        }
    }

    /// The same for whoever calls.
    fn before(&self, caller: &Caller) -> Self {
        Self {
            desk: self.desk.before(caller),
            ..self.clone()
        }
    }

    /// A place for a request, until it is dropped; none while all are taken.
    pub(crate) fn begin(&self) -> Option<OwnedSemaphorePermit> {
        self.under_way.clone().try_acquire_owned().ok()
    }

    /// Why no work should come here, as a sentence.
    pub(crate) async fn closed_because(&self) -> Result<Option<String>, DeskError> {
        if let Some(why) = self.desk.refuses_writes().await? {
            return Ok(Some(format!("the database cannot be used: {why}")));
        }
        if let Some(why) = self.desk.closed_because().await? {
            return Ok(Some(why));
        }
        let Some(name) = &self.worker else {
            return Ok(None);
        };
        let registered = self.desk.engine().has_worker(name, std::process::id());
        Ok((!registered.await?).then(|| format!("the worker {name} is not registered")))
    }

    /// Makes a change at the desk: it ends and is audited even where its caller goes, or is answered
    /// before it ends.
    pub(crate) async fn change<T, F>(&self, make: impl FnOnce(Desk) -> F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, DeskError>> + Send + 'static,
    {
        let change = make(self.desk.clone());
        self.changes.make(CHANGE_WITHIN, change).await
    }

    /// Carries something through to its end, even where its caller goes; `None` if it takes longer than a
    /// caller can wait.
    pub(crate) async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.changes.finish(CALL_WITHIN, work).await
    }

    /// The same for a change that asks a CRM, which has more time.
    pub(crate) async fn call<T, F>(&self, make: impl FnOnce(Desk) -> F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, DeskError>> + Send + 'static,
    {
        let change = make(self.desk.clone());
        self.changes.make(CALL_WITHIN, change).await
    }
}

/// Logs what went wrong behind a page that does not say it.
pub(crate) fn failed(error: &leadrail_connections::ConnectionError) {
    use leadrail_connections::ConnectionError;
    match error {
        ConnectionError::Database { source } => log_unavailable(source),
        error => tracing::error!(%error, "A sign-in could not be carried out"),
    }
}

impl FromRequestParts<App> for App {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let By(caller) = By::from_request_parts(parts, app).await?;
        Ok(app.before(&caller))
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
    match quickly(asked).await {
        Some(answer) => answer.map_err(problem),
        None => Err(Problem::unavailable()),
    }
}

/// The answer of something that only asks the database; none if it takes too long, which is logged.
pub(crate) async fn quickly<T>(asked: impl Future<Output = T>) -> Option<T> {
    let answer = timeout(READ_WITHIN, asked).await.ok();
    if answer.is_none() {
        tracing::warn!("The database did not answer within {READ_WITHIN:?}");
    }
    answer
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
        DeskError::Database(source) if is_read_only(&source) => {
            tracing::warn!("A change was refused: the database takes no writes");
            Problem::read_only()
        }
        DeskError::Database(source) => {
            log_unavailable(&source);
            Problem::unavailable()
        }
        DeskError::SeveralLeads => Problem::several_accounts(),
        DeskError::NotNow { reason } => Problem::not_now(reason),
        DeskError::Connection(ConnectionError::Exists { .. } | ConnectionError::AccountTaken) => {
            Problem::exists(error.to_string())
        }
        DeskError::Changed { .. } => Problem::changed(error.to_string()),
        DeskError::NotAccepted { .. } => Problem::not_accepted(error.to_string()),
        DeskError::OtherAccount { .. } => Problem::other_account(error.to_string()),
        DeskError::SignalTooLarge => Problem::too_large(error.to_string()),
        DeskError::TooManySignals => Problem::too_many_signals(error.to_string()),
        DeskError::Refused {
            what: "payload" | "why",
            reason,
        } => Problem::bad_request(reason),
        DeskError::NoSuchLead { .. }
        | DeskError::NoSuchRun { .. }
        | DeskError::NoSuchKey { .. }
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
