//! Asks the CRM whether it accepts a connection's credential, and acts on the answer.

use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_adapters::{AdapterError, SecretVersion};
use leadrail_connections::{Connection, ConnectionId, ConnectionState, Door, DoorError, Doors};
use serde::Serialize;

/// How a live test of a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConnectionTest {
    /// The connection.
    pub connection_id: ConnectionId,
    /// Whether the CRM accepted the credential.
    pub ok: bool,
    /// The connection's state after the test.
    pub state: ConnectionState,
    /// What the CRM calls the account, if it accepted.
    pub account_name: Option<String>,
    /// Machine-readable: why it did not work, such as `http_401` or `timeout`.
    pub reason: Option<String>,
    /// The same for people.
    pub detail: Option<String>,
    /// How many waiting leads were let go, ten a minute, the urgent first.
    pub released: u32,
}

impl Desk {
    /// Asks the CRM whether it accepts the connection's credential; sends no lead. An accepted connection
    /// is active and its waiting leads go out, a refused one needs to be connected again. One that a
    /// person paused or switched off stays so.
    ///
    /// # Errors
    /// When there is no such connection, or the vault or the database fails. What the CRM says is not an
    /// error but the result.
    pub async fn test(&self, who: &Actor, id: ConnectionId) -> DeskResult<ConnectionTest> {
        let doors = self.doors()?;
        let connection = doors.connections().get(id).await?;
        let mut test = ConnectionTest {
            connection_id: id,
            ok: false,
            state: connection.state,
            account_name: None,
            reason: None,
            detail: None,
            released: 0,
        };
        match ask(doors, id).await? {
            Ok(accepted) => self.accepted(who, &connection, accepted, &mut test).await?,
            Err(refusal) => {
                (test.reason, test.detail) = (Some(refusal.reason), Some(refusal.detail))
            }
        }
        test.state = doors.connections().get(id).await?.state;
        let outcome = test.reason.as_deref().unwrap_or("ok");
        self.note(who, Action::ConnectionTest, &id, &outcome).await;
        Ok(test)
    }

    /// The same, and a refresh token of whose last use no answer came is tried once more: where the provider
    /// did hear the first time, it may end the whole sign-in for that.
    ///
    /// # Errors
    /// As [`Desk::test`].
    pub async fn test_once_more(
        &self,
        who: &Actor,
        id: ConnectionId,
    ) -> DeskResult<ConnectionTest> {
        self.doors()?.try_once_more(id).await?;
        self.test(who, id).await
    }

    async fn accepted(
        &self,
        who: &Actor,
        connection: &Connection,
        accepted: Accepted,
        test: &mut ConnectionTest,
    ) -> DeskResult<()> {
        let connections = self.connections()?;
        let (id, name) = (connection.id, accepted.name);
        test.ok = true;
        // Of a secret that was replaced while the CRM was asked, the answer says nothing.
        if connections
            .mark_verified(id, accepted.version, Some(&name))
            .await?
        {
            connections.reactivate(id).await?;
        }
        test.account_name = Some(name);
        // Read anew: a person may have switched it off meanwhile.
        let now = connections.get(id).await?;
        test.released = self.release_if_active(who, &now).await?;
        Ok(())
    }
}

/// What the CRM calls the account, and which secret it accepted.
struct Accepted {
    name: String,
    version: SecretVersion,
}

/// Why a test failed.
struct Refusal {
    reason: String,
    detail: String,
}

/// The account as the CRM tells it. A connection whose credential is refused is marked.
async fn ask(doors: &Doors, id: ConnectionId) -> DeskResult<Result<Accepted, Refusal>> {
    let door = match doors.open_whatever_its_state(id).await {
        Ok(door) => door,
        Err(DoorError::Connection(error)) => return Err(error.into()),
        Err(error) => {
            return Ok(Err(Refusal {
                reason: error.reason().to_owned(),
                detail: error.to_string(),
            }));
        }
    };
    match door.adapter.check(&door.session).await {
        Ok(account) => Ok(Ok(Accepted {
            name: account.name,
            version: door.session.secret_version(),
        })),
        Err(error) => refused(doors, &door, &error).await.map(Err),
    }
}

async fn refused(doors: &Doors, door: &Door, error: &AdapterError) -> DeskResult<Refusal> {
    if matches!(error, AdapterError::Auth(_) | AdapterError::Forbidden(_)) {
        let (id, version) = (door.connection.id, door.session.secret_version());
        let noted = doors
            .connections()
            .mark_needs_reauth(id, version, error.detail());
        noted.await?;
    }
    Ok(Refusal {
        reason: error.reason().to_owned(),
        detail: error.detail().to_owned(),
    })
}
