//! The vault keys: whether those that we were given open what is there, and moving from one to the next.

use crate::actor::{Action, Actor};
use crate::audit::Change;
use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_connections::{ConnectionError, Rotated, SealedWith, VaultError, sealed_with};
use leadrail_engine::Sees;
use serde::Serialize;
use serde_json::json;

impl Desk {
    /// Refuses a vault key that does not open the connections that are there: whoever starts with it
    /// could not file their leads, and would seal new ones so that nobody else can.
    ///
    /// # Errors
    /// [`DeskError::OtherVaultKey`]; when the database cannot be read; without a vault key.
    pub async fn check_vault_key(&self) -> DeskResult<()> {
        // Whoever connects one account seals for all of them.
        let all = self.seeing(Sees::All);
        match all.connections()?.check_vault_key().await {
            Err(
                ConnectionError::Vault {
                    source: VaultError::KeyMismatch { sealed, have },
                    ..
                }
                | ConnectionError::ClientVault {
                    source: VaultError::KeyMismatch { sealed, have },
                    ..
                },
            ) => Err(DeskError::OtherVaultKey { sealed, have }),
            checked => Ok(checked?),
        }
    }
}

/// The vault's keys, by what they seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VaultStatus {
    /// The key that seals.
    pub current: String,
    /// The older keys that were given, which still open.
    pub older: Vec<String>,
    /// How much each key seals that anything is sealed with, the most connections first.
    pub sealed: Vec<SealedWith>,
}

impl VaultStatus {
    /// How many connections and clients are sealed with a key that was not given.
    #[must_use]
    pub fn locked(&self) -> i64 {
        let given = |id: &String| *id == self.current || self.older.contains(id);
        let locked = self.sealed.iter().filter(|one| !given(&one.vault_key_id));
        locked.map(|one| one.connections + one.clients).sum()
    }
}

impl Desk {
    /// Which vault keys were given, and what they seal.
    ///
    /// # Errors
    /// When the database cannot be read; without a vault key.
    pub async fn vault_status(&self) -> DeskResult<VaultStatus> {
        let mut ids = self.connections()?.vault_keys();
        let current = ids.remove(0);
        Ok(VaultStatus {
            current,
            older: ids,
            sealed: sealed_with(self.engine().access()).await?,
        })
    }

    /// Moves every credential from the older vault key to the current one, while leads flow. May be
    /// stopped and begun again at any time. `progress` is told how many are moved so far.
    ///
    /// # Errors
    /// When the database cannot be written, or a row was changed by hand; without a vault key.
    pub async fn rotate_vault(
        &self,
        who: &Actor,
        progress: impl FnMut(u64),
    ) -> DeskResult<Rotated> {
        let before = self.vault_status().await?.sealed;
        let rotated = self.connections()?.rotate(progress).await?;
        let after = self.vault_status().await?.sealed;
        let change = Change::between(json!(before), json!(after));
        self.note_change(who, Action::VaultRotate, (&"vault", &rotated.moved), change)
            .await;
        Ok(rotated)
    }
}
