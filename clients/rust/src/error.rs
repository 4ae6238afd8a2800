//! Why a call did not end well.

use crate::Problem;

/// Why a call did not end well, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none.
    #[error("{address} is not the address of an API: give one such as https://leads.example.com")]
    Address {
        /// What was given.
        address: String,
    },
    /// The key cannot be sent in a header.
    #[error("the API key has characters that a key does not have; copy it again")]
    Key,
    /// No HTTP client can be made on this machine.
    #[error("no HTTP client can be made: no usable TLS root certificates?")]
    Setup(#[source] reqwest::Error),
    /// A lead cannot be written as JSON.
    #[error("the lead cannot be written as JSON")]
    Payload(#[from] serde_json::Error),
    /// More leads than a batch has.
    #[error("a batch has at most {most} leads: hand over several")]
    TooMany {
        /// How many.
        most: usize,
    },
    /// The API refused, and will refuse the same again.
    #[error("{}: {}", .0.title, .0.detail)]
    Refused(Problem),
    /// The API could not take it for as long as there was patience; it may be handed over again.
    #[error("still not taken after several tries: {}", .0.detail)]
    Busy(Problem),
    /// No answer for as long as there was patience. Whether it was taken is not known; handing it over
    /// again is safe.
    #[error("no answer after several tries")]
    NoAnswer(#[source] reqwest::Error),
    /// The answer is not one of this API's.
    #[error("the answer cannot be read: is this client older than the API?")]
    Unreadable(#[source] serde_json::Error),
}

impl ClientError {
    /// Whether handing over the same later may help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::NoAnswer(_))
    }
}
