//! The credential vault: envelope encryption with XChaCha20-Poly1305.
//!
//! A secret is sealed under a random data key made for it alone; the data key is sealed under the
//! [`VaultKey`], which lives in the environment or a file and never in the database. Both seals are
//! bound to the exact [`Place`] they were made for and to the key they were made with, so a value
//! copied to another account, connection, field or table does not open there, nor does one beside
//! which somebody wrote another address. Changing the vault key re-seals data keys only
//! ([`VaultKey::rewrap`]); the secrets stay as they are. Meanwhile a [`Vault`] opens with both.

mod envelope;
mod error;
mod key;
mod key_file;
mod ring;

pub use envelope::{Envelope, Place};
pub use error::VaultError;
pub use key::VaultKey;
pub use ring::Vault;

/// So many random bytes of the operating system's.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    key::fill_random(&mut bytes)?;
    Ok(bytes)
}
