//! The vault key: 32 random bytes, from text or the environment.

use std::{ffi::OsString, fmt};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use rand::{TryRng, rngs::SysRng};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, zeroize::Zeroizing};
use sha2::{Digest, Sha256};

use super::VaultError;

/// Bytes in a key of XChaCha20-Poly1305.
pub(super) const KEY_BYTES: usize = 32;

/// The key-encryption key: whoever has it and the database has every credential.
///
/// Wiped from memory when dropped; prints as its [id](VaultKey::id) only.
pub struct VaultKey(Key);

impl VaultKey {
    /// The environment variable that carries the key.
    pub const ENVIRONMENT_VARIABLE: &'static str = "LEADRAIL_VAULT_KEY";

    /// Makes a new random key.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn generate() -> Result<Self, VaultError> {
        Key::generate().map(Self)
    }

    /// Reads a key written as 64 hex digits or as base64 (either alphabet, padded or not).
    ///
    /// # Errors
    /// [`VaultError::NotAKey`] or [`VaultError::Placeholder`]; neither repeats the text.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let text = text.trim_ascii();
        let mut key = SecretBox::<[u8; KEY_BYTES]>::default();
        let bytes = key.expose_secret_mut();
        decode_hex(text, bytes)
            .or_else(|| decode_base64(text, bytes))
            .ok_or(VaultError::NotAKey)?;
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(VaultError::Placeholder);
        }
        Ok(Self(Key(key)))
    }

    /// Reads the key from `LEADRAIL_VAULT_KEY`; `None` where that is unset or empty.
    ///
    /// # Errors
    /// As [`VaultKey::parse`].
    pub fn from_env() -> Result<Option<Self>, VaultError> {
        Self::from_variable(std::env::var_os(Self::ENVIRONMENT_VARIABLE))
    }

    fn from_variable(value: Option<OsString>) -> Result<Option<Self>, VaultError> {
        let Some(text) = value else {
            return Ok(None);
        };
        let text = Zeroizing::new(text.into_string().map_err(|_| VaultError::NotAKey)?);
        if text.trim_ascii().is_empty() {
            return Ok(None);
        }
        Self::parse(&text).map(Some)
    }

    /// A short fingerprint, such as `k-3f9a01c2`, that tells keys apart and says nothing about them.
    pub fn id(&self) -> String {
        format!("k-{}", self.0.fingerprint())
    }

    pub(super) fn key(&self) -> &Key {
        &self.0
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VaultKey({})", self.id())
    }
}

/// Any key of the vault: the vault key itself or a data key.
pub(super) struct Key(SecretBox<[u8; KEY_BYTES]>);

impl Key {
    pub(super) fn generate() -> Result<Self, VaultError> {
        let mut key = SecretBox::<[u8; KEY_BYTES]>::default();
        fill_random(key.expose_secret_mut())?;
        Ok(Self(key))
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = SecretBox::<[u8; KEY_BYTES]>::default();
        if bytes.len() != KEY_BYTES {
            return None;
        }
        key.expose_secret_mut().copy_from_slice(bytes);
        Some(Self(key))
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.expose_secret()
    }

    /// The first 32 bits of a hash of the key.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new_with_prefix(b"leadrail key fingerprint\0");
        hash.update(self.bytes());
        let hash = hash.finalize();
        format!(
            "{:02x}{:02x}{:02x}{:02x}",
            hash[0], hash[1], hash[2], hash[3]
        )
    }
}

/// Fills `bytes` from the operating system's generator.
pub(super) fn fill_random(bytes: &mut [u8]) -> Result<(), VaultError> {
    SysRng
        .try_fill_bytes(bytes)
        .map_err(|_| VaultError::NoRandomness)
}

fn decode_hex(text: &str, key: &mut [u8; KEY_BYTES]) -> Option<()> {
    let digits = text.as_bytes();
    if digits.len() != 2 * KEY_BYTES {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(())
}

fn decode_base64(text: &str, key: &mut [u8; KEY_BYTES]) -> Option<()> {
    let letters = if text.contains(['-', '_']) {
        &alphabet::URL_SAFE
    } else {
        &alphabet::STANDARD
    };
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    // Room for a little more than a key: longer text is refused for want of it.
    let mut room = Zeroizing::new([0; KEY_BYTES + 4]);
    let length = GeneralPurpose::new(letters, config)
        .decode_slice(text, room.as_mut())
        .ok()?;
    if length != KEY_BYTES {
        return None;
    }
    key.copy_from_slice(&room[..KEY_BYTES]);
    Some(())
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};

    use base64::{
        Engine,
        engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
    };

    use super::{Key, VaultError, VaultKey};

    /// Bytes whose base64 has `+` and `/` in it, so that the alphabets differ.
    const BYTES: [u8; 32] = [
        0xfb, 0xef, 0xbe, 0xff, 0xff, 0xff, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
        21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    ];

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn parsed(text: &str) -> Option<[u8; 32]> {
        VaultKey::parse(text).ok().map(|key| *key.0.bytes())
    }

    #[test]
    fn hex_and_every_base64_give_the_same_key() {
        let texts = [
            hex(&BYTES),
            hex(&BYTES).to_uppercase(),
            STANDARD.encode(BYTES),
            STANDARD_NO_PAD.encode(BYTES),
            URL_SAFE.encode(BYTES),
            URL_SAFE_NO_PAD.encode(BYTES),
            format!("  {}\r\n", hex(&BYTES)),
        ];
        for text in texts {
            assert_eq!(parsed(&text), Some(BYTES), "{text}");
        }
    }

    #[test]
    fn what_is_not_32_bytes_is_refused_and_never_repeated() {
        let texts = [
            String::new(),
            "canary".into(),
            hex(&BYTES[..31]),
            hex(&BYTES) + "00",
            "g".repeat(64),
            STANDARD.encode(&BYTES[..31]),
            STANDARD.encode([&BYTES[..], &[1]].concat()),
            STANDARD.encode([&BYTES[..], &[1; 4]].concat()),
            format!("{} {}", &hex(&BYTES)[..32], &hex(&BYTES)[32..]),
            "canary".repeat(100_000),
            "ключ".repeat(8),
        ];
        for text in texts {
            let error = VaultKey::parse(&text).expect_err("not a key");
            assert!(matches!(error, VaultError::NotAKey), "{error}");
            let shown = format!("{error} {error:?}");
            assert!(text.is_empty() || !shown.contains(&text), "{shown}");
        }
    }

    #[test]
    fn a_placeholder_is_not_taken_for_a_key() {
        for byte in [0, 0x41, 0xff] {
            let error = VaultKey::parse(&hex(&[byte; 32])).expect_err("a placeholder");
            assert!(matches!(error, VaultError::Placeholder), "{error}");
        }
    }

    #[test]
    fn the_environment_may_leave_the_key_out_but_not_garble_it() {
        let read = |value: Option<&[u8]>| {
            VaultKey::from_variable(value.map(|bytes| OsString::from_vec(bytes.to_vec())))
        };
        assert!(matches!(read(None), Ok(None)));
        assert!(matches!(read(Some(b" ")), Ok(None)));
        assert!(matches!(read(Some(hex(&BYTES).as_bytes())), Ok(Some(_))));
        assert!(matches!(read(Some(b"changeme")), Err(VaultError::NotAKey)));
        assert!(matches!(read(Some(b"\xff\xfe")), Err(VaultError::NotAKey)));
    }

    #[test]
    fn a_key_prints_as_its_fingerprint_only() {
        let key = Key::from_slice(&BYTES).map(VaultKey).expect("32 bytes");
        assert_eq!(format!("{key:?}"), format!("VaultKey({})", key.id()));
        assert_eq!(key.id().len(), "k-00000000".len());
        let other = VaultKey::generate().expect("random bytes");
        assert_ne!(key.id(), other.id());
    }
}
