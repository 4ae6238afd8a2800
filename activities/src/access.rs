//! The one way into a CRM: a connection opened live, for one step.

use std::time::Duration;

use leadrail_adapters::{
    AdapterError, AdapterResult, Adapters, CallBudget, Credentials, CrmAdapter, Session, Settings,
    SetupError, Target,
};
use leadrail_connections::{
    Connection, ConnectionResult, ConnectionSettings, ConnectionState, Connections, OpenConnection,
};
use leadrail_engine::{ActivityError, ActivityResult, Attempt, Budget, FailureKind};
use leadrail_lead::CrmName;
use leadrail_outbound::Outbound;

use crate::destination::Destination;
use crate::failure;

/// A call must end before its step does, or its answer could not be kept.
const BEFORE_THE_END: Duration = Duration::from_millis(250);

/// What every step that talks to a CRM needs. Cheap to clone.
#[derive(Clone)]
pub struct CrmAccess {
    /// Who may go where, and with which credential.
    pub connections: Connections,
    /// How each CRM is spoken to.
    pub adapters: Adapters,
    /// The client that makes the calls.
    pub http: Outbound,
}

/// A CRM, open for one attempt. When it goes, however the attempt ends, every exchange with the
/// CRM is in the attempt's evidence.
pub(crate) struct OpenCrm<'a> {
    pub(crate) adapter: &'static dyn CrmAdapter,
    pub(crate) session: Session,
    connection: Connection,
    connections: &'a Connections,
    destination: &'a Destination,
    attempt: &'a Attempt,
}

impl CrmAccess {
    /// The CRM's adapter. A CRM without one will never take a lead.
    pub(crate) fn adapter(&self, crm: &CrmName) -> ActivityResult<&'static dyn CrmAdapter> {
        self.adapters.get(crm).ok_or_else(|| {
            let message = format!("there is no adapter for the CRM {crm}");
            ActivityError::rejected("unsupported_crm", message)
        })
    }

    /// Opens the connection as it is now, or says why its leads must wait.
    pub(crate) async fn open<'a>(
        &'a self,
        attempt: &'a Attempt,
        destination: &'a Destination,
    ) -> ActivityResult<OpenCrm<'a>> {
        let adapter = self.adapter(&destination.crm)?;
        let open = self.connections.open(destination.connection_id).await;
        let open = open.map_err(|error| failure::of_connection(&error, destination.gate()))?;
        if let Some(why) = closed(&open.connection, adapter.crm().title) {
            return Err(why.at(destination.gate()));
        }
        let timeout = call_timeout(attempt, destination)?;
        let session = session(&self.http, adapter, &open, timeout)
            .map_err(|error| failure::of_setup(&error, destination.gate()))?;
        Ok(OpenCrm {
            adapter,
            session,
            connection: open.connection,
            connections: &self.connections,
            destination,
            attempt,
        })
    }
}

/// Why no lead may go through a connection now.
pub(crate) struct Closed {
    reason: &'static str,
    message: String,
}

impl Closed {
    pub(crate) fn at(self, gate: String) -> ActivityError {
        ActivityError::new(FailureKind::Blocked { gate }, self.reason, self.message)
    }
}

/// Why no lead may go through this connection now, if so.
pub(crate) fn closed(connection: &Connection, title: &str) -> Option<Closed> {
    let (reason, what) = match connection.state {
        ConnectionState::Active => return None,
        ConnectionState::NeedsReauth => ("needs_reauth", "must be connected again"),
        ConnectionState::Disabled => ("disabled", "is switched off"),
    };
    let message = format!("The connection to {title} {what}; its leads wait for that");
    Some(Closed { reason, message })
}

/// The time for one call: never beyond the end of the attempt.
fn call_timeout(attempt: &Attempt, destination: &Destination) -> ActivityResult<Duration> {
    let left = attempt.time_left().saturating_sub(BEFORE_THE_END);
    if left.is_zero() {
        let message = "no time was left for the call; nothing was sent";
        return Err(ActivityError::not_done("too_late", message));
    }
    Ok(left.min(destination.call_timeout()))
}

fn session(
    http: &Outbound,
    adapter: &dyn CrmAdapter,
    open: &OpenConnection,
    timeout: Duration,
) -> Result<Session, SetupError> {
    let mut target = Target::new(adapter.crm())?
        .with_settings(settings(&open.connection.settings))
        .with_call_timeout(timeout);
    if let Some(url) = &open.connection.base_url {
        target = target.with_base_url(url.as_str())?;
    }
    Session::new(http, target, credentials(adapter, open))
}

/// The secret under the name that its method gives it. A method that is unknown, or needs more than
/// one secret, is refused by the session.
fn credentials(adapter: &dyn CrmAdapter, open: &OpenConnection) -> Credentials {
    let credential = &open.credential;
    let mut methods = adapter.crm().auth.iter();
    let method = methods.find(|method| method.id == credential.method);
    let secrets = method.map_or(&[][..], |method| method.secrets);
    let credentials = Credentials::new(&credential.method);
    match secrets.first() {
        Some(&name) => credentials.with(name, credential.secret.clone()),
        None => credentials,
    }
}

/// What the adapter may know of the connection's settings.
fn settings(own: &ConnectionSettings) -> Settings {
    let settings = Settings::default().with("notifications_enabled", own.notifications_enabled);
    match &own.lead_source {
        Some(source) => settings.with("lead_source", source.as_str()),
        None => settings,
    }
}

impl OpenCrm<'_> {
    /// What follows from the CRM's answer.
    pub(crate) async fn judge<T>(&self, answer: AdapterResult<T>) -> ActivityResult<T> {
        match answer {
            Ok(done) => Ok(done),
            Err(error @ AdapterError::Auth(_)) => Err(self.refused(&error).await),
            Err(error) => Err(failure::of_answer(&error, self.destination.gate())),
        }
    }

    /// The CRM refuses our credentials. The first lead that learns of it dies and closes the
    /// connection; those under way at the same time wait with the ones that come after.
    async fn refused(&self, error: &AdapterError) -> ActivityError {
        match self.close_connection(error).await {
            Ok(Some(why)) => why,
            Ok(None) => failure::of_answer(error, self.destination.gate()),
            Err(away) => failure::of_connection(&away, self.destination.gate()),
        }
    }

    /// Marks the connection. Where that is no news, says what the lead does instead of dying.
    async fn close_connection(
        &self,
        refusal: &AdapterError,
    ) -> ConnectionResult<Option<ActivityError>> {
        let (id, title) = (self.connection.id, self.adapter.crm().title);
        if self
            .connections
            .mark_needs_reauth(&self.connection, refusal.detail())
            .await?
        {
            tracing::warn!(connection.id = %id, crm = %self.destination.crm, "{title} refused the credentials of connection {id}; its leads wait until it is connected again");
            return Ok(None);
        }
        let now = self.connections.get(id).await?;
        Ok(Some(match closed(&now, title) {
            Some(why) => why.at(self.destination.gate()),
            None => {
                let message = "The account was connected again during the call";
                ActivityError::not_done("reconnected", message)
            }
        }))
    }
}

impl Drop for OpenCrm<'_> {
    fn drop(&mut self) {
        for exchange in self.session.take_exchanges() {
            self.attempt.record(exchange);
        }
        if let Some(CallBudget { left, resets_in }) = self.session.take_budget() {
            self.attempt.report_budget(Budget { left, resets_in });
        }
    }
}
