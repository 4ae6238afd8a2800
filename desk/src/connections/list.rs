//! The connections there are.

use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_connections::{Connection, ConnectionFilter, ConnectionId, Lookup};
use leadrail_lead::Lead;

impl Desk {
    /// The connections, without their credentials, by account, CRM and CRM account. Needs no vault key.
    ///
    /// # Errors
    /// When the database cannot be read or a row is damaged.
    pub async fn list_connections(&self, filter: &ConnectionFilter) -> DeskResult<Vec<Connection>> {
        Ok(leadrail_connections::list(self.engine().access(), filter).await?)
    }

    /// One connection, without its credential. Needs no vault key.
    ///
    /// # Errors
    /// When there is no such connection, or the database cannot be read.
    pub async fn connection(&self, id: ConnectionId) -> DeskResult<Connection> {
        Ok(leadrail_connections::get(self.engine().access(), id).await?)
    }

    /// The connection that this account's lead for `crm` goes through now. Needs no vault key.
    ///
    /// # Errors
    /// When the database cannot be read or a row is damaged.
    pub async fn connection_of(&self, lead: &Lead, account: &str, crm: &str) -> DeskResult<Lookup> {
        let named = lead.routing.crm_account_id.as_deref();
        Ok(leadrail_connections::find(self.engine().access(), account, crm, named).await?)
    }
}
