//! Sealing a secret into an envelope and opening it again.

use std::fmt;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};
use uuid::Uuid;

use super::{
    VaultError, VaultKey,
    key::{Key, fill_random},
};

/// The first byte of every sealed value, so that another format can follow one day.
const FORMAT: u8 = 1;

/// Bytes in a nonce of XChaCha20-Poly1305: long enough to be drawn at random.
const NONCE_BYTES: usize = 24;

/// Where a secret is kept. It opens at this place only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table, such as `connection`.
    pub table: &'a str,
    /// The account that owns the row.
    pub account: &'a str,
    /// The row.
    pub row: Uuid,
    /// The column, such as `secret`.
    pub field: &'a str,
    /// What else the row says of where the secret goes and which one it is: written otherwise, it
    /// does not open.
    pub terms: &'a [&'a str],
}

/// A sealed secret as it is stored: three columns of a row.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The [id](VaultKey::id) of the vault key that seals the data key.
    pub vault_key_id: String,
    /// The data key, sealed under the vault key: format byte, nonce, ciphertext, tag.
    pub sealed_data_key: Vec<u8>,
    /// The secret, sealed under the data key, in the same layout.
    pub sealed_secret: Vec<u8>,
}

/// The vault key's id only: ciphertext in a log helps nobody but an attacker.
impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envelope(sealed with {})", self.vault_key_id)
    }
}

impl VaultKey {
    /// Seals `secret` for `place` under a data key of its own.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn seal(&self, place: Place<'_>, secret: &SecretString) -> Result<Envelope, VaultError> {
        let data_key = Key::generate()?;
        Ok(Envelope {
            vault_key_id: self.id(),
            sealed_data_key: self.wrap(place, &data_key)?,
            sealed_secret: seal_with(
                &data_key,
                &secret_binding(place, &data_key),
                secret.expose_secret().as_bytes(),
            )?,
        })
    }

    /// Opens an envelope that was sealed for `place`.
    ///
    /// # Errors
    /// [`VaultError::KeyMismatch`] if another vault key sealed it, [`VaultError::DoesNotOpen`] if it
    /// was changed or sealed for another place.
    pub fn open(&self, place: Place<'_>, envelope: &Envelope) -> Result<SecretString, VaultError> {
        let data_key = self.unwrap_data_key(place, envelope)?;
        let binding = secret_binding(place, &data_key);
        let secret = open_with(&data_key, &binding, &envelope.sealed_secret)?;
        let secret = std::str::from_utf8(&secret).map_err(|_| VaultError::DoesNotOpen)?;
        Ok(SecretString::from(secret))
    }

    /// Moves an envelope from this vault key to `next`; the sealed secret stays as it is.
    ///
    /// # Errors
    /// As [`VaultKey::open`] and [`VaultKey::seal`].
    pub fn rewrap(
        &self,
        next: &VaultKey,
        place: Place<'_>,
        envelope: &Envelope,
    ) -> Result<Envelope, VaultError> {
        let data_key = self.unwrap_data_key(place, envelope)?;
        Ok(Envelope {
            vault_key_id: next.id(),
            sealed_data_key: next.wrap(place, &data_key)?,
            sealed_secret: envelope.sealed_secret.clone(),
        })
    }

    fn wrap(&self, place: Place<'_>, data_key: &Key) -> Result<Vec<u8>, VaultError> {
        seal_with(
            self.key(),
            &binding("data key", place, &self.id()),
            data_key.bytes(),
        )
    }

    fn unwrap_data_key(&self, place: Place<'_>, envelope: &Envelope) -> Result<Key, VaultError> {
        let have = self.id();
        if envelope.vault_key_id != have {
            let sealed = envelope.vault_key_id.clone();
            return Err(VaultError::KeyMismatch { sealed, have });
        }
        let binding = binding("data key", place, &have);
        let bytes = open_with(self.key(), &binding, &envelope.sealed_data_key)?;
        Key::from_slice(&bytes).ok_or(VaultError::DoesNotOpen)
    }
}

fn secret_binding(place: Place<'_>, data_key: &Key) -> Vec<u8> {
    binding("secret", place, &data_key.fingerprint())
}

/// What a sealed value is bound to. Each part carries its length, so that no two places are alike.
fn binding(purpose: &str, place: Place<'_>, key_id: &str) -> Vec<u8> {
    let parts = [
        b"leadrail vault".as_slice(),
        purpose.as_bytes(),
        place.table.as_bytes(),
        place.account.as_bytes(),
        place.row.as_bytes(),
        place.field.as_bytes(),
        key_id.as_bytes(),
    ];
    let terms = place.terms.iter().map(|term| term.as_bytes());
    let mut bound = vec![FORMAT];
    for part in parts.into_iter().chain(terms) {
        bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bound.extend_from_slice(part);
    }
    bound
}

fn seal_with(key: &Key, aad: &[u8], msg: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut nonce = [0; NONCE_BYTES];
    fill_random(&mut nonce)?;
    let ciphertext = XChaCha20Poly1305::new(key.bytes().into())
        .encrypt(&XNonce::from(nonce), Payload { msg, aad })
        .expect("a secret is far below the cipher's limit of 256 GiB");
    let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + ciphertext.len());
    sealed.push(FORMAT);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&ciphertext);
    Ok(sealed)
}

fn open_with(key: &Key, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let sealed = sealed
        .strip_prefix(&[FORMAT])
        .ok_or(VaultError::DoesNotOpen)?;
    let (nonce, msg) = sealed
        .split_first_chunk::<NONCE_BYTES>()
        .ok_or(VaultError::DoesNotOpen)?;
    XChaCha20Poly1305::new(key.bytes().into())
        .decrypt(&XNonce::from(*nonce), Payload { msg, aad })
        .map(Zeroizing::new)
        .map_err(|_| VaultError::DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret, SecretString};
    use uuid::Uuid;

    use super::{Envelope, Place, VaultKey};
    use crate::VaultError;

    const CANARY: &str = "hcp_live_canary_7f3a";
    const ROW: Uuid = Uuid::from_u128(1);
    const PLACE: Place<'_> = Place {
        table: "connection",
        account: "acct_1",
        row: ROW,
        field: "secret",
        terms: &["https://crm.example", "api_key"],
    };

    fn key() -> VaultKey {
        VaultKey::generate().expect("random bytes")
    }

    fn sealed(key: &VaultKey) -> Envelope {
        key.seal(PLACE, &SecretString::from(CANARY))
            .expect("sealed")
    }

    fn opens_to_canary(key: &VaultKey, envelope: &Envelope) -> bool {
        let secret = key.open(PLACE, envelope);
        secret.is_ok_and(|secret| secret.expose_secret() == CANARY)
    }

    #[test]
    fn a_sealed_secret_opens_where_it_was_sealed() {
        let key = key();
        assert!(opens_to_canary(&key, &sealed(&key)));
        for text in ["", "é水\n", &"x".repeat(100_000)] {
            let envelope = key.seal(PLACE, &SecretString::from(text)).expect("sealed");
            let opened = key.open(PLACE, &envelope).expect("opened");
            assert_eq!(opened.expose_secret(), text);
        }
    }

    #[test]
    fn a_sealed_secret_copied_elsewhere_does_not_open() {
        let key = key();
        let envelope = sealed(&key);
        let elsewhere = [
            Place {
                account: "acct_2",
                ..PLACE
            },
            Place {
                account: "",
                ..PLACE
            },
            Place {
                row: Uuid::from_u128(2),
                ..PLACE
            },
            Place {
                field: "refresh_token",
                ..PLACE
            },
            Place {
                table: "hook",
                ..PLACE
            },
            Place {
                terms: &["https://crm.example"],
                ..PLACE
            },
            Place {
                terms: &["https://crm.examplea", "pi_key"],
                ..PLACE
            },
            // The same letters, cut at another place.
            Place {
                table: "connectiona",
                account: "cct_1",
                ..PLACE
            },
        ];
        for place in elsewhere {
            let error = key.open(place, &envelope).expect_err("another place");
            assert!(
                matches!(error, VaultError::DoesNotOpen),
                "{place:?}: {error}"
            );
        }
    }

    #[test]
    fn a_secret_does_not_open_under_the_data_key_of_another() {
        let key = key();
        let (first, second) = (sealed(&key), sealed(&key));
        let mixed = Envelope {
            sealed_data_key: second.sealed_data_key,
            ..first
        };
        assert!(matches!(
            key.open(PLACE, &mixed),
            Err(VaultError::DoesNotOpen)
        ));
    }

    #[test]
    fn the_wrong_vault_key_is_named_with_the_right_one() {
        let (right, wrong) = (key(), key());
        let envelope = sealed(&right);
        let error = wrong.open(PLACE, &envelope).expect_err("wrong key");
        let expected = format!(
            "vault key mismatch: sealed with {}, have {}",
            right.id(),
            wrong.id()
        );
        assert_eq!(error.to_string(), expected);
        // Claiming another key's id does not make it that key.
        let forged = Envelope {
            vault_key_id: wrong.id(),
            ..envelope
        };
        assert!(matches!(
            wrong.open(PLACE, &forged),
            Err(VaultError::DoesNotOpen)
        ));
    }

    #[test]
    fn any_changed_or_missing_byte_is_noticed() {
        let key = key();
        let envelope = sealed(&key);
        for at in 0..envelope.sealed_data_key.len() {
            let mut changed = envelope.clone();
            changed.sealed_data_key[at] ^= 1;
            assert!(
                matches!(key.open(PLACE, &changed), Err(VaultError::DoesNotOpen)),
                "{at}"
            );
            changed.sealed_data_key.truncate(at);
            assert!(
                matches!(key.open(PLACE, &changed), Err(VaultError::DoesNotOpen)),
                "{at}"
            );
        }
        for at in 0..envelope.sealed_secret.len() {
            let mut changed = envelope.clone();
            changed.sealed_secret[at] ^= 0x80;
            assert!(
                matches!(key.open(PLACE, &changed), Err(VaultError::DoesNotOpen)),
                "{at}"
            );
            changed.sealed_secret.truncate(at);
            assert!(
                matches!(key.open(PLACE, &changed), Err(VaultError::DoesNotOpen)),
                "{at}"
            );
        }
    }

    #[test]
    fn the_same_secret_never_looks_the_same_twice() {
        let key = key();
        let (first, second) = (sealed(&key), sealed(&key));
        assert_ne!(first.sealed_data_key, second.sealed_data_key);
        assert_ne!(first.sealed_secret, second.sealed_secret);
    }

    #[test]
    fn a_rewrapped_secret_opens_under_the_next_key_only() {
        let (old, next) = (key(), key());
        let before = sealed(&old);
        let after = old.rewrap(&next, PLACE, &before).expect("rewrapped");
        assert_eq!(after.sealed_secret, before.sealed_secret);
        assert!(opens_to_canary(&next, &after));
        assert!(matches!(
            old.open(PLACE, &after),
            Err(VaultError::KeyMismatch { .. })
        ));
        let elsewhere = Place {
            account: "acct_2",
            ..PLACE
        };
        assert!(old.rewrap(&next, elsewhere, &before).is_err());
    }

    #[test]
    fn an_envelope_shows_nothing_of_its_content() {
        let key = key();
        let envelope = sealed(&key);
        assert_eq!(
            format!("{envelope:?}"),
            format!("Envelope(sealed with {})", key.id())
        );
        let stored = [envelope.sealed_data_key, envelope.sealed_secret].concat();
        assert!(
            !stored
                .windows(4)
                .any(|part| CANARY.as_bytes().windows(4).any(|c| c == part))
        );
    }
}
