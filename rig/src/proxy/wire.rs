//! PostgreSQL's messages: a letter, a length, and what it says.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The letter and the length.
const HEAD: usize = 5;
/// No message of ours is longer; whatever claims to be is not one.
const LONGEST: usize = 64 << 20;

/// One message, as it came.
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
}

impl Message {
    /// Reads the next one.
    ///
    /// # Errors
    /// When the other side has closed, or says what is no message.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut bytes = vec![0; HEAD];
        from.read_exact(&mut bytes).await?;
        let length = be_u32(&bytes[1..]);
        if !(HEAD - 1..=LONGEST).contains(&length) {
            return Err(no_message());
        }
        bytes.resize(length + 1, 0);
        from.read_exact(&mut bytes[HEAD..]).await?;
        Ok(Self { bytes })
    }

    /// Its letter, which means one thing from a client and another from the server.
    pub(super) fn kind(&self) -> u8 {
        self.bytes[0]
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[HEAD..]
    }

    /// The texts that it begins with, each ended by a zero.
    pub(super) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.body().split(|byte| *byte == 0)
    }
}

/// What a client says first; it has no letter.
pub(super) enum Hello {
    /// It asks for an encryption that this server does not have.
    Encrypted,
    /// Anything else, as it came.
    Plain(Vec<u8>),
}

impl Hello {
    /// Reads it.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        const SSL: usize = 80_877_103;
        const GSS: usize = 80_877_104;
        let mut bytes = vec![0; 8];
        from.read_exact(&mut bytes).await?;
        let (length, code) = (be_u32(&bytes), be_u32(&bytes[4..]));
        if code == SSL || code == GSS {
            return Ok(Self::Encrypted);
        }
        if !(8..=LONGEST).contains(&length) {
            return Err(no_message());
        }
        bytes.resize(length, 0);
        from.read_exact(&mut bytes[8..]).await?;
        Ok(Self::Plain(bytes))
    }
}

/// Whether this is said somewhere in it.
pub(super) fn says(bytes: &[u8], words: &str) -> bool {
    bytes
        .windows(words.len())
        .any(|window| window == words.as_bytes())
}

fn be_u32(bytes: &[u8]) -> usize {
    bytes[..4]
        .iter()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn no_message() -> io::Error {
    io::Error::other("this is no message of PostgreSQL's")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_read_one_by_one_however_they_arrive() {
        let mut from: &[u8] = b"Z\0\0\0\x05IP\0\0\0\x0as\0ask\0rest";
        let ready = Message::read(&mut from).await.unwrap();
        assert_eq!((ready.kind(), ready.body()), (b'Z', &b"I"[..]));
        let parse = Message::read(&mut from).await.unwrap();
        assert_eq!(
            parse.texts().take(2).collect::<Vec<_>>(),
            [&b"s"[..], b"ask"]
        );
        assert!(Message::read(&mut from).await.is_err());
    }

    #[tokio::test]
    async fn a_wish_for_encryption_is_known() {
        let mut from: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
        let hello = Hello::read(&mut from).await.unwrap();
        assert!(matches!(hello, Hello::Encrypted));
    }
}
