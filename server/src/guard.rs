//! Lets in what was meant for this API, over a way that nobody else can read.
//!
//! On this machine a browser runs pages from anywhere. A page can point its own name at 127.0.0.1 (DNS
//! rebinding) and is told by the `Host` header; a page that posts across sites is told by the `Origin`
//! header, and one of another port or name of this machine by `Sec-Fetch-Site`. From other machines only
//! the names that were configured lead here.

use std::net::IpAddr;

use http::header::ORIGIN;
use http::uri::Authority;
use http::{HeaderMap, Method, Uri};

use crate::admission::Admission;
use crate::arrival::Arrival;
use crate::problem::Problem;

/// Browsers say here where the page stands that calls, and no page can write it.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Lets through what was addressed to this machine, or to one of the names that were configured, by
/// nobody's web page but its own, and what nobody could read on its way.
pub(crate) fn admit(
    admission: &Admission,
    arrival: &Arrival,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    if arrival.is_exposed {
        return Err(Problem::in_plain_text());
    }
    let is_ours = |authority: &str| {
        (arrival.from_here && is_loopback(authority)) || is_named(admission, authority)
    };
    if !arrival.host.as_deref().is_some_and(is_ours) {
        return Err(Problem::foreign(
            "the Host header must be one of the configured hosts (api.hosts) or, on this machine, name it \
             (localhost, 127.0.0.1 or [::1])",
        ));
    }
    if uri
        .authority()
        .is_some_and(|authority| !is_ours(authority.as_str()))
    {
        return Err(Problem::foreign("the request target names another machine"));
    }
    let local = |origin: &http::HeaderValue| {
        let origin = origin.to_str().ok();
        let authority = origin.and_then(|origin| origin.split_once("://"));
        authority.is_some_and(|(_, authority)| is_ours(authority))
    };
    if !headers.get_all(ORIGIN).iter().all(local) {
        return Err(Problem::foreign(
            "a web page of another site may not call this API",
        ));
    }
    if !method.is_safe() && headers.get_all(SEC_FETCH_SITE).iter().any(is_elsewhere) {
        return Err(Problem::foreign(
            "a web page that is not this API's own may not change anything",
        ));
    }
    Ok(())
}

/// Whether `host[:port]` is one of the names that were configured.
fn is_named(admission: &Admission, authority: &str) -> bool {
    let authority = authority.parse::<Authority>().ok();
    authority.is_some_and(|named| !named.as_str().contains('@') && admission.names(named.host()))
}

/// What a browser says of a page that is not of the very origin it calls.
fn is_elsewhere(site: &http::HeaderValue) -> bool {
    site != "same-origin" && site != "none"
}

/// Whether `host[:port]` can only mean this machine. RFC 6761 gives `localhost` and everything
/// below it to loopback.
pub(crate) fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else {
        return false;
    };
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return ip.to_canonical().is_loopback();
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrival::Peer;
    use http::Request;

    #[test]
    fn only_names_of_this_machine_pass() {
        let ours = [
            "localhost",
            "localhost:8080",
            "LOCALHOST.:1",
            "app.localhost:80",
            "127.0.0.1:8080",
            "127.1.2.3",
            "[::1]:8080",
            "[::1]",
        ];
        let foreign = [
            "",
            "example.com",
            "localhost.example.com",
            "notlocalhost",
            "127.0.0.1.example.com",
            "10.0.0.1:8080",
            "0.0.0.0",
            "[::]:80",
            "user@localhost",
            "localhost@example.com",
            "localhost, example.com",
            "::1",
            "127.0.0.1:80:80",
        ];
        assert_eq!(ours.map(is_loopback), ours.map(|_| true));
        assert_eq!(foreign.map(is_loopback), foreign.map(|_| false));
    }

    fn ours() -> Admission {
        Admission {
            hosts: vec!["leads.example.com".to_owned()],
            ..Admission::default()
        }
    }

    fn admitted_from(
        peer: Peer,
        method: &Method,
        uri: &str,
        headers: &[(&'static str, &'static str)],
    ) -> bool {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        let arrival = Arrival::of(&ours(), peer, &head).expect("an arrival");
        admit(&ours(), &arrival, method, &head.uri, &head.headers).is_ok()
    }

    fn admitted(uri: &str, headers: &[(&'static str, &'static str)]) -> bool {
        admitted_from(Peer::HERE, &Method::POST, uri, headers)
    }

    #[test]
    fn from_another_machine_only_the_configured_names_lead_here_and_only_by_tls() {
        let address = "198.51.100.7".parse().expect("an address");
        let asked = |tls, host| {
            let peer = Peer { address, tls };
            admitted_from(peer, &Method::GET, "/", &[("host", host)])
        };
        assert!(asked(true, "leads.example.com"));
        assert!(!asked(false, "leads.example.com"));
        for host in [
            "localhost",
            "127.0.0.1:4000",
            "[::1]",
            "198.51.100.1",
            "x.example",
        ] {
            assert!(!asked(true, host), "{host}");
        }
    }

    #[test]
    fn a_name_that_was_configured_passes_and_no_other_that_is_like_it() {
        for host in ["leads.example.com", "LEADS.example.com:443"] {
            assert!(admitted("/", &[("host", host)]), "{host}");
        }
        for host in [
            "x.leads.example.com",
            "leads.example.com.",
            "a@leads.example.com",
        ] {
            assert!(!admitted("/", &[("host", host)]), "{host}");
        }
        let ours = ("host", "leads.example.com");
        assert!(admitted(
            "/",
            &[ours, ("origin", "https://leads.example.com")]
        ));
        assert!(!admitted("/", &[ours, ("origin", "https://example.com")]));
    }

    #[test]
    fn a_page_of_another_origin_may_look_and_not_change() {
        let asked = |method: Method, site: &'static str| {
            let headers = [("host", "localhost"), (SEC_FETCH_SITE, site)];
            admitted_from(Peer::HERE, &method, "/", &headers)
        };
        for (site, changes) in [
            ("same-origin", true),
            ("none", true),
            ("same-site", false),
            ("cross-site", false),
            ("anything", false),
        ] {
            assert_eq!(asked(Method::POST, site), changes, "{site}");
            assert!(asked(Method::GET, site), "a link may lead here from {site}");
        }
    }

    #[test]
    fn a_request_is_refused_for_any_foreign_name_in_it() {
        let host = ("host", "localhost");
        assert!(admitted("/v1/leads", &[host]));
        assert!(admitted("/", &[host, ("origin", "http://127.0.0.1:3000")]));
        assert!(!admitted("/", &[]));
        assert!(!admitted("/", &[host, ("host", "localhost")]));
        assert!(!admitted("http://example.com/", &[host]));
        assert!(!admitted("/", &[host, ("origin", "https://example.com")]));
        assert!(!admitted("/", &[host, ("origin", "null")]));
    }
}
