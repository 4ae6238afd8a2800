//! Asks a CRM whether it accepts a connection's secrets, before the next lead finds out.

use std::time::Duration;

use leadrail_adapters::{AccountInfo, AdapterError, AdapterResult};
use leadrail_connections::{ConnectionId, ConnectionState, Door, DoorError, Doors};
use leadrail_engine::{Activity, ActivityOptions, ActivityResult, Attempt};
use serde::{Deserialize, Serialize};

use crate::access::keep_evidence;
use crate::failure::of_our_database;

/// Two checks, and what renews secrets in between.
const WITHIN: Duration = Duration::from_secs(120);

/// Asks the CRM by its cheapest live check. Opening the door is all that keeps alive what would die
/// unused, such as a token that is renewed by whoever uses it.
///
/// A refusal of the secrets counts when a second check on a door that was opened anew is refused too
/// (decision 0015). Whatever else the CRM answers says nothing, a forbidden check neither (decision 0024): the
/// next probe asks again.
pub struct ProbeConnection {
    /// The ways into the CRMs.
    pub doors: Doors,
}

/// Which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeInput {
    /// The connection.
    pub connection_id: ConnectionId,
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Probed {
    /// The CRM accepts the secrets.
    Accepted,
    /// It refuses them: leads wait until the account is connected again.
    Refused {
        /// Machine-readable, such as `http_401`.
        reason: String,
    },
    /// It did not say.
    Unknown {
        /// Machine-readable, such as `timeout`.
        reason: String,
    },
    /// No lead would go through it at the moment, or it is gone: nobody was asked.
    Skipped,
}

impl Activity for ProbeConnection {
    const NAME: &'static str = "probe_connection";
    type Input = ProbeInput;
    type Output = Probed;

    fn options(&self, _: &ProbeInput) -> ActivityOptions {
        ActivityOptions {
            timeout: WITHIN,
            ..ActivityOptions::default()
        }
    }

    async fn run(&self, attempt: &Attempt, input: &ProbeInput) -> ActivityResult<Probed> {
        let first = match self.ask(attempt, input.connection_id).await? {
            Ok((door, answer)) => self.heard(&door, answer).await?,
            Err(unasked) => return Ok(unasked),
        };
        if !matches!(first, Probed::Refused { .. }) {
            return Ok(first);
        }
        let (door, answer) = match self.ask(attempt, input.connection_id).await? {
            Ok(asked) => asked,
            Err(unasked) => return Ok(unasked),
        };
        let detail = answer.as_ref().err().map(|error| error.detail().to_owned());
        let second = self.heard(&door, answer).await?;
        if let (Probed::Refused { .. }, Some(detail)) = (&second, detail) {
            self.condemn(&door, &detail).await?;
        }
        Ok(second)
    }
}

impl ProbeConnection {
    /// The CRM's answer, and the door that it came through; or why nobody was asked.
    async fn ask(
        &self,
        attempt: &Attempt,
        id: ConnectionId,
    ) -> ActivityResult<Result<(Door, AdapterResult<AccountInfo>), Probed>> {
        let door = match self.doors.open_whatever_its_state(id).await {
            Ok(door) => door,
            Err(error) => return unopened(error).map(Err),
        };
        if !matches!(
            door.connection.state,
            ConnectionState::Active | ConnectionState::Paused
        ) {
            return Ok(Err(Probed::Skipped));
        }
        let answer = door.adapter.check(&door.session).await;
        keep_evidence(&door, attempt);
        Ok(Ok((door, answer)))
    }

    /// What an answer says; an account that is told is noted.
    async fn heard(
        &self,
        door: &Door,
        answer: AdapterResult<AccountInfo>,
    ) -> ActivityResult<Probed> {
        let reason = match answer {
            Ok(account) => {
                let (id, version) = (door.connection.id, door.session.secret_version());
                let connections = self.doors.connections();
                let noted = connections.mark_verified(id, version, Some(&account.name));
                noted.await.map_err(of_our_database)?;
                return Ok(Probed::Accepted);
            }
            Err(error) => error,
        };
        let said = reason.reason().to_owned();
        Ok(match reason {
            AdapterError::Auth(_) => Probed::Refused { reason: said },
            _ => Probed::Unknown { reason: said },
        })
    }

    async fn condemn(&self, door: &Door, detail: &str) -> ActivityResult<()> {
        let (id, version) = (door.connection.id, door.session.secret_version());
        let connections = self.doors.connections();
        let noted = connections.mark_needs_reauth(id, version, detail).await;
        if noted.map_err(of_our_database)? {
            let title = door.adapter.crm().title;
            tracing::warn!(connection.id = %id, crm = %door.connection.crm, "{title} refused the credentials of connection {id} when it was asked; its leads will wait until it is connected again");
        }
        Ok(())
    }
}

/// What does not open is no news of the CRM; only a database that is away passes by itself.
fn unopened(error: DoorError) -> ActivityResult<Probed> {
    use leadrail_connections::ConnectionError::{Database, NotFound};
    match error {
        DoorError::Connection(Database { source }) => Err(of_our_database(source)),
        DoorError::Connection(NotFound { .. }) | DoorError::Closed(_) => Ok(Probed::Skipped),
        other => Ok(Probed::Unknown {
            reason: other.reason().to_owned(),
        }),
    }
}
