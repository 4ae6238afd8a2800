//! Asks the CRM whether it accepts a connection's credential, and acts on the answer.

use crate::actor::{Action, Actor, audit};
use crate::crm;
use crate::desk::{Crms, Desk};
use crate::error::DeskResult;
use leadrail_adapters::{AdapterError, SetupError};
use leadrail_connections::{ConnectionId, ConnectionState, OpenConnection};
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
    /// person switched off stays off.
    ///
    /// # Errors
    /// When there is no such connection, or the vault or the database fails. What the CRM says is not an
    /// error but the result.
    pub async fn test(&self, who: &Actor, id: ConnectionId) -> DeskResult<ConnectionTest> {
        let crms = self.crms()?;
        let open = crms.connections.open(id).await?;
        let mut test = ConnectionTest {
            connection_id: id,
            ok: false,
            state: open.connection.state,
            account_name: None,
            reason: None,
            detail: None,
            released: 0,
        };
        match ask(crms, &open).await {
            Ok(name) => self.accepted(who, &open, name, &mut test).await?,
            Err(refusal) => refused(crms, &open, refusal, &mut test).await?,
        }
        test.state = crms.connections.get(id).await?.state;
        let outcome = test.reason.as_deref().unwrap_or("ok");
        audit(who, Action::ConnectionTest, &id, &outcome);
        Ok(test)
    }

    async fn accepted(
        &self,
        who: &Actor,
        open: &OpenConnection,
        name: String,
        test: &mut ConnectionTest,
    ) -> DeskResult<()> {
        let (connections, connection) = (self.connections()?, &open.connection);
        connections
            .mark_verified(connection.id, Some(&name))
            .await?;
        test.ok = true;
        test.account_name = Some(name);
        if connection.state != ConnectionState::Disabled {
            connections.activate(connection.id).await?;
            test.released = self.release(who, connection).await?;
        }
        Ok(())
    }
}

async fn refused(
    crms: &Crms,
    open: &OpenConnection,
    refusal: Refusal,
    test: &mut ConnectionTest,
) -> DeskResult<()> {
    if refusal.auth {
        let noted = crms
            .connections
            .mark_needs_reauth(&open.connection, &refusal.detail);
        noted.await?;
    }
    (test.reason, test.detail) = (Some(refusal.reason), Some(refusal.detail));
    Ok(())
}

/// Why a test failed.
struct Refusal {
    reason: String,
    detail: String,
    /// The CRM refused the credential itself.
    auth: bool,
}

impl From<SetupError> for Refusal {
    fn from(error: SetupError) -> Self {
        Self {
            reason: "setup".to_owned(),
            detail: error.to_string(),
            auth: false,
        }
    }
}

impl From<AdapterError> for Refusal {
    fn from(error: AdapterError) -> Self {
        Self {
            reason: error.reason().to_owned(),
            detail: error.detail().to_owned(),
            auth: matches!(error, AdapterError::Auth(_)),
        }
    }
}

/// The account's name as the CRM tells it.
async fn ask(crms: &Crms, open: &OpenConnection) -> Result<String, Refusal> {
    let name = leadrail_lead::CrmName::new(open.connection.crm.as_str()).ok();
    let adapter = name.and_then(|name| crms.adapters.get(&name));
    let adapter = adapter.ok_or_else(|| Refusal {
        reason: "unsupported_crm".to_owned(),
        detail: format!("there is no adapter for the CRM {}", open.connection.crm),
        auth: false,
    })?;
    let session = crm::open(crms, adapter, open)?;
    Ok(adapter.check(&session).await?.name)
}
