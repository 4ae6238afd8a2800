//! Making connections, connecting again, and changing what is set.

use super::Connections;
use crate::{
    Connection, ConnectionError, ConnectionId, ConnectionResult, ConnectionSettings, NewConnection,
    new_connection::CheckedConnection,
    rows::{self, Present, Sealing},
    sealed,
};

impl Connections {
    /// Connects an account, or connects it again: the same account, CRM and CRM account keeps its
    /// id, gets the new secrets, address and settings, and is active; one that a person has paused
    /// stays so.
    ///
    /// # Errors
    /// [`ConnectionError::Refused`], `BaseUrl`, `Setup` or `Settings` for bad input; `Vault`;
    /// `Database`.
    pub async fn add(&self, new: NewConnection) -> ConnectionResult<Connection> {
        let new = new.check(&self.0.adapters)?;
        // A second round is only needed if someone else connected the same place in between; then
        // the secret must be sealed anew, for the id and version that stand there.
        loop {
            let present = rows::present(&self.1, &new).await?;
            if let Some(id) = self.put(&new, present).await? {
                return self.get(id).await;
            }
        }
    }

    /// The same if what stands in its place has this revision, 0 for nothing; `None` otherwise.
    ///
    /// # Errors
    /// As [`Connections::add`].
    pub async fn add_over(
        &self,
        new: NewConnection,
        revision: i32,
    ) -> ConnectionResult<Option<Connection>> {
        let new = new.check(&self.0.adapters)?;
        let present = rows::present(&self.1, &new).await?;
        if present.as_ref().map_or(0, |present| present.revision) != revision {
            return Ok(None);
        }
        match self.put(&new, present).await? {
            Some(id) => self.get(id).await.map(Some),
            None => Ok(None),
        }
    }

    /// Puts the connection in the place of what was read there; `None` if that was changed since.
    async fn put(
        &self,
        new: &CheckedConnection,
        present: Option<Present>,
    ) -> ConnectionResult<Option<ConnectionId>> {
        let secrets = sealed::written(&new.secrets);
        let sealing = sealing(new, present.as_ref());
        let sealed = sealing.place(|place| self.0.vault.seal(place, &secrets));
        let envelope = sealed.map_err(ConnectionError::vault(sealing.id))?;
        let revision = present.as_ref().map_or(0, |present| present.revision);
        let put = rows::upsert(&self.1, &sealing, new, &envelope, revision).await?;
        self.0.cache.forget();
        Ok(put.then_some(sealing.id))
    }

    /// Changes what is set for a connection, if it still has this revision; `None` otherwise. The settings
    /// are such as [`ConnectionSettings::parse`] reads, the CRM account such as [`crate::crm_account_id`] does.
    ///
    /// # Errors
    /// [`ConnectionError::NotFound`]; [`ConnectionError::AccountTaken`] where another connection has that
    /// CRM account; `Database`.
    pub async fn change(
        &self,
        id: ConnectionId,
        revision: i32,
        settings: &ConnectionSettings,
        crm_account_id: Option<&str>,
    ) -> ConnectionResult<Option<Connection>> {
        let done = rows::change(&self.1, id, revision, settings, crm_account_id).await?;
        self.0.cache.forget();
        let now = self.get(id).await?;
        Ok(done.then_some(now))
    }

    /// Makes a connection that nobody has signed in to yet, from everything but the secrets: its leads
    /// wait until [`Connections::add`] or a sign-in brings those for the same account, CRM and CRM account.
    ///
    /// # Errors
    /// As [`Connections::add`]; [`ConnectionError::Exists`] where there is one already.
    pub async fn prepare(&self, new: NewConnection) -> ConnectionResult<Connection> {
        let new = new.check_without_secrets(&self.0.adapters)?;
        let sealing = Sealing {
            secret_version: 0,
            ..sealing(&new, None)
        };
        let nothing = sealed::written(&new.secrets);
        let sealed = sealing.place(|place| self.0.vault.seal(place, &nothing));
        let envelope = sealed.map_err(ConnectionError::vault(sealing.id))?;
        // A second round is only needed if what stood there was deleted in between.
        loop {
            if let Some(Present { id, .. }) = rows::present(&self.1, &new).await? {
                return Err(ConnectionError::Exists { id });
            }
            if rows::insert_pending(&self.1, &sealing, &new, &envelope).await? {
                self.0.cache.forget();
                return self.get(sealing.id).await;
            }
        }
    }
}

/// What the secrets of `new` are sealed for: the next version of what stands there, or the first.
fn sealing<'a>(new: &'a CheckedConnection, present: Option<&Present>) -> Sealing<'a> {
    Sealing {
        id: present.map_or_else(ConnectionId::random, |present| present.id),
        account: &new.account,
        crm: &new.crm,
        base_url: new.base_url.as_ref(),
        auth_method: &new.auth_method,
        secret_version: present.map_or(1, |present| present.secret_version + 1),
    }
}
