//! What becomes of a connection: accepted, refused, paused, switched off, and on again.

use leadrail_adapters::SecretVersion;

use super::Connections;
use crate::{
    ConnectionError, ConnectionId, ConnectionResult, ConnectionState,
    rows::{self, Transition},
};

/// Reasons and names are for people to read, not to store documents in.
const MAX_NOTE_CHARS: usize = 500;

impl Connections {
    /// Notes that the CRM accepted this version of the secrets just now and what it calls the account;
    /// returns whether it is still the present one.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn mark_verified(
        &self,
        id: ConnectionId,
        version: SecretVersion,
        name: Option<&str>,
    ) -> ConnectionResult<bool> {
        let name = name.map(note);
        let marked = rows::mark_verified(&self.1, id, version, name.as_deref()).await?;
        self.changed(id, &marked)
    }

    /// Notes that the CRM refused this version of the secrets; returns whether that is news.
    ///
    /// It is not if the connection is closed for that already, or if it was connected again meanwhile:
    /// the refusal was of the old secrets then and says nothing of the new ones. A paused connection
    /// stays paused, and needs to be connected again once it goes on. `reason` is shown to people and
    /// must not hold a secret.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn mark_needs_reauth(
        &self,
        id: ConnectionId,
        version: SecretVersion,
        reason: &str,
    ) -> ConnectionResult<bool> {
        let transition = rows::mark_needs_reauth(&self.1, id, version, &note(reason)).await?;
        self.changed(id, &transition)
    }

    /// Switches a connection on again; returns whether it was off. It is active then, unless nobody has
    /// signed in yet or the CRM refused the secrets that it has.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn enable(&self, id: ConnectionId) -> ConnectionResult<bool> {
        self.lift(id, ConnectionState::Disabled, false).await
    }

    /// Holds the leads of an active connection back; returns whether it was active. `why` is shown to
    /// people.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn pause(&self, id: ConnectionId, why: &str) -> ConnectionResult<bool> {
        self.close(id, ConnectionState::Paused, why).await
    }

    /// Ends a pause; returns whether there was one. The connection is active then, unless the CRM has
    /// refused its secrets meanwhile.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn resume(&self, id: ConnectionId) -> ConnectionResult<bool> {
        self.lift(id, ConnectionState::Paused, false).await
    }

    /// Lets leads through again whose connection had to be connected again, because the CRM accepts it
    /// now; whether it does so for that. What a person switched off stays off.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn reactivate(&self, id: ConnectionId) -> ConnectionResult<bool> {
        self.lift(id, ConnectionState::NeedsReauth, true).await
    }

    /// Switches a connection off; returns whether it was on. `why` is shown to people.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`] or `Database`.
    pub async fn disable(&self, id: ConnectionId, why: &str) -> ConnectionResult<bool> {
        self.close(id, ConnectionState::Disabled, why).await
    }

    async fn close(
        &self,
        id: ConnectionId,
        to: ConnectionState,
        why: &str,
    ) -> ConnectionResult<bool> {
        let transition = rows::close(&self.1, id, to, &note(why)).await?;
        self.changed(id, &transition)
    }

    async fn lift(
        &self,
        id: ConnectionId,
        from: ConnectionState,
        accepted: bool,
    ) -> ConnectionResult<bool> {
        let transition = rows::lift(&self.1, id, from, accepted).await?;
        self.changed(id, &transition)
    }

    fn changed(&self, id: ConnectionId, transition: &Transition) -> ConnectionResult<bool> {
        self.0.cache.forget();
        if !transition.known {
            return Err(ConnectionError::NotFound { id });
        }
        Ok(transition.changed)
    }
}

/// One short line without control characters, whatever a CRM or a person wrote.
fn note(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable
        .take(MAX_NOTE_CHARS)
        .collect::<String>()
        .trim()
        .to_owned()
}
