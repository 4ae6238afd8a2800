//! The connections there are.

use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_connections::{Connection, ConnectionFilter, ConnectionId};

impl Desk {
    /// The connections, without their credentials, by account, CRM and CRM account. Needs no vault key.
    ///
    /// # Errors
    /// When the database cannot be read or a row is damaged.
    pub async fn list_connections(&self, filter: &ConnectionFilter) -> DeskResult<Vec<Connection>> {
        Ok(leadrail_connections::list(self.engine().pool(), filter).await?)
    }

    /// One connection, without its credential. Needs no vault key.
    ///
    /// # Errors
    /// When there is no such connection, or the database cannot be read.
    pub async fn connection(&self, id: ConnectionId) -> DeskResult<Connection> {
        Ok(leadrail_connections::get(self.engine().pool(), id).await?)
    }
}
