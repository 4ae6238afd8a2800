//! The address in front of a CRM's API.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::url::{MAX_BYTES, UrlError, check, parse};

/// The address in front of every path of a CRM's API: `https`, or `http` on this machine.
///
/// In its normal form and without a slash at the end, so a path that starts with one follows.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Checks and normalizes an address.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = parse(text)?;
        check(&url)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(UrlError::Tail);
        }
        let normal = url.as_str().trim_end_matches('/');
        if normal.len() > MAX_BYTES {
            return Err(UrlError::TooLong);
        }
        Ok(Self(parse(normal)?))
    }

    /// The address, without a slash at the end.
    pub fn as_str(&self) -> &str {
        // The parser puts one behind a bare host.
        self.0.as_str().trim_end_matches('/')
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

impl FromStr for BaseUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = UrlError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.as_str().to_owned()
    }
}

impl From<BaseUrl> for Url {
    fn from(url: BaseUrl) -> Self {
        url.0
    }
}

#[cfg(test)]
mod tests {
    use super::BaseUrl;
    use crate::{UrlError as Error, UrlError::*};

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
                    "https://[64:ff9b:1::a9fe:a9fe]",
                    "https://[64:ff9b:1:a9fe:a9:fe00::]",
                    "https://[2001:0:a9fe:a9fe::1]",
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
