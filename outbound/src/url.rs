//! Which URLs a person may give us to call.
//!
//! What is pasted is later called with an account's credential or data, so it must not lead where
//! nobody may ever call, or show the credential to everyone on the way. This judges what is written;
//! what a name resolves to is judged by the guard where the connection is made.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::allow::without_dot;
use crate::guard::is_forbidden_name;
use crate::reach::{Reach, is_loopback, reach};

/// The longest name a host has (RFC 1035).
const MAX_NAME_BYTES: usize = 253;

/// The longest URL we take, in bytes.
pub(crate) const MAX_BYTES: usize = 2048;

/// The rule that a URL breaks. The URL itself is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Over 2048 bytes.
    #[error("it must have at most 2048 bytes")]
    TooLong,
    /// Not an address, or one with spaces, line breaks or the like in it.
    #[error("it must be an address such as https://api.example.com")]
    NotAUrl,
    /// Neither `https` nor `http`.
    #[error("it must start with https://")]
    Scheme,
    /// `http` to another machine would show the credential to everyone on the way.
    #[error("it must start with https:// unless it names this machine")]
    PlainHttp,
    /// A user name or password in front of the host.
    #[error("it must not contain a user name or password; give the secret separately")]
    UserInfo,
    /// A query or a fragment, which no path could follow.
    #[error("it must end with its path: no `?` and no `#`")]
    Tail,
    /// A fragment, which is never sent.
    #[error("it must not contain a `#`")]
    Fragment,
    /// Port 0.
    #[error("it must not name port 0")]
    Port,
    /// A host that nobody may call: link-local, metadata, unspecified, multicast.
    #[error("it must not name a link-local, metadata, multicast or unspecified address")]
    ForbiddenHost,
}

/// A whole URL to be called as it is, such as a hook's: `https`, or `http` on this machine.
///
/// It may hold a secret in its path or query, so it has no `Display` and its `Debug` shows scheme
/// and host only.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundUrl(Url);

impl OutboundUrl {
    /// Checks a URL.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = parse(text)?;
        check(&url)?;
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        if url.as_str().len() > MAX_BYTES {
            return Err(UrlError::TooLong);
        }
        Ok(Self(url))
    }

    /// The URL with all its secrets.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The URL with all its secrets, for a request.
    pub fn into_url(self) -> Url {
        self.0
    }
}

impl fmt::Debug for OutboundUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutboundUrl({})", self.0.origin().ascii_serialization())
    }
}

/// Takes a text as a URL, and only what looks like the URL that it becomes.
pub(crate) fn parse(text: &str) -> Result<Url, UrlError> {
    if text.len() > MAX_BYTES {
        return Err(UrlError::TooLong);
    }
    // The parser drops these silently; what people see must be what we call.
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(UrlError::NotAUrl);
    }
    Url::parse(text).map_err(|_| UrlError::NotAUrl)
}

/// The rules for every URL.
pub(crate) fn check(url: &Url) -> Result<(), UrlError> {
    if !matches!(url.scheme(), "https" | "http") {
        return Err(UrlError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::UserInfo);
    }
    if url.port() == Some(0) {
        return Err(UrlError::Port);
    }
    if url
        .domain()
        .is_some_and(|name| without_dot(name).len() > MAX_NAME_BYTES)
    {
        return Err(UrlError::NotAUrl);
    }
    let (forbidden, this_machine) = match url.host().ok_or(UrlError::NotAUrl)? {
        Host::Domain(name) => (is_forbidden_name(name), is_localhost(name)),
        Host::Ipv4(address) => judge(address.into()),
        Host::Ipv6(address) => judge(address.into()),
    };
    if forbidden {
        Err(UrlError::ForbiddenHost)
    } else if url.scheme() == "http" && !this_machine {
        Err(UrlError::PlainHttp)
    } else {
        Ok(())
    }
}

/// Whether an address is forbidden, and whether it is this machine.
fn judge(address: IpAddr) -> (bool, bool) {
    (reach(address) == Reach::Never, is_loopback(address))
}

fn is_localhost(name: &str) -> bool {
    matches!(name, "localhost" | "localhost.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_may_have_a_query_and_no_fragment() {
        let url = OutboundUrl::parse("https://hooks.example.com/a/?key=1").unwrap();
        assert_eq!(url.as_url().as_str(), "https://hooks.example.com/a/?key=1");
        let fragment = OutboundUrl::parse("https://hooks.example.com/a#b");
        assert_eq!(fragment, Err(UrlError::Fragment));
    }

    #[test]
    fn the_rules_of_a_base_url_hold_for_every_other_url() {
        let table = [
            ("hooks.example.com", UrlError::NotAUrl),
            ("https://hooks.example.com/ a", UrlError::NotAUrl),
            ("ftp://hooks.example.com", UrlError::Scheme),
            ("http://hooks.example.com", UrlError::PlainHttp),
            ("https://user@hooks.example.com", UrlError::UserInfo),
            ("https://hooks.example.com:0", UrlError::Port),
            ("https://169.254.169.254/?a", UrlError::ForbiddenHost),
        ];
        for (text, rule) in table {
            assert_eq!(OutboundUrl::parse(text), Err(rule), "{text}");
        }
        let long = format!("https://a.example/?{}", "é".repeat(900));
        assert_eq!(OutboundUrl::parse(&long), Err(UrlError::TooLong));
    }

    #[test]
    fn the_secret_part_of_a_url_is_not_printed() {
        let url = OutboundUrl::parse("https://hooks.example.com:8443/canary?canary=1").unwrap();
        assert_eq!(
            format!("{url:?}"),
            "OutboundUrl(https://hooks.example.com:8443)"
        );
    }
}
