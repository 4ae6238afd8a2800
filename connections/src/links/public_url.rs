//! The address under which people outside reach us.

use std::fmt;
use std::str::FromStr;

use leadrail_outbound::BaseUrl;
use url::Url;

use super::LinkId;

/// The address under which people outside reach us, such as `https://leads.example.com`: `https`, or
/// `http` on this machine; no query, and no slash at the end.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    url: String,
    host: String,
}

/// It is no address for people outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address such as https://leads.example.com, without a password, ? or #")]
pub struct PublicUrlError;

impl PublicUrl {
    /// Its host, without a port: under this name the API is called.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address of a link.
    #[must_use]
    pub fn link(&self, id: &LinkId) -> String {
        format!("{}/r/{}", self.url, id.as_str())
    }

    /// The address, with no slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let base = BaseUrl::parse(text.trim()).map_err(|_| PublicUrlError)?;
        let url = base.as_str().to_owned();
        let base = Url::from(base);
        let host = base.host_str().ok_or(PublicUrlError)?.to_owned();
        Ok(Self { url, host })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicUrl({})", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_address_that_a_path_can_follow() {
        let rows = [
            (
                "https://leads.example.com",
                "leads.example.com",
                "https://leads.example.com/r/",
            ),
            (
                "https://Example.com:8443/x/",
                "example.com",
                "https://example.com:8443/x/r/",
            ),
            (
                "http://127.0.0.1:4000",
                "127.0.0.1",
                "http://127.0.0.1:4000/r/",
            ),
            ("http://[::1]:4000", "[::1]", "http://[::1]:4000/r/"),
        ];
        let id = super::super::LinkKey::new([1; 32]);
        let id = id.id(
            leadrail_engine::RunId::new(),
            super::super::LinkKind::Recording,
        );
        for (text, host, link) in rows {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!(url.host(), host);
            assert_eq!(url.link(&id), format!("{link}{}", id.as_str()));
        }
        for text in [
            "",
            "leads.example.com",
            "http://leads.example.com",
            "ftp://a",
            "https://u:p@a",
            "https://a?b",
            "https://a#b",
        ] {
            assert_eq!(text.parse::<PublicUrl>(), Err(PublicUrlError), "{text}");
        }
    }
}
