//! Which addresses a connection may send its CRM's requests to.
//!
//! A base URL is pasted by people and then called with the account's credential, so it must not
//! lead to our own machine's neighborhood or leak the credential in clear text. This judges what is
//! written; what a name resolves to is judged where the connection is made.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The longest base URL we take, in bytes.
const MAX_BYTES: usize = 2048;

/// Names under which clouds serve machine credentials to whoever asks from inside.
const METADATA_NAMES: [&str; 5] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
];

/// Metadata services outside the link-local ranges: Alibaba, Oracle (old), Azure's wire server.
const METADATA_IPV4: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// The same for IPv6: Amazon and Google.
const METADATA_IPV6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

/// The address in front of every path of a CRM's API: `https`, or `http` on this machine.
///
/// In its normal form and without a slash at the end, so a path that starts with one follows.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl(String);

/// The rule that a base URL breaks. The address itself is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
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
    /// Port 0.
    #[error("it must not name port 0")]
    Port,
    /// A host no CRM lives at: link-local, metadata, unspecified, multicast.
    #[error("it must not name a link-local, metadata, multicast or unspecified address")]
    ForbiddenHost,
}

impl BaseUrl {
    /// Checks and normalizes an address.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        if text.len() > MAX_BYTES {
            return Err(BaseUrlError::TooLong);
        }
        // The parser drops these silently; what people see must be what we call.
        if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(BaseUrlError::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| BaseUrlError::NotAUrl)?;
        check_shape(&url)?;
        let host = url.host().ok_or(BaseUrlError::NotAUrl)?;
        check_host(&host, url.scheme())?;
        let normal = url.as_str().trim_end_matches('/');
        if normal.len() > MAX_BYTES {
            return Err(BaseUrlError::TooLong);
        }
        Ok(Self(normal.to_owned()))
    }

    /// The address, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_shape(url: &Url) -> Result<(), BaseUrlError> {
    if !matches!(url.scheme(), "https" | "http") {
        return Err(BaseUrlError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BaseUrlError::UserInfo);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::Tail);
    }
    if url.port() == Some(0) {
        return Err(BaseUrlError::Port);
    }
    Ok(())
}

fn check_host(host: &Host<&str>, scheme: &str) -> Result<(), BaseUrlError> {
    let (forbidden, loopback) = match host {
        Host::Domain(name) => judge_name(name),
        Host::Ipv4(address) => judge_ipv4(*address),
        Host::Ipv6(address) => judge_ipv6(*address),
    };
    if forbidden {
        Err(BaseUrlError::ForbiddenHost)
    } else if scheme == "http" && !loopback {
        Err(BaseUrlError::PlainHttp)
    } else {
        Ok(())
    }
}

/// Whether a host is forbidden, and whether it is this machine.
type Judgement = (bool, bool);

fn judge_name(name: &str) -> Judgement {
    let name = name.strip_suffix('.').unwrap_or(name);
    let forbidden = name.is_empty() || METADATA_NAMES.contains(&name);
    (forbidden, name == "localhost")
}

fn judge_ipv4(address: Ipv4Addr) -> Judgement {
    // 0.0.0.0/8 reaches this machine on Linux, under a name that no check expects.
    let forbidden = address.octets()[0] == 0
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || METADATA_IPV4.contains(&address);
    (forbidden, address.is_loopback())
}

fn judge_ipv6(address: Ipv6Addr) -> Judgement {
    if address.is_loopback() {
        return (false, true);
    }
    if let IpAddr::V4(mapped) = address.to_canonical() {
        return judge_ipv4(mapped);
    }
    if let Some(inner) = tunneled_ipv4(address) {
        // It leaves this machine, so the far end's loopback is nobody's CRM.
        let (forbidden, loopback) = judge_ipv4(inner);
        return (forbidden || loopback, false);
    }
    let forbidden = address.is_unspecified()
        || address.is_unicast_link_local()
        || address.is_multicast()
        || METADATA_IPV6.contains(&address);
    (forbidden, false)
}

/// The IPv4 address inside a compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056) address.
fn tunneled_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(join(high, low))
        }
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.0)
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = BaseUrlError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.0
    }
}

#[cfg(test)]
mod tests {
    use super::{BaseUrl, BaseUrlError as Error, BaseUrlError::*};

    #[test]
    fn addresses_a_crm_may_live_at_are_taken_in_normal_form() {
        let table = [
            (
                "https://api.housecallpro.com",
                "https://api.housecallpro.com",
            ),
            (
                "https://api.housecallpro.com/",
                "https://api.housecallpro.com",
            ),
            (
                "HTTPS://API.Example.COM:443/v2/",
                "https://api.example.com/v2",
            ),
            (
                "https://api.example.com:8443",
                "https://api.example.com:8443",
            ),
            ("https://bücher.example/", "https://xn--bcher-kva.example"),
            ("https://10.1.2.3/crm", "https://10.1.2.3/crm"),
            ("https://[2606:4700::1111]", "https://[2606:4700::1111]"),
            (
                "http://localhost:4010/housecall_pro",
                "http://localhost:4010/housecall_pro",
            ),
            ("http://localhost.:4010", "http://localhost.:4010"),
            ("http://127.0.0.1:4010", "http://127.0.0.1:4010"),
            ("http://127.8.9.10:1", "http://127.8.9.10:1"),
            ("http://2130706433", "http://127.0.0.1"),
            ("http://[::1]:4010", "http://[::1]:4010"),
            ("http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]"),
        ];
        for (text, normal) in table {
            let url = BaseUrl::parse(text);
            assert_eq!(url.as_ref().map(BaseUrl::as_str), Ok(normal), "{text}");
        }
    }

    #[test]
    fn addresses_that_leak_or_reach_inside_are_refused_with_the_rule() {
        let table: &[(Error, &[&str])] = &[
            (
                NotAUrl,
                &[
                    "",
                    "api.example.com",
                    "https://",
                    "https://a b",
                    " https://a.example",
                    "https://a.example\n",
                    "https://a.exa\tmple",
                    "https:\\\\a.example",
                    "https://[::1",
                    "https://a.example:99999",
                    "https://1.2.3.4.5",
                    "//a.example",
                    "https://a.example\0",
                ],
            ),
            (
                Scheme,
                &[
                    "ftp://a.example",
                    "file:///etc/passwd",
                    "javascript:alert(1)",
                    "gopher://127.0.0.1:25",
                    "data:text/plain,x",
                    "ws://a.example",
                ],
            ),
            (
                PlainHttp,
                &[
                    "http://api.example.com",
                    "http://10.0.0.1",
                    "http://192.168.1.1",
                    "http://localhost.example.com",
                    "http://127.0.0.1.example.com",
                    "http://8.8.8.8",
                    "http://[2606:4700::1111]",
                    "http://[64:ff9b::808:808]",
                ],
            ),
            (
                UserInfo,
                &[
                    "https://user@a.example",
                    "https://user:pass@a.example",
                    "https://:pass@a.example",
                    "http://localhost@evil.example",
                ],
            ),
            (
                Tail,
                &[
                    "https://a.example/?x=1",
                    "https://a.example/?",
                    "https://a.example/#top",
                    "https://a.example#",
                ],
            ),
            (Port, &["https://a.example:0"]),
            (
                ForbiddenHost,
                &[
                    "https://169.254.169.254/latest",
                    "http://169.254.169.254",
                    "https://2852039166",
                    "https://0xa9.0xfe.0xa9.0xfe",
                    "https://0251.0376.0251.0376",
                    "https://169.254.1.1",
                    "https://[fe80::1]",
                    "https://[febf::1]",
                    "https://[::ffff:169.254.169.254]",
                    "https://[::169.254.169.254]",
                    "https://[64:ff9b::a9fe:a9fe]",
                    "https://[2002:a9fe:a9fe::1]",
                    "http://[64:ff9b::7f00:1]",
                    "http://[::127.0.0.1]",
                    "https://[fd00:ec2::254]",
                    "https://[fd20:ce::254]",
                    "https://100.100.100.200",
                    "https://192.0.0.192",
                    "https://168.63.129.16",
                    "https://metadata.google.internal",
                    "https://METADATA.google.internal.",
                    "https://metadata",
                    "https://instance-data",
                    "https://metadata.goog",
                    "http://0.0.0.0",
                    "http://0",
                    "http://0.1.2.3",
                    "https://[::]",
                    "https://224.0.0.1",
                    "https://255.255.255.255",
                    "https://[ff02::1]",
                ],
            ),
        ];
        for (rule, texts) in table {
            for text in *texts {
                assert_eq!(
                    BaseUrl::parse(text).map(String::from),
                    Err(*rule),
                    "{text:?}"
                );
            }
        }
    }

    #[test]
    fn an_address_may_have_2048_bytes_and_not_one_more() {
        let fits = format!("https://a.example/{}", "x".repeat(2048 - 18));
        assert_eq!(fits.len(), 2048);
        assert!(BaseUrl::parse(&fits).is_ok());
        assert_eq!(
            BaseUrl::parse(&format!("{fits}x")).map(String::from),
            Err(TooLong)
        );
        // Short as written, long once escaped.
        let swells = format!("https://a.example/{}", "é".repeat(900));
        assert_eq!(BaseUrl::parse(&swells).map(String::from), Err(TooLong));
    }

    #[test]
    fn an_error_does_not_repeat_a_password_in_the_address() {
        let error = BaseUrl::parse("https://ana:hunter2@a.example").expect_err("refused");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
