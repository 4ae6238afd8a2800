//! Moves the credentials from older vault keys to the one that seals.
//!
//! Only data keys are sealed anew; the secrets stay as they are. Each row is written only if it still
//! is as it was read, so whoever connects at the same time loses nothing, and whoever stops half-way
//! goes on where it stopped: what was moved already is not looked at again.

use leadrail_engine::Access;
use uuid::Uuid;

use crate::oauth;
use crate::rows::{self, Sealing, StoredConnection};
use crate::vault::Envelope;
use crate::{ConnectionError, ConnectionResult, Connections};

/// Connections that are moved in one statement.
const AT_A_TIME: i64 = 500;

/// How much one vault key seals.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SealedWith {
    /// The key's [id](crate::VaultKey::id).
    pub vault_key_id: String,
    /// How many connections it seals.
    pub connections: i64,
    /// How many of our own clients with providers it seals.
    pub clients: i64,
}

/// What a rotation did to connections and to our own clients with providers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rotated {
    /// How many are sealed with the new key now.
    pub moved: u64,
    /// How many are sealed with a key that we were not given; they stay as they are.
    pub left: u64,
}

/// How much each vault key seals, the most connections first. Needs no vault key.
///
/// # Errors
/// [`ConnectionError::Database`].
pub async fn sealed_with(db: &Access) -> ConnectionResult<Vec<SealedWith>> {
    let mut sealed = rows::sealed_with(db).await?;
    for (vault_key_id, clients) in oauth::sealed_clients(db).await? {
        match sealed
            .iter_mut()
            .find(|one| one.vault_key_id == vault_key_id)
        {
            Some(one) => one.clients = clients,
            None => sealed.push(SealedWith {
                vault_key_id,
                connections: 0,
                clients,
            }),
        }
    }
    Ok(sealed)
}

impl Connections {
    /// Seals every data key that an older key of the vault seals with its current one. May run while
    /// leads flow, from several processes at once, and again at any time. `progress` is told how many are
    /// moved so far.
    ///
    /// # Errors
    /// [`ConnectionError::Database`]; `Vault` for a row that was changed by hand, before which all are
    /// moved.
    pub async fn rotate(&self, mut progress: impl FnMut(u64)) -> ConnectionResult<Rotated> {
        let (db, vault) = (self.access(), self.vault());
        let (older, mut after) = (vault.ids().split_off(1), Uuid::nil());
        let mut moved = oauth::move_clients(db, vault, &older).await?;
        loop {
            let page = rows::sealed_under(db, &older, after, AT_A_TIME).await?;
            let Some(last) = page.last() else { break };
            after = last.connection.id.0;
            let next: Vec<_> = page
                .iter()
                .map(|stored| self.rewrapped(stored))
                .collect::<ConnectionResult<_>>()?;
            moved += rows::reseal(db, &page, &next).await?;
            progress(moved);
        }
        self.forget();
        let left = sealed_with(db).await?.into_iter();
        let left = left.filter(|sealed| !vault.ids().contains(&sealed.vault_key_id));
        let left = left
            .map(|sealed| sealed.connections + sealed.clients)
            .sum::<i64>();
        Ok(Rotated {
            moved,
            left: u64::try_from(left).unwrap_or(0),
        })
    }

    fn rewrapped(&self, stored: &StoredConnection) -> ConnectionResult<Envelope> {
        let id = stored.connection.id;
        let sealing = Sealing::of(&stored.connection);
        let next = sealing.place(|place| self.vault().rewrap(place, &stored.envelope));
        next.map_err(ConnectionError::vault(id))
    }
}
