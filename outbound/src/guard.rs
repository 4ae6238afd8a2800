//! Which addresses may be connected to.

use std::net::IpAddr;
use std::sync::Arc;

use url::{Host, Url};

use crate::allow::{AllowError, Exception, without_dot};
use crate::reach::{Reach, reach};

/// Names under which clouds serve machine credentials to whoever asks from inside.
const METADATA_NAMES: [&str; 5] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
];

/// Whether nobody may ever be called under this name.
pub(crate) fn is_forbidden_name(name: &str) -> bool {
    let name = without_dot(name);
    name.is_empty() || METADATA_NAMES.contains(&name)
}

/// A URL leads where no request may go. It does not say where: that would map our network for
/// whoever pasted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it leads to an address that is not public; the configuration's outbound.allow lists the exceptions"
)]
pub struct Forbidden;

/// Which addresses may be connected to: public ones, and what is allowed besides. Cheap to clone.
///
/// Link-local, metadata, multicast and unspecified addresses are refused even if a net or a name
/// that is allowed leads to them.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    exceptions: Arc<[Exception]>,
}

impl Guard {
    /// Public unicast addresses and no others.
    pub fn public_only() -> Self {
        Self::default()
    }

    /// Public addresses and this machine's own, for programs that bring a simulated CRM with them.
    pub fn with_loopback() -> Self {
        let loopback = ["127.0.0.0/8", "::1"];
        Self::allow(loopback).expect("addresses of this machine")
    }

    /// Public addresses and these exceptions: host names (whatever they resolve to; subdomains are
    /// names of their own), addresses, and nets such as `10.0.0.0/8`.
    ///
    /// # Errors
    /// The first entry that is none of them.
    pub fn allow<T: AsRef<str>>(list: impl IntoIterator<Item = T>) -> Result<Self, AllowError> {
        let exceptions = list.into_iter().map(|entry| entry.as_ref().parse());
        Ok(Self {
            exceptions: exceptions.collect::<Result<_, _>>()?,
        })
    }

    /// Judges a URL by what is written, without looking anything up: an address, or a name under
    /// which nobody may be called. What other names resolve to is judged at every connection.
    ///
    /// # Errors
    /// Its host may not be called, or it has none.
    pub fn admits(&self, url: &Url) -> Result<(), Forbidden> {
        let admitted = match url.host() {
            Some(Host::Domain(name)) => !is_forbidden_name(name),
            Some(Host::Ipv4(address)) => self.permits(None, address.into()),
            Some(Host::Ipv6(address)) => self.permits(None, address.into()),
            None => false,
        };
        admitted.then_some(()).ok_or(Forbidden)
    }

    /// Whether a connection may be made to this address, to which that name resolved.
    pub(crate) fn permits(&self, name: Option<&str>, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => true,
            Reach::Inside => {
                let mut exceptions = self.exceptions.iter();
                exceptions.any(|exception| exception.covers(name, address))
            }
            Reach::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(guard: &Guard, url: &str) -> bool {
        let url = Url::parse(url).unwrap_or_else(|_| panic!("{url}"));
        guard.admits(&url).is_ok()
    }

    #[test]
    fn unless_allowed_only_public_addresses_may_be_written() {
        let guard = Guard::public_only();
        for url in [
            "https://api.example.com",
            "https://8.8.8.8",
            "https://[2606:4700::1111]",
            "https://[::ffff:8.8.8.8]",
        ] {
            assert!(admits(&guard, url), "{url}");
        }
        for url in [
            "http://127.0.0.1:4010",
            "http://127.1",
            "http://0x7f.1",
            "http://0177.0.0.1",
            "http://2130706433",
            "http://017700000001",
            "http://127.0.0.1.",
            "http://１２７.0.0.1",
            "http://[::1]",
            "http://[::ffff:127.0.0.1]",
            "http://[0:0:0:0:0:ffff:7f00:1]",
            "https://10.0.0.1",
            "https://192.168.1.1",
            "https://[fd00::1]",
            "https://169.254.169.254",
            "https://metadata.google.internal",
            "https://METADATA.google.internal.",
            "https://metadata",
            "data:text/plain,x",
        ] {
            assert!(!admits(&guard, url), "{url}");
        }
    }

    #[test]
    fn what_is_allowed_is_admitted_and_its_neighbors_are_not() {
        let guard = Guard::allow(["127.0.0.0/8", "10.1.2.3"]).unwrap();
        assert!(admits(&guard, "http://127.0.0.1:4010"));
        assert!(admits(&guard, "http://[::ffff:127.0.0.1]"));
        assert!(admits(&guard, "https://10.1.2.3"));
        assert!(!admits(&guard, "https://10.1.2.4"));
        assert!(!admits(&guard, "http://[::1]"));
        let guard = Guard::with_loopback();
        assert!(admits(&guard, "http://[::1]") && admits(&guard, "http://127.8.9.1"));
        assert!(!admits(&guard, "https://10.1.2.3"));
    }

    #[test]
    fn no_configuration_opens_the_way_to_metadata_and_link_local_addresses() {
        let everything = [
            "0.0.0.0/0",
            "::/0",
            "169.254.169.254",
            "metadata",
            "crm.internal",
        ];
        let guard = Guard::allow(everything).unwrap();
        for url in [
            "http://169.254.169.254",
            "http://[::ffff:169.254.169.254]",
            "http://[64:ff9b::a9fe:a9fe]",
            "http://[fd00:ec2::254]",
            "http://[fe80::1]",
            "http://0.0.0.0",
            "http://metadata",
        ] {
            assert!(!admits(&guard, url), "{url}");
        }
        let metadata = "169.254.169.254".parse().unwrap();
        assert!(!guard.permits(Some("crm.internal"), metadata));
        assert!(guard.permits(Some("crm.internal"), "10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn an_allowed_name_may_resolve_inside_and_other_names_may_not() {
        let guard = Guard::allow(["crm.internal"]).unwrap();
        let inside = "10.0.0.1".parse().unwrap();
        assert!(guard.permits(Some("crm.internal"), inside));
        assert!(!guard.permits(Some("evil.example"), inside));
        assert!(!guard.permits(None, inside));
    }

    #[test]
    fn a_refusal_does_not_say_where_the_url_leads() {
        let said = format!("{Forbidden} {Forbidden:?}");
        assert!(!said.contains(|c: char| c.is_ascii_digit()), "{said}");
    }
}
