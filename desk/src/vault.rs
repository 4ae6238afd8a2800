//! Whether the vault key that we were given is the one that sealed what is there.

use crate::desk::Desk;
use crate::error::{DeskError, DeskResult};
use leadrail_connections::{ConnectionError, VaultError};

impl Desk {
    /// Refuses a vault key that does not open the connections that are there: whoever starts with it
    /// could not file their leads, and would seal new ones so that nobody else can.
    ///
    /// # Errors
    /// [`DeskError::OtherVaultKey`]; when the database cannot be read; without a vault key.
    pub async fn check_vault_key(&self) -> DeskResult<()> {
        match self.connections()?.check_vault_key().await {
            Err(ConnectionError::Vault {
                source: VaultError::KeyMismatch { sealed, have },
                ..
            }) => Err(DeskError::OtherVaultKey { sealed, have }),
            checked => Ok(checked?),
        }
    }
}
