//! How a request came: over which connection, from whom, and under which name.
//!
//! A proxy that is named in the configuration says so for its callers, by `Forwarded` (RFC 7239) or by
//! `X-Forwarded-For`, `-Host` and `-Proto`. Of anybody else these headers say one thing only: that
//! somebody has passed the request on, so it is not from this machine.

use std::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, HOST, VIA};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use crate::admission::Admission;
use crate::guard::is_loopback;
use crate::problem::Problem;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FOR_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const BY_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// The other end of a connection, as the listener saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Whether what is said on the connection is ours alone to read.
    pub(crate) tls: bool,
}

impl Peer {
    /// Somebody on this machine.
    pub(crate) const HERE: Self = Self {
        address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        tls: false,
    };
}

/// How a request came, with what a proxy says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Who calls: the peer, or whom a proxy that is trusted names.
    pub(crate) client: IpAddr,
    /// Under which name it was called, with the port if one was given.
    pub(crate) host: Option<String>,
    /// Whether the connection is one of this machine with itself.
    pub(crate) from_here: bool,
    /// Whether that is all there is to it: through nobody, and by one of this machine's own names.
    pub(crate) is_local: bool,
    /// Whether anybody between the caller and us could read it.
    pub(crate) is_exposed: bool,
    /// Whether TLS ends here.
    pub(crate) tls: bool,
}

impl Arrival {
    /// Of a request that did not come through the edge: nobody is believed to be here.
    pub(crate) fn of_nobody() -> Self {
        Self {
            client: Peer::HERE.address,
            host: None,
            from_here: false,
            is_local: false,
            is_exposed: true,
            tls: false,
        }
    }

    /// What the connection, the head, and a proxy that is trusted say.
    pub(crate) fn of(admission: &Admission, peer: Peer, head: &Parts) -> Result<Self, Problem> {
        let (own, here) = (own_host(head), peer.address.to_canonical().is_loopback());
        if !admission.trusts(peer.address) {
            let named_here = own.as_deref().is_some_and(is_loopback);
            return Ok(Self {
                client: peer.address,
                host: own,
                from_here: here,
                is_local: here && named_here && !was_passed_on(&head.headers),
                is_exposed: !peer.tls && !here,
                tls: peer.tls,
            });
        }
        let told = Told::read(&head.headers)?;
        Ok(Self {
            client: client(admission, peer.address, &told.hops),
            host: told.host.or(own),
            from_here: here,
            is_local: false,
            is_exposed: told.proto.is_some_and(|proto| proto == "http"),
            tls: peer.tls,
        })
    }
}

/// The only `Host`, or the authority of the target where there is none, as in HTTP/2.
fn own_host(head: &Parts) -> Option<String> {
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => head.uri.authority().map(ToString::to_string),
        (Some(host), None) => host.to_str().ok().map(str::to_owned),
        _ => None,
    }
}

fn was_passed_on(headers: &HeaderMap) -> bool {
    [FORWARDED, FOR, FOR_HOST, BY_PROTO, REAL_IP, VIA]
        .iter()
        .any(|name| headers.contains_key(name))
}

/// The last hop that no proxy of ours is; where a hop has no address, the last proxy before it.
fn client(admission: &Admission, peer: IpAddr, hops: &[Option<IpAddr>]) -> IpAddr {
    let mut client = peer;
    for hop in hops.iter().rev() {
        let Some(address) = hop else { break };
        client = *address;
        if !admission.trusts(client) {
            break;
        }
    }
    client
}

/// What a proxy says of a request.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    /// Whom it went through, the caller first; none where no address is given.
    hops: Vec<Option<IpAddr>>,
    host: Option<String>,
    proto: Option<String>,
}

impl Told {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let unreadable = || Problem::bad_request("the proxy's Forwarded header does not read");
        let old = Self {
            hops: items(headers, &FOR)
                .iter()
                .map(|hop| address(hop))
                .collect(),
            host: items(headers, &FOR_HOST).pop(),
            proto: items(headers, &BY_PROTO)
                .pop()
                .map(|proto| proto.to_ascii_lowercase()),
        };
        if !headers.contains_key(FORWARDED) {
            return Ok(old);
        }
        let mut new = Self::default();
        for value in headers.get_all(FORWARDED) {
            let value = value.to_str().map_err(|_| unreadable())?;
            new.add(value).ok_or_else(unreadable)?;
        }
        // Else a caller could name itself in the one that its proxy leaves alone.
        if !old.hops.is_empty() && old.hops != new.hops {
            return Err(Problem::bad_request(
                "Forwarded and X-Forwarded-For name different hops: the proxy must set or remove both",
            ));
        }
        Ok(new)
    }

    /// Reads elements of a `Forwarded` header: `for=192.0.2.60;proto=https, for="[2001:db8::1]:80"`.
    fn add(&mut self, value: &str) -> Option<()> {
        for element in split(value, ',')? {
            let mut hop = None;
            for pair in split(element, ';')? {
                let (name, value) = pair.split_once('=')?;
                let value = value.trim_matches('"');
                match name.trim().to_ascii_lowercase().as_str() {
                    "for" => hop = address(value),
                    "host" => self.host = Some(value.to_owned()),
                    "proto" => self.proto = Some(value.to_ascii_lowercase()),
                    _ => {}
                }
            }
            self.hops.push(hop);
        }
        Some(())
    }
}

/// The parts between separators that stand in no quotes; none where a quote does not end.
fn split(text: &str, at: char) -> Option<Vec<&str>> {
    let mut quoted = false;
    let parts = text.split(|c: char| {
        quoted ^= c == '"';
        c == at && !quoted
    });
    let parts = parts.map(str::trim).filter(|part| !part.is_empty());
    let parts = parts.collect();
    (!quoted).then_some(parts)
}

/// The items of a header that is a list, over all its lines.
fn items(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let lines = headers.get_all(name).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse::<IpAddr>();
    let address = address.or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn behind_a_proxy() -> Admission {
        Admission {
            hosts: vec!["leads.example.com".to_owned()],
            proxies: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            ..Admission::default()
        }
    }

    fn arrival(peer: &str, headers: &[(&'static str, &str)]) -> Result<Arrival, Problem> {
        let mut request = Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let address = peer.parse().unwrap();
        Arrival::of(
            &behind_a_proxy(),
            Peer {
                address,
                tls: false,
            },
            &head,
        )
    }

    fn client_of(peer: &str, headers: &[(&'static str, &str)]) -> String {
        arrival(peer, headers).unwrap().client.to_string()
    }

    #[test]
    fn only_a_named_proxy_is_believed_about_its_caller() {
        let said = [("x-forwarded-for", "198.51.100.7")];
        assert_eq!(client_of("10.1.2.3", &said), "198.51.100.7");
        assert_eq!(client_of("11.1.2.3", &said), "11.1.2.3");
        assert_eq!(client_of("127.0.0.1", &said), "127.0.0.1");
        assert_eq!(client_of("::ffff:10.1.2.3", &said), "198.51.100.7");
    }

    #[test]
    fn the_caller_is_the_last_hop_that_is_no_proxy_whatever_was_written_before_it() {
        let rows = [
            ("1.1.1.1, 198.51.100.7", "198.51.100.7"),
            ("127.0.0.1, 198.51.100.7, 10.9.9.9", "198.51.100.7"),
            ("198.51.100.7:4711", "198.51.100.7"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("unknown", "10.1.2.3"),
            ("1.1.1.1, unknown, 10.9.9.9", "10.9.9.9"),
            ("", "10.1.2.3"),
            ("10.9.9.9", "10.9.9.9"),
        ];
        for (said, client) in rows {
            let said = [("x-forwarded-for", said)];
            assert_eq!(client_of("10.1.2.3", &said), client, "{said:?}");
        }
        let lines = [
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "2.2.2.2"),
        ];
        assert_eq!(client_of("10.1.2.3", &lines), "2.2.2.2");
    }

    #[test]
    fn the_standard_header_is_read_with_quotes_ports_and_any_case() {
        let rows = [
            ("for=198.51.100.7", "198.51.100.7"),
            ("For=\"[2001:db8::1]:80\";Proto=HTTPS", "2001:db8::1"),
            ("for=1.1.1.1, for=198.51.100.7;by=10.0.0.1", "198.51.100.7"),
            ("for=\"a,b;c\", for=198.51.100.7", "198.51.100.7"),
            ("for=_hidden", "10.1.2.3"),
            ("proto=https", "10.1.2.3"),
        ];
        for (said, client) in rows {
            assert_eq!(
                client_of("10.1.2.3", &[("forwarded", said)]),
                client,
                "{said}"
            );
        }
        for bad in ["for", "for=\"1.1.1.1", "for=1.1.1.1;x"] {
            assert!(arrival("10.1.2.3", &[("forwarded", bad)]).is_err(), "{bad}");
            assert!(arrival("11.1.2.3", &[("forwarded", bad)]).is_ok(), "{bad}");
        }
    }

    #[test]
    fn a_caller_cannot_name_itself_in_the_header_that_its_proxy_leaves_alone() {
        let both = |new, old| [("forwarded", new), ("x-forwarded-for", old)];
        assert!(arrival("10.1.2.3", &both("for=1.1.1.1", "198.51.100.7")).is_err());
        let same = both("for=198.51.100.7", "198.51.100.7");
        assert_eq!(client_of("10.1.2.3", &same), "198.51.100.7");
    }

    #[test]
    fn the_name_is_the_one_that_the_proxy_was_called_by() {
        let host = |peer, said: &[(&'static str, &str)]| {
            let named = [&[("host", "backend:4000")], said].concat();
            arrival(peer, &named).unwrap().host.unwrap()
        };
        let said = [("x-forwarded-host", "leads.example.com")];
        assert_eq!(host("10.1.2.3", &said), "leads.example.com");
        assert_eq!(host("11.1.2.3", &said), "backend:4000");
        let said = [("forwarded", "for=1.1.1.1;host=\"leads.example.com:443\"")];
        assert_eq!(host("10.1.2.3", &said), "leads.example.com:443");
        assert_eq!(host("10.1.2.3", &[]), "backend:4000");
    }

    #[test]
    fn what_was_passed_on_is_never_from_this_machine() {
        let local = |peer, said: &[(&'static str, &str)]| {
            let named = [&[("host", "localhost:4000")], said].concat();
            arrival(peer, &named).unwrap().is_local
        };
        assert!(local("127.0.0.1", &[]) && local("::1", &[]));
        assert!(!local("10.1.2.3", &[]) && !local("192.168.0.9", &[]));
        for header in [
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-real-ip",
            "forwarded",
            "via",
        ] {
            assert!(!local("127.0.0.1", &[(header, "x")]), "{header}");
        }
        let foreign = [("host", "leads.example.com")];
        assert!(!arrival("127.0.0.1", &foreign).unwrap().is_local);
    }

    #[test]
    fn what_others_could_read_on_the_way_is_known() {
        let exposed = |peer, said| arrival(peer, said).unwrap().is_exposed;
        assert!(exposed("192.168.0.9", &[]));
        assert!(!exposed("127.0.0.1", &[]));
        assert!(!exposed("10.1.2.3", &[("x-forwarded-proto", "https")]));
        assert!(exposed("10.1.2.3", &[("x-forwarded-proto", "HTTP")]));
        assert!(exposed(
            "10.1.2.3",
            &[("forwarded", "for=1.1.1.1;proto=http")]
        ));
        assert!(!exposed("10.1.2.3", &[]), "it does not say");
    }
}
