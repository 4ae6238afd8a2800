//! Takes a connection away, with its credential.

use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_connections::ConnectionId;

impl Desk {
    /// Takes a connection away, with its credential. A lead on its way ends the call that it is in; then
    /// it waits, like those addressed to it from now on, until the account is connected again.
    ///
    /// # Errors
    /// When there is no such connection, or the database cannot be written.
    pub async fn delete_connection(&self, who: &Actor, id: ConnectionId) -> DeskResult<()> {
        let connections = self.connections()?;
        let before = connections.get(id).await?;
        connections.delete(id).await?;
        let what = format!(
            "{}, {} of {} -> deleted",
            before.state, before.crm, before.account
        );
        self.note(who, Action::ConnectionDelete, &id, &what).await;
        self.set_budget(Some(&before), &before).await
    }
}
