//! What is kept of a call: enough to explain a dead letter, and no secret.
//!
//! Header names and their order are all kept; values only of headers that are known to be
//! harmless. Query values that are personal data become their length. Bodies are kept up to a
//! bound, because they are the reason why a lead was refused; they hold personal data, so an
//! [`Exchange`] is neither `Debug` nor fit for a log.

use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;
use url::form_urlencoded;

use crate::request::CrmRequest;

/// The longest request body that is kept, in bytes.
pub const KEPT_REQUEST_BODY: usize = 16 * 1024;
/// The longest answer that is kept, in bytes.
pub const KEPT_RESPONSE_BODY: usize = 4 * 1024;
/// The most answer headers that are kept, and the longest value of one, in bytes.
const KEPT_HEADERS: usize = 64;
const KEPT_HEADER_VALUE: usize = 512;

/// What a secret becomes wherever it turns up.
const SCRUBBED: &str = "[secret]";

/// Headers whose values say nothing about anybody.
const HARMLESS_HEADERS: [&str; 22] = [
    "accept",
    "age",
    "allow",
    "cache-control",
    "cf-ray",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "date",
    "etag",
    "retry-after",
    "server",
    "strict-transport-security",
    "transfer-encoding",
    "user-agent",
    "vary",
    "via",
    "x-correlation-id",
    "x-request-id",
    "x-runtime",
];

/// One call to a CRM as history keeps it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The step it was made for.
    pub activity: String,
    /// The HTTP method.
    pub method: String,
    /// The URL; query values that are personal data are replaced by their length.
    pub url: String,
    /// The headers we set, in order.
    pub request_headers: Vec<(String, HeaderValue)>,
    /// What we sent, up to [`KEPT_REQUEST_BODY`].
    pub request_body: Option<KeptText>,
    /// The status, when one came.
    pub status: Option<u16>,
    /// The answer's headers, in order.
    pub response_headers: Vec<(String, HeaderValue)>,
    /// What came back, up to [`KEPT_RESPONSE_BODY`].
    pub response_body: Option<KeptText>,
    /// From the start of the call to its end, connecting included.
    pub duration_ms: u64,
    /// The reason code, when the call did not end well.
    pub error: Option<String>,
}

/// The value of a header, or only its shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeaderValue {
    /// A harmless value.
    Shown(String),
    /// A value that is not kept.
    Redacted {
        /// Always `true`.
        redacted: bool,
        /// Its length in bytes.
        len: usize,
    },
}

/// A text of bounded length without secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptText {
    /// The beginning of the text. Bytes that are not UTF-8, and NUL, become U+FFFD.
    pub text: String,
    /// How long the whole was, in bytes, as far as it was read.
    pub bytes: usize,
    /// Whether anything is missing from `text`.
    pub truncated: bool,
}

/// Knows the secrets of one connection and takes them out of any text.
pub(crate) struct Scrubber {
    /// Every way a secret may be spelled, the longest first.
    spellings: Vec<SecretString>,
}

impl Scrubber {
    pub(crate) fn new<'s>(secrets: impl Iterator<Item = &'s str>) -> Self {
        let mut spellings: Vec<String> = secrets.flat_map(spellings).collect();
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        spellings.dedup();
        let spellings = spellings.into_iter().map(SecretString::from).collect();
        Scrubber { spellings }
    }

    /// The text without secrets, and without the NUL that PostgreSQL cannot store.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut text = text.replace('\0', "\u{FFFD}");
        for spelling in &self.spellings {
            if text.contains(spelling.expose_secret()) {
                text = text.replace(spelling.expose_secret(), SCRUBBED);
            }
        }
        text
    }

    /// Scrubs the whole before it is cut, or half a secret would stay at the edge.
    pub(crate) fn keep(&self, body: &[u8], limit: usize, complete: bool) -> Option<KeptText> {
        if body.is_empty() {
            return None;
        }
        let mut text = self.scrub(&String::from_utf8_lossy(body));
        let truncated = !complete || text.len() > limit;
        text.truncate(text.floor_char_boundary(limit));
        Some(KeptText {
            text,
            bytes: body.len(),
            truncated,
        })
    }

    /// The URL of a request as evidence.
    pub(crate) fn url(&self, mut url: Url, request: &CrmRequest) -> String {
        if request.query_pairs().is_empty() {
            return self.scrub(url.as_str());
        }
        url.set_query(None);
        let shown = request
            .query_pairs()
            .iter()
            .map(|pair| match pair.personal {
                true => format!("{}=[{} characters]", pair.name, pair.value.chars().count()),
                false => {
                    let value: String =
                        form_urlencoded::byte_serialize(pair.value.as_bytes()).collect();
                    format!("{}={value}", pair.name)
                }
            });
        let query: Vec<String> = shown.collect();
        self.scrub(&format!("{url}?{}", query.join("&")))
    }

    /// One header as evidence.
    pub(crate) fn header(&self, name: &str, value: &[u8]) -> (String, HeaderValue) {
        let harmless = HARMLESS_HEADERS.contains(&name) || name.contains("ratelimit");
        let shown = if harmless && value.len() <= KEPT_HEADER_VALUE {
            HeaderValue::Shown(self.scrub(&String::from_utf8_lossy(value)))
        } else {
            HeaderValue::Redacted {
                redacted: true,
                len: value.len(),
            }
        };
        (self.scrub(name), shown)
    }

    /// The headers of an answer as evidence.
    pub(crate) fn headers(&self, headers: &HeaderMap) -> Vec<(String, HeaderValue)> {
        let each = headers.iter().take(KEPT_HEADERS);
        each.map(|(name, value)| self.header(name.as_str(), value.as_bytes()))
            .collect()
    }
}

/// A secret as it is, as it stands in a URL, in a form, and in JSON. Three characters are no
/// secret, and scrubbing them would only garble the evidence.
fn spellings(secret: &str) -> Vec<String> {
    if secret.len() < 4 {
        return Vec::new();
    }
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    vec![
        secret.to_owned(),
        form.replace('+', "%20"),
        json.replace('/', "\\/"),
        json,
        form,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cr3t/key+\"x\" y";

    fn scrubber() -> Scrubber {
        Scrubber::new(["abc", SECRET].into_iter())
    }

    #[test]
    fn a_secret_is_scrubbed_in_every_spelling() {
        let scrubber = scrubber();
        for spelling in [
            "s3cr3t/key+\"x\" y",
            "s3cr3t%2Fkey%2B%22x%22+y",
            "s3cr3t%2Fkey%2B%22x%22%20y",
            "s3cr3t/key+\\\"x\\\" y",
            "s3cr3t\\/key+\\\"x\\\" y",
        ] {
            assert_eq!(
                scrubber.scrub(&format!("<{spelling}>")),
                "<[secret]>",
                "{spelling}"
            );
        }
    }

    #[test]
    fn a_secret_on_the_edge_of_what_is_kept_leaves_no_half() {
        let body = format!("{}{SECRET}", "x".repeat(KEPT_RESPONSE_BODY - 5));
        let kept = scrubber()
            .keep(body.as_bytes(), KEPT_RESPONSE_BODY, true)
            .unwrap();
        assert!(!kept.text.contains("s3c"), "half a secret is left");
        assert!(kept.truncated && kept.text.len() <= KEPT_RESPONSE_BODY);
        assert_eq!(kept.bytes, body.len());
    }

    #[test]
    fn what_is_kept_is_valid_text_that_postgres_can_store() {
        let kept = scrubber().keep(b"a\0b\xFFc\xC3", 100, false).unwrap();
        assert_eq!(kept.text, "a\u{FFFD}b\u{FFFD}c\u{FFFD}");
        assert!(kept.truncated);
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        let kept = scrubber().keep("ééé".as_bytes(), 3, true).unwrap();
        assert_eq!(kept.text, "é");
    }

    #[test]
    fn only_harmless_headers_keep_their_values() {
        let scrubber = scrubber();
        let value = |name: &str, value: &str| scrubber.header(name, value.as_bytes()).1;
        for name in [
            "authorization",
            "cookie",
            "set-cookie",
            "location",
            "st-app-key",
            "x-new",
        ] {
            let redacted = HeaderValue::Redacted {
                redacted: true,
                len: 5,
            };
            assert_eq!(value(name, "abcde"), redacted, "{name}");
        }
        assert_eq!(value("retry-after", "30"), HeaderValue::Shown("30".into()));
        assert_eq!(
            value("x-ratelimit-remaining", "9"),
            HeaderValue::Shown("9".into())
        );
        assert_eq!(
            value("server", SECRET),
            HeaderValue::Shown("[secret]".into())
        );
    }

    #[test]
    fn a_redacted_header_is_stored_as_its_shape() {
        let stored = serde_json::to_value(scrubber().header("cookie", b"12345")).unwrap();
        assert_eq!(
            stored,
            serde_json::json!(["cookie", { "redacted": true, "len": 5 }])
        );
    }
}
