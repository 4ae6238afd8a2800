//! What may be called besides public addresses: host names, addresses and nets.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

/// An entry of the allow-list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is neither a host name nor an address nor a net such as 10.0.0.0/8")]
pub struct AllowError {
    /// The entry, escaped and cut.
    pub entry: String,
}

/// One exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Exception {
    /// Whatever this name resolves to; without the dot at its end.
    Name(String),
    /// Whoever has an address in this net.
    Net(IpNet),
}

impl Exception {
    /// Whether it speaks of this address, to which that name resolved unless it was written itself.
    pub(crate) fn covers(&self, name: Option<&str>, address: IpAddr) -> bool {
        match self {
            Exception::Name(own) => name.is_some_and(|name| without_dot(name) == own),
            Exception::Net(net) => net.contains(&address.to_canonical()),
        }
    }

    /// Whether it could speak of this name, whatever it resolves to.
    pub(crate) fn may_cover(&self, name: &str) -> bool {
        match self {
            Exception::Name(own) => without_dot(name) == own,
            Exception::Net(_) => true,
        }
    }
}

impl FromStr for Exception {
    type Err = AllowError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let entry = text.trim();
        if let Ok(net) = entry.parse::<IpNet>() {
            return Ok(Exception::Net(net));
        }
        if let Ok(address) = entry.parse::<IpAddr>() {
            return Ok(Exception::Net(address.to_canonical().into()));
        }
        match Host::parse(entry) {
            Ok(Host::Domain(name)) if is_name(&name) => {
                Ok(Exception::Name(without_dot(&name).to_owned()))
            }
            _ => Err(AllowError {
                entry: entry.escape_debug().take(60).collect(),
            }),
        }
    }
}

/// Wildcards and the like are no names: they would be taken and never match.
fn is_name(host: &str) -> bool {
    !without_dot(host).is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// A name with a dot at its end is the same name.
pub(crate) fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_addresses_and_nets_are_read_in_their_usual_forms() {
        let covered = [
            ("127.0.0.0/8", None, "127.8.9.10"),
            (" 10.1.2.3 ", None, "10.1.2.3"),
            ("10.1.2.3", Some("crm.example"), "::ffff:10.1.2.3"),
            ("::1", None, "::1"),
            ("fd00::/8", None, "fd12::1"),
            ("::ffff:10.1.2.3", None, "10.1.2.3"),
            ("crm.internal", Some("crm.internal"), "10.9.9.9"),
            ("CRM.internal.", Some("crm.internal."), "fd12::1"),
            ("bücher.example", Some("xn--bcher-kva.example"), "10.0.0.1"),
        ];
        for (entry, name, address) in covered {
            let exception: Exception = entry.parse().unwrap();
            assert!(exception.covers(name, address.parse().unwrap()), "{entry}");
        }
    }

    #[test]
    fn an_exception_covers_nobody_else() {
        let others = [
            ("127.0.0.0/8", None, "128.0.0.1"),
            ("127.0.0.0/8", None, "::1"),
            ("10.1.2.3", None, "10.1.2.4"),
            ("crm.internal", None, "10.1.2.3"),
            ("crm.internal", Some("a.crm.internal"), "10.1.2.3"),
            ("internal", Some("crm.internal"), "10.1.2.3"),
        ];
        for (entry, name, address) in others {
            let exception: Exception = entry.parse().unwrap();
            assert!(!exception.covers(name, address.parse().unwrap()), "{entry}");
        }
    }

    #[test]
    fn what_is_none_of_them_is_refused() {
        for entry in [
            "",
            " ",
            ".",
            "10.0.0.0/33",
            "fd00::/129",
            "10.0.0.0/",
            "*.example.com",
            "http://crm.internal",
            "crm.internal:80",
            "127.0.0.1:80",
            "a b",
            "1.2.3.4.5",
            "crm/8",
            "[::1]",
            "a\0b",
        ] {
            assert!(entry.parse::<Exception>().is_err(), "{entry:?}");
        }
        let long = "*".repeat(5000).parse::<Exception>().unwrap_err();
        assert!(long.to_string().len() < 200);
    }
}
