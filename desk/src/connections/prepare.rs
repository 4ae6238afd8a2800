//! Makes a connection that nobody has signed in to yet.

use super::difference::difference;
use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_connections::{Connection, NewConnection};

impl Desk {
    /// Makes a connection without its secrets: leads that are addressed to it wait until somebody signs
    /// in ([`Desk::connect`] with the same account, CRM and CRM account), under the id that it has now.
    ///
    /// # Errors
    /// [`DeskError`](crate::DeskError), with `is_wrong_use` for what was given, or because the account has
    /// this connection already; then nothing is stored.
    pub async fn prepare_connection(
        &self,
        who: &Actor,
        new: NewConnection,
    ) -> DeskResult<Connection> {
        let doors = self.doors()?;
        doors.admits(&new)?;
        self.check_vault_key().await?;
        let connection = doors.connections().prepare(new).await?;
        let what = difference(None, &connection);
        self.note(who, Action::ConnectionPrepare, &connection.id, &what)
            .await;
        self.set_budget(None, &connection).await?;
        Ok(connection)
    }
}
