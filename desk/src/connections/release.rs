//! Lets leads go that waited for a connection.

use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_connections::{Connection, ConnectionState};
use leadrail_workflows::gates_of;
use std::time::Duration;

/// Leads that waited for a connection go out this far apart: ten a minute.
pub const RELEASE_SPACING: Duration = Duration::from_secs(6);

impl Desk {
    /// Lets the leads go out that waited for this connection, the urgent first and [`RELEASE_SPACING`]
    /// apart; how many. A lead whose worker has read the connection as it was a moment ago goes on too:
    /// the engine remembers when a gate was opened. So once is enough.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn release(&self, who: &Actor, connection: &Connection) -> DeskResult<u32> {
        self.release_spaced(who, connection, RELEASE_SPACING).await
    }

    /// The same for a connection that leads may go through; none where they may not.
    pub(crate) async fn release_if_active(
        &self,
        who: &Actor,
        connection: &Connection,
    ) -> DeskResult<u32> {
        match connection.state {
            ConnectionState::Active => self.release(who, connection).await,
            _ => Ok(0),
        }
    }

    /// The same, this far apart, for whoever runs on a faster clock.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn release_spaced(
        &self,
        who: &Actor,
        connection: &Connection,
        spacing: Duration,
    ) -> DeskResult<u32> {
        let gates = gates_of(connection);
        let released = self.engine().open_gates(&gates, spacing).await?;
        self.note(who, Action::ConnectionRelease, &connection.id, &released)
            .await;
        Ok(released)
    }
}
