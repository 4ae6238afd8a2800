//! Connects an account to a CRM, or connects it again under the same id.

use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_connections::{Connection, NewConnection};
use serde::Serialize;

/// A connection that an account made.
#[derive(Clone, PartialEq, Serialize)]
pub struct Connected {
    /// The connection: active, or paused as it was.
    #[serde(flatten)]
    pub connection: Connection,
    /// How many leads waited for it and go out now, ten a minute, the urgent first.
    pub released: u32,
}

impl Desk {
    /// Connects an account to a CRM; the same account, CRM and CRM account again replaces the secret and
    /// the settings of the connection that is there. Leads that waited for it go out, unless somebody has
    /// paused it. The CRM is not asked: [`Desk::test`] does.
    ///
    /// # Errors
    /// [`DeskError`](crate::DeskError), with `is_wrong_use` for what was given; then nothing is stored.
    pub async fn connect(&self, who: &Actor, new: NewConnection) -> DeskResult<Connected> {
        let doors = self.doors()?;
        doors.admits(&new)?;
        // A second key in one database is one that somebody will be without.
        self.check_vault_key().await?;
        let connection = doors.connections().add(new).await?;
        self.note(
            who,
            Action::ConnectionConnect,
            &connection.id,
            &connection.state,
        )
        .await;
        let released = self.release_if_active(who, &connection).await?;
        Ok(Connected {
            connection,
            released,
        })
    }
}
