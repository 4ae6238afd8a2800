//! How a key is written: `lr_live_` or `lr_test_`, 43 random characters, and six that check them.
//!
//! The prefix and the check let secret scanners find a key that was published, and let us refuse what
//! is none without asking the database.

use super::KeyMode;
use rand::RngExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// Of both kinds of keys, equally long.
const LIVE: &str = "lr_live_";
const TEST: &str = "lr_test_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 43 characters of 62 have 256 bits.
const RANDOM: usize = 43;
const CHECK: usize = 6;
/// Characters of a key that lists show, besides the prefix.
const SHOWN: usize = 8;

/// An API key, whole. It is never printed but where its maker asks for it.
pub(super) struct KeySecret(SecretString);

impl KeySecret {
    /// A new one.
    pub(super) fn random(mode: KeyMode) -> Self {
        let mut random = rand::rng();
        let mut one = || char::from(ALPHABET[random.random_range(0..ALPHABET.len())]);
        let body: String = (0..RANDOM).map(|_| one()).collect();
        let prefix = match mode {
            KeyMode::Live => LIVE,
            KeyMode::Test => TEST,
        };
        Self(format!("{prefix}{body}{}", check(&body)).into())
    }

    /// The key that stands here, if one does.
    pub(super) fn read(text: &str) -> Option<Self> {
        let rest = text
            .strip_prefix(LIVE)
            .or_else(|| text.strip_prefix(TEST))?;
        let fits = rest.len() == RANDOM + CHECK && rest.is_ascii();
        let (body, given) = fits.then(|| rest.split_at(RANDOM))?;
        (check(body) == given).then(|| Self(text.to_owned().into()))
    }

    /// What the database knows it by.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret()).into()
    }

    /// How it begins.
    pub(super) fn shown(&self) -> String {
        self.0.expose_secret()[..LIVE.len() + SHOWN].to_owned()
    }

    /// For whoever may see it once.
    pub(super) fn into_inner(self) -> SecretString {
        self.0
    }
}

/// Six characters that follow from the others.
fn check(body: &str) -> String {
    let digest = Sha256::digest(body);
    let mut number = digest
        .iter()
        .take(8)
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let digits = (0..CHECK).map(|_| {
        let digit = number % ALPHABET.len() as u64;
        number /= ALPHABET.len() as u64;
        char::from(ALPHABET[digit as usize])
    });
    digits.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_a_mistyped_one_does_not() {
        for (mode, prefix) in [(KeyMode::Live, LIVE), (KeyMode::Test, TEST)] {
            let key = KeySecret::random(mode);
            let text = key.0.expose_secret().to_owned();
            assert_eq!(text.len(), prefix.len() + RANDOM + CHECK);
            assert!(text.starts_with(prefix) && text.starts_with(&key.shown()));
            assert_eq!(KeySecret::read(&text).expect("a key").hash(), key.hash());
            for at in 0..text.len() {
                let mut typed = text.clone().into_bytes();
                typed[at] = if typed[at] == b'x' { b'y' } else { b'x' };
                let typed = String::from_utf8(typed).expect("ASCII");
                assert!(KeySecret::read(&typed).is_none(), "{at}");
            }
        }
        let key = KeySecret::random(KeyMode::Test);
        let text = key.0.expose_secret().to_owned();
        let dressed = KeySecret::read(&text.replace(TEST, LIVE)).expect("written like a key");
        assert_ne!(dressed.hash(), key.hash(), "nobody makes a test key live");
        for text in ["", "lr_live_", &text[1..], &format!("{text}0"), "lr_live_ä"] {
            assert!(KeySecret::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn no_two_keys_are_the_same() {
        let keys: std::collections::HashSet<_> = (0..1_000)
            .map(|_| KeySecret::random(KeyMode::Live).hash())
            .collect();
        assert_eq!(keys.len(), 1_000);
    }
}
