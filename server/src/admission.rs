//! Who is let in: under which names the API may be called, through whom, whether a key is asked for, and
//! how often one may call.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::rates::Rates;

/// Under which names the API may be called, and whether a key is asked for.
///
/// Whoever is on this machine and calls it by one of its own names needs no key unless `keys_required`;
/// whoever calls it by any other name, from another machine or through a proxy always needs one.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// Names besides this machine's own, lower-case and without a port: those that other machines and
    /// proxies call it by.
    pub hosts: Vec<String>,
    /// Whether even callers on this machine need a key.
    pub keys_required: bool,
    /// The proxies before it: what they say of a caller is believed, and what anybody else says is not.
    pub proxies: Vec<IpNet>,
    /// How often one may call.
    pub rates: Rates,
}

impl Admission {
    /// Whether this is one of the names that were configured.
    pub(crate) fn names(&self, host: &str) -> bool {
        self.hosts
            .iter()
            .any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Whether this is one of the proxies that were configured.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.proxies.iter().any(|net| net.contains(&address))
    }
}
