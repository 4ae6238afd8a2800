//! The keys of a vault: the one that seals, and those that still open what was sealed before it.

use secrecy::SecretString;

use super::{Envelope, Place, VaultError, VaultKey};

/// A vault key, and the older ones whose envelopes still open while the credentials move to the new
/// one.
#[derive(Debug)]
pub struct Vault {
    current: VaultKey,
    older: Vec<VaultKey>,
}

impl From<VaultKey> for Vault {
    fn from(current: VaultKey) -> Self {
        Self {
            current,
            older: vec![],
        }
    }
}

impl Vault {
    /// Opens what this older key sealed, too.
    #[must_use]
    pub fn with_older(mut self, key: VaultKey) -> Self {
        self.older.push(key);
        self
    }

    /// The [id](VaultKey::id) of the key that seals.
    #[must_use]
    pub fn id(&self) -> String {
        self.current.id()
    }

    /// The ids of all keys that open, the sealing one first.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.keys().map(VaultKey::id).collect()
    }

    /// Seals under the current key.
    ///
    /// # Errors
    /// As [`VaultKey::seal`].
    pub fn seal(&self, place: Place<'_>, secret: &SecretString) -> Result<Envelope, VaultError> {
        self.current.seal(place, secret)
    }

    /// Opens with the key that the envelope names.
    ///
    /// # Errors
    /// As [`VaultKey::open`]; none of our keys is told as a mismatch with the current one.
    pub fn open(&self, place: Place<'_>, envelope: &Envelope) -> Result<SecretString, VaultError> {
        let named = self.keys().find(|key| key.id() == envelope.vault_key_id);
        named.unwrap_or(&self.current).open(place, envelope)
    }

    /// Seals an envelope's data key with the current key; the sealed secret stays as it is.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn rewrap(&self, place: Place<'_>, envelope: &Envelope) -> Result<Envelope, VaultError> {
        let named = self.keys().find(|key| key.id() == envelope.vault_key_id);
        let named = named.unwrap_or(&self.current);
        named.rewrap(&self.current, place, envelope)
    }

    fn keys(&self) -> impl Iterator<Item = &VaultKey> {
        std::iter::once(&self.current).chain(&self.older)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use uuid::Uuid;

    use super::*;

    const PLACE: Place<'_> = Place {
        table: "connection",
        account: "acct_1",
        row: Uuid::from_u128(1),
        field: "secret",
        terms: &[],
    };

    #[test]
    fn an_older_key_still_opens_and_seals_nothing_more() {
        let (old, new) = (VaultKey::generate().unwrap(), VaultKey::generate().unwrap());
        let (old_id, new_id) = (old.id(), new.id());
        let before = old.seal(PLACE, &SecretString::from("canary")).unwrap();
        let alone = Vault::from(VaultKey::generate().unwrap());
        assert!(matches!(
            alone.open(PLACE, &before),
            Err(VaultError::KeyMismatch { .. })
        ));
        let vault = Vault::from(new).with_older(old);
        assert_eq!(vault.ids(), [new_id.clone(), old_id]);
        assert_eq!(
            vault.open(PLACE, &before).unwrap().expose_secret(),
            "canary"
        );
        let after = vault.seal(PLACE, &SecretString::from("canary")).unwrap();
        assert_eq!((&after.vault_key_id, vault.id()), (&new_id, new_id.clone()));
        let moved = vault.rewrap(PLACE, &before).unwrap();
        assert_eq!(moved.vault_key_id, new_id);
        assert_eq!(moved.sealed_secret, before.sealed_secret);
        assert_eq!(vault.open(PLACE, &moved).unwrap().expose_secret(), "canary");
    }
}
