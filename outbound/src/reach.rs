//! How far an address reaches: the whole Internet, our own surroundings, or nowhere we ever call.
//!
//! The ranges are those of the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its
//! updates). For IPv6 only the global unicast block 2000::/3 counts as public, so what is assigned
//! next is inside until it stands here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Whom an address reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Anybody's server on the Internet.
    Public,
    /// This machine, its networks, or a range without servers: only where it is allowed by name.
    Inside,
    /// What hands out a machine's secrets, or is no server at all: never, whatever is allowed.
    Never,
}

/// Unspecified (0/8 reaches this machine on Linux), link-local, multicast, broadcast; and metadata
/// services elsewhere: Alibaba, Oracle (old), Azure's wire server.
const NEVER_IPV4: [Ipv4Net; 7] = [
    ipv4([0, 0, 0, 0], 8),
    ipv4([169, 254, 0, 0], 16),
    ipv4([224, 0, 0, 0], 4),
    ipv4([255, 255, 255, 255], 32),
    ipv4([100, 100, 100, 200], 32),
    ipv4([192, 0, 0, 192], 32),
    ipv4([168, 63, 129, 16], 32),
];

const INSIDE_IPV4: [Ipv4Net; 12] = [
    // Private.
    ipv4([10, 0, 0, 0], 8),
    ipv4([172, 16, 0, 0], 12),
    ipv4([192, 168, 0, 0], 16),
    // Carrier-grade NAT.
    ipv4([100, 64, 0, 0], 10),
    // Loopback.
    ipv4([127, 0, 0, 0], 8),
    // Protocol assignments; 6to4 relays, which are gone.
    ipv4([192, 0, 0, 0], 24),
    ipv4([192, 88, 99, 0], 24),
    // Benchmarks.
    ipv4([198, 18, 0, 0], 15),
    // Documentation.
    ipv4([192, 0, 2, 0], 24),
    ipv4([198, 51, 100, 0], 24),
    ipv4([203, 0, 113, 0], 24),
    // Reserved.
    ipv4([240, 0, 0, 0], 4),
];

/// Unspecified, link-local, multicast; metadata of Amazon and Google; and tunnels whose far end we
/// cannot judge: Teredo, and NAT64 with a prefix of the network's own.
const NEVER_IPV6: [Ipv6Net; 7] = [
    ipv6([0; 8], 128),
    ipv6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    ipv6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
    ipv6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128),
    ipv6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128),
    ipv6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32),
    ipv6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
];

const GLOBAL_UNICAST: Ipv6Net = ipv6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// What is special within the global unicast block.
const INSIDE_IPV6: [Ipv6Net; 3] = [
    // Protocol assignments, with benchmarks (2001:2::/48) and ORCHID (2001:10::/28, 2001:20::/28).
    ipv6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    // Documentation.
    ipv6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ipv6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

const fn ipv4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn ipv6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// Whom this address reaches.
pub(crate) fn reach(address: IpAddr) -> Reach {
    // A mapped address is the IPv4 address: the system connects to that.
    match address.to_canonical() {
        IpAddr::V4(address) => reach_ipv4(address),
        IpAddr::V6(address) => reach_ipv6(address),
    }
}

/// Whether it is this machine, in whatever form it is written.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn reach_ipv4(address: Ipv4Addr) -> Reach {
    if NEVER_IPV4.iter().any(|net| net.contains(&address)) {
        Reach::Never
    } else if INSIDE_IPV4.iter().any(|net| net.contains(&address)) {
        Reach::Inside
    } else {
        Reach::Public
    }
}

fn reach_ipv6(address: Ipv6Addr) -> Reach {
    if address.is_loopback() {
        return Reach::Inside;
    }
    if NEVER_IPV6.iter().any(|net| net.contains(&address)) {
        return Reach::Never;
    }
    if let Some(inner) = embedded_ipv4(address) {
        return match reach_ipv4(inner) {
            // It leaves this machine, so the far end's loopback is nobody's server.
            Reach::Inside if inner.is_loopback() => Reach::Never,
            // Nobody routes the compatible form any more.
            Reach::Public if address.segments()[..6] == [0; 6] => Reach::Inside,
            reach => reach,
        };
    }
    let special = INSIDE_IPV6.iter().any(|net| net.contains(&address));
    if GLOBAL_UNICAST.contains(&address) && !special {
        Reach::Public
    } else {
        Reach::Inside
    }
}

/// The IPv4 address inside a compatible (RFC 4291), NAT64 (RFC 6052) or 6to4 (RFC 3056) address.
fn embedded_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(join(high, low))
        }
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, reach};

    fn assert_reach(expected: Reach, addresses: &[&str]) {
        for text in addresses {
            let address = text.parse().unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(reach(address), expected, "{text}");
        }
    }

    #[test]
    fn a_server_on_the_internet_is_public_in_both_families() {
        assert_reach(
            Reach::Public,
            &[
                "1.1.1.1",
                "8.8.8.8",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.0",
                "169.253.255.255",
                "169.255.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "191.255.255.255",
                "192.0.1.0",
                "192.0.3.0",
                "192.88.98.255",
                "192.167.255.255",
                "192.169.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "198.51.99.255",
                "198.51.101.0",
                "203.0.112.255",
                "203.0.114.0",
                "223.255.255.255",
                "2001:200::1",
                "2001:4860:4860::8888",
                "2600:1f18::1",
                "2606:4700:4700::1111",
                "2a00:1450:4001::1",
                "3ffe::1",
            ],
        );
    }

    #[test]
    fn every_range_of_our_own_surroundings_is_inside() {
        assert_reach(
            Reach::Inside,
            &[
                "10.0.0.0",
                "10.255.255.255",
                "100.64.0.0",
                "100.127.255.255",
                "127.0.0.1",
                "127.255.255.255",
                "172.16.0.0",
                "172.31.255.255",
                "192.0.0.1",
                "192.0.0.255",
                "192.0.2.1",
                "192.88.99.1",
                "192.168.0.0",
                "192.168.255.255",
                "198.18.0.0",
                "198.19.255.255",
                "198.51.100.1",
                "203.0.113.255",
                "240.0.0.0",
                "255.255.255.254",
                "::1",
                "100::1",
                "2001:2::1",
                "2001:10::1",
                "2001:20::1",
                "2001:1ff:ffff::1",
                "2001:db8::1",
                "3fff::1",
                "3fff:fff::1",
                "4000::1",
                "5f00::1",
                "fc00::1",
                "fd12:3456::1",
                "fec0::1",
            ],
        );
    }

    #[test]
    fn link_local_metadata_multicast_and_unspecified_are_never_called() {
        assert_reach(
            Reach::Never,
            &[
                "0.0.0.0",
                "0.1.2.3",
                "169.254.0.1",
                "169.254.169.254",
                "100.100.100.200",
                "192.0.0.192",
                "168.63.129.16",
                "224.0.0.1",
                "233.252.0.1",
                "239.255.255.255",
                "255.255.255.255",
                "::",
                "fe80::1",
                "febf::1",
                "ff02::1",
                "fd00:ec2::254",
                "fd20:ce::254",
                "2001::1",
                "2001:0:a9fe:a9fe::1",
                "64:ff9b:1::a9fe:a9fe",
            ],
        );
    }

    #[test]
    fn an_ipv4_address_inside_an_ipv6_address_is_judged_as_what_it_reaches() {
        assert_reach(
            Reach::Public,
            &["::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"],
        );
        assert_reach(
            Reach::Inside,
            &[
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "::10.0.0.1",
                "::8.8.8.8",
                "64:ff9b::10.1.2.3",
                "64:ff9b::192.168.0.1",
                "2002:a00:1::1",
                "2002:6440:1::1",
                "2002:c0a8:1::1",
            ],
        );
        assert_reach(
            Reach::Never,
            &[
                "::ffff:169.254.169.254",
                "::ffff:0.0.0.0",
                "::169.254.169.254",
                "::127.0.0.1",
                "64:ff9b::a9fe:a9fe",
                "64:ff9b::7f00:1",
                "64:ff9b::e000:1",
                "2002:a9fe:a9fe::1",
                "2002:7f00:1::1",
                "2002::1",
            ],
        );
    }
}
