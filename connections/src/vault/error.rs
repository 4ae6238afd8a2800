//! Why the vault refuses. Nothing here ever holds a key or a secret.

use std::{io, path::PathBuf};

/// What is wrong with a vault key or a sealed value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Not a key as text: give a proper one.
    #[error(
        "the vault key must be 32 bytes, written as 64 hex digits or as base64; \
         `openssl rand -hex 32` makes one"
    )]
    NotAKey,
    /// A placeholder, not a key: every byte is the same.
    #[error(
        "the vault key is a placeholder, every byte of it is the same; `openssl rand -hex 32` makes a real one"
    )]
    Placeholder,
    /// The key file cannot be read or written.
    #[error("the vault key file {} is not usable", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Something else than a small regular file stands at the path.
    #[error("{} is not a vault key file: it must be a regular file of at most 1 KiB", path.display())]
    NotAKeyFile {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner and group may read the key file, or others than its owner write it.
    #[error(
        "the vault key file {} is open to others (mode {mode:03o}); run `chmod 600` on it",
        path.display()
    )]
    FileOpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key would be overwritten, and with it every credential sealed under it.
    #[error("{} exists already; a vault key is never overwritten", path.display())]
    FileExists {
        /// The file.
        path: PathBuf,
    },
    /// The value was sealed under another vault key: start with that one.
    #[error("vault key mismatch: sealed with {sealed}, have {have}")]
    KeyMismatch {
        /// The fingerprint stored beside the value.
        sealed: String,
        /// The fingerprint of the key we were given.
        have: String,
    },
    /// The value does not belong here or was changed: connect again.
    #[error("the sealed value was changed, or was sealed for another place")]
    DoesNotOpen,
    /// The operating system gave no random bytes: nothing can be sealed.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}
