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

/// Endings of names that mean our own surroundings, wherever they are asked about (RFC 6761, 6762, 8375,
/// and what ICANN has set aside).
const OWN_ENDINGS: [&str; 4] = [".localhost", ".local", ".internal", ".home.arpa"];

/// Where a server on the Internet is called. Other ports belong to other services, and whoever may choose
/// one can try them out from inside our network.
const PUBLIC_PORTS: [u16; 2] = [443, 8443];

/// Whether a name belongs to our own surroundings: it has no dot, or an ending of theirs.
fn is_own_name(name: &str) -> bool {
    let name = without_dot(name);
    !name.contains('.') || OWN_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Where a URL may lead, by what is written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// To public addresses, and to what is allowed besides.
    Public,
    /// Only to what is allowed besides: it is not `https`, or names a port or a host that nobody's
    /// public server has.
    Allowed,
}

impl Way {
    fn of(url: &Url) -> Self {
        let is_own = url.domain().is_some_and(is_own_name);
        let port = url.port_or_known_default();
        let is_public = port.is_some_and(|port| PUBLIC_PORTS.contains(&port));
        match url.scheme() == "https" && is_public && !is_own {
            true => Self::Public,
            false => Self::Allowed,
        }
    }
}

/// A URL leads where no request may go. It does not say where: that would map our network for
/// whoever pasted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it leads to an address that is not public, or not by https on port 443 or 8443; the configuration's \
     outbound.allow lists the exceptions"
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

    /// Judges a URL by what is written, without looking anything up: an address, a port, or a name under
    /// which nobody may be called. What other names resolve to is judged at every connection.
    ///
    /// # Errors
    /// Its host may not be called, or it has none.
    pub fn admits(&self, url: &Url) -> Result<(), Forbidden> {
        self.way(url).map(|_| ())
    }

    /// The same, and where a connection may lead.
    pub(crate) fn way(&self, url: &Url) -> Result<Way, Forbidden> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden);
        }
        let way = Way::of(url);
        let admitted = match url.host() {
            Some(Host::Domain(name)) => {
                !is_forbidden_name(name) && (way == Way::Public || self.may_cover(name))
            }
            Some(Host::Ipv4(address)) => self.permits(way, None, address.into()),
            Some(Host::Ipv6(address)) => self.permits(way, None, address.into()),
            None => false,
        };
        admitted.then_some(way).ok_or(Forbidden)
    }

    /// Of the addresses that a name resolved to, those that a connection may be made to.
    ///
    /// # Errors
    /// None may be: a public server has no address inside, so one that has even one is not believed.
    pub(crate) fn choose(
        &self,
        way: Way,
        name: &str,
        mut addresses: Vec<IpAddr>,
    ) -> Result<Vec<IpAddr>, Forbidden> {
        let permits = |address: &IpAddr| self.permits(way, Some(name), *address);
        let is_believed = match way {
            Way::Public => addresses.iter().all(permits),
            Way::Allowed => !addresses
                .iter()
                .any(|address| reach(*address) == Reach::Never),
        };
        addresses.retain(|address| is_believed && permits(address));
        match addresses.is_empty() {
            true => Err(Forbidden),
            false => Ok(addresses),
        }
    }

    /// Whether a connection may be made to this address, to which that name resolved.
    pub(crate) fn permits(&self, way: Way, name: Option<&str>, address: IpAddr) -> bool {
        match (reach(address), way) {
            (Reach::Never, _) => false,
            (Reach::Public, Way::Public) => true,
            (Reach::Public, Way::Allowed) | (Reach::Inside, _) => {
                let mut exceptions = self.exceptions.iter();
                exceptions.any(|exception| exception.covers(name, address))
            }
        }
    }

    /// Whether an exception could cover this name, whatever it resolves to.
    fn may_cover(&self, name: &str) -> bool {
        let mut exceptions = self.exceptions.iter();
        exceptions.any(|exception| exception.may_cover(name))
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
            "https://api.example.com:8443",
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
            "http://api.example.com",
            "https://api.example.com:444",
            "https://8.8.8.8:22",
            "https://intranet",
            "https://crm.internal",
            "https://printer.local.",
            "https://app.localhost",
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
        assert!(!guard.permits(Way::Public, Some("crm.internal"), metadata));
        assert!(guard.permits(
            Way::Public,
            Some("crm.internal"),
            "10.0.0.1".parse().unwrap()
        ));
    }

    #[test]
    fn an_allowed_name_may_resolve_inside_and_other_names_may_not() {
        let guard = Guard::allow(["crm.internal"]).unwrap();
        let inside = "10.0.0.1".parse().unwrap();
        assert!(guard.permits(Way::Public, Some("crm.internal"), inside));
        assert!(!guard.permits(Way::Public, Some("evil.example"), inside));
        assert!(!guard.permits(Way::Public, None, inside));
    }

    #[test]
    fn an_odd_port_or_an_own_name_leads_to_what_is_allowed_and_nowhere_else() {
        let (inside, outside) = ("10.0.0.1".parse().unwrap(), "8.8.8.8".parse().unwrap());
        let guard = Guard::allow(["10.0.0.0/8"]).unwrap();
        for url in [
            "https://api.example.com:9443",
            "https://crm.internal",
            "http://a.example",
        ] {
            let way = guard.way(&url.parse().unwrap()).unwrap();
            assert_eq!(way, Way::Allowed, "{url}");
            assert_eq!(
                guard.choose(way, "n", vec![inside, outside]),
                Ok(vec![inside])
            );
            assert_eq!(guard.choose(way, "n", vec![outside]), Err(Forbidden));
        }
        let named = Guard::allow(["api.example.com"]).unwrap();
        assert!(admits(&named, "https://api.example.com:9443"));
        assert!(!admits(&named, "https://other.example.com:9443"));
    }

    #[test]
    fn a_name_with_one_address_that_is_not_public_is_not_believed_about_the_others() {
        let addresses = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        let guard = Guard::public_only();
        let choose = |list: &[&str]| guard.choose(Way::Public, "a.example", addresses(list));
        assert!(choose(&["8.8.8.8", "2606:4700::1111"]).is_ok());
        for bad in [
            "127.0.0.1",
            "10.0.0.1",
            "169.254.169.254",
            "::1",
            "fd00::1",
            "0.0.0.0",
        ] {
            assert_eq!(choose(&["8.8.8.8", bad]), Err(Forbidden), "{bad}");
        }
        assert_eq!(choose(&[]), Err(Forbidden));
        let guard = Guard::allow(["10.0.0.0/8"]).unwrap();
        let choose = |list: &[&str]| guard.choose(Way::Allowed, "crm.internal", addresses(list));
        assert!(choose(&["10.0.0.1", "::1"]).is_ok());
        assert_eq!(choose(&["10.0.0.1", "169.254.169.254"]), Err(Forbidden));
    }

    #[test]
    fn a_refusal_does_not_say_where_the_url_leads() {
        let said = format!("{Forbidden} {Forbidden:?}").replace("port 443 or 8443", "");
        assert!(!said.contains(|c: char| c.is_ascii_digit()), "{said}");
    }
}
