//! Switches a connection off, and on again.

use crate::actor::{Action, Actor};
use crate::desk::Desk;
use crate::error::DeskResult;
use leadrail_connections::ConnectionId;

impl Desk {
    /// Switches a connection off: its leads wait until it is on again. Whether it was on. `why` is shown
    /// to people; control characters in it become blanks, and a long text is cut.
    ///
    /// # Errors
    /// When there is no such connection, or the database cannot be written.
    pub async fn disable(&self, who: &Actor, id: ConnectionId, why: &str) -> DeskResult<bool> {
        let connections = self.connections()?;
        let before = connections.get(id).await?;
        let news = connections.disable(id, why).await?;
        let outcome = match news {
            true => format!("state: {} -> disabled", before.state),
            false => "off already".to_owned(),
        };
        self.note(who, Action::ConnectionDisable, &id, &outcome)
            .await;
        // Another one may be the only one now.
        self.set_budget(Some(&before), &before).await?;
        Ok(news)
    }

    /// Switches a connection on again with the credential it has, and lets its leads go; how many. Where
    /// nobody has signed in yet, or the CRM has refused that credential, they go on waiting for that.
    ///
    /// # Errors
    /// When there is no such connection, or the database cannot be written.
    pub async fn enable(&self, who: &Actor, id: ConnectionId) -> DeskResult<u32> {
        let connections = self.connections()?;
        let before = connections.get(id).await?;
        let news = connections.enable(id).await?;
        let now = connections.get(id).await?;
        let outcome = match news {
            true => format!("state: disabled -> {}", now.state),
            false => "on already".to_owned(),
        };
        self.note(who, Action::ConnectionEnable, &id, &outcome)
            .await;
        self.set_budget(Some(&before), &now).await?;
        self.release_if_active(who, &now).await
    }
}
