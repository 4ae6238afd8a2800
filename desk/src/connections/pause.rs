//! Holds the leads of a connection back for a while, and lets them go on.

use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_connections::{Connection, ConnectionId, ConnectionState};

impl Desk {
    /// Holds the leads of a connection back until [`Desk::resume_connection`]. Whether it was active;
    /// nothing changes for one that is paused already. `why` is shown to people; control characters in it
    /// become blanks, and a long text is cut.
    ///
    /// # Errors
    /// [`DeskError::NotNow`] for a connection whose leads wait for something else; when there is no such
    /// connection, or the database cannot be written.
    pub async fn pause_connection(
        &self,
        who: &Actor,
        id: ConnectionId,
        why: &str,
    ) -> DeskResult<bool> {
        let connections = self.connections()?;
        let news = connections.pause(id, why).await?;
        let now = connections.get(id).await?;
        if !news && now.state != ConnectionState::Paused {
            return Err(cannot(&now, "paused"));
        }
        let outcome = match news {
            true => "state: active -> paused",
            false => "paused already",
        };
        self.note(who, Action::ConnectionPause, &id, &outcome).await;
        Ok(news)
    }

    /// Ends a pause: the leads that waited go out, ten a minute and the urgent first; how many. Where the
    /// CRM has refused the credential meanwhile they wait until the account is connected again. Nothing
    /// changes for a connection that is active already.
    ///
    /// # Errors
    /// [`DeskError::NotNow`] for a connection whose leads wait for something else; when there is no such
    /// connection, or the database cannot be written.
    pub async fn resume_connection(&self, who: &Actor, id: ConnectionId) -> DeskResult<u32> {
        let connections = self.connections()?;
        let news = connections.resume(id).await?;
        let now = connections.get(id).await?;
        if !news && now.state != ConnectionState::Active {
            return Err(cannot(&now, "resumed"));
        }
        let outcome = match news {
            true => format!("state: paused -> {}", now.state),
            false => "active already".to_owned(),
        };
        self.note(who, Action::ConnectionResume, &id, &outcome)
            .await;
        match news {
            true => self.release_if_active(who, &now).await,
            false => Ok(0),
        }
    }
}

/// A pause is about leads that would go out otherwise.
fn cannot(connection: &Connection, verb: &str) -> DeskError {
    let what = match connection.state {
        ConnectionState::Pending => "nobody has signed in to it yet; its leads wait for that",
        ConnectionState::NeedsReauth => "it must be connected again; its leads wait for that",
        ConnectionState::Disabled => "it is switched off; enable it to let its leads go on",
        ConnectionState::Paused => "it was paused again a moment ago",
        ConnectionState::Active => "it was let go on a moment ago",
    };
    DeskError::NotNow {
        reason: format!("the connection cannot be {verb}: {what}"),
    }
}
