//! What goes wrong on the wire, told apart by whether a byte of the request may have left.

use std::error::Error;
use std::io;

use crate::guard::Forbidden;

/// What went wrong in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request could not be put into HTTP at all.
    Unsendable,
    /// The guard refused: the URL, or all that its name resolves to, lies where no request may go.
    /// Nothing was connected to.
    Forbidden,
    /// The host name did not resolve.
    Dns,
    /// No connection: refused, unreachable, or not made in time. No byte of the request left.
    Connect,
    /// The connection is not trusted. No byte of the request left.
    Tls,
    /// The deadline of the whole call passed.
    Timeout,
    /// The connection broke, or what came back was not HTTP.
    ConnectionLost,
    /// The body is longer than the caller reads.
    BodyTooLarge,
}

impl From<&reqwest::Error> for Fault {
    /// Whether a byte of the request may have left is all that matters; a failure to connect proves
    /// that none did, whatever made it fail.
    fn from(error: &reqwest::Error) -> Self {
        if error.is_builder() {
            Fault::Unsendable
        } else if error.is_connect() {
            of_connect(error)
        } else if error.is_timeout() {
            Fault::Timeout
        } else {
            Fault::ConnectionLost
        }
    }
}

fn of_connect(error: &reqwest::Error) -> Fault {
    let mut fault = match error.is_dns() {
        true => Fault::Dns,
        false => Fault::Connect,
    };
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<Forbidden>() {
            fault = Fault::Forbidden;
        } else if is_tls(error) {
            fault = Fault::Tls;
        }
        cause = error.source();
    }
    fault
}

/// The TLS layer speaks through I/O errors, one in another, which keep what they wrap to themselves.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    match io.and_then(io::Error::get_ref) {
        Some(wrapped) => is_tls(wrapped),
        None => error.is::<rustls::Error>(),
    }
}
