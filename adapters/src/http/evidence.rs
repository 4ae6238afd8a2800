//! What is kept of a call: enough to explain a dead letter, and no secret.
//!
//! Of a call that ended well: what was asked, the status, and how long it took. Its bodies would
//! tell of strangers whom a fuzzy search found, and what came of it is the step's result anyway.
//!
//! Of a call that did not: header names and their order are all kept; values only of headers that
//! are known to be harmless. Query values that are personal data become their length. Bodies are
//! kept up to a bound, because they are the reason why a lead was refused, but for records that a look-up was answered
//! with: those are other people's. They hold personal data, so an [`Exchange`] is neither `Debug` nor fit for a log.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use http::HeaderMap;
use leadrail_outbound::Received;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::answer::Effect;
use super::error::AdapterError;
use super::keys::Keys;
use super::named_secrets;
use super::request::CrmRequest;
use super::target::Target;

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
    /// The headers we set, in order; none of a call that ended well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request_headers: Vec<(String, HeaderValue)>,
    /// What we sent, up to [`KEPT_REQUEST_BODY`]; not of a call that ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_body: Option<KeptText>,
    /// The status, when one came.
    pub status: Option<u16>,
    /// The answer's headers, in order; none of a call that ended well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub response_headers: Vec<(String, HeaderValue)>,
    /// What came back, up to [`KEPT_RESPONSE_BODY`]; not of a call that ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_body: Option<KeptText>,
    /// From the start of the call to its end, connecting included.
    pub duration_ms: u64,
    /// The reason code, when the call did not end well.
    pub error: Option<String>,
}

impl Exchange {
    /// What is kept of a call that ended well. The caller adds the step and the time it took.
    pub(crate) fn of_success(
        request: &CrmRequest,
        keys: &Keys,
        target: &Target,
        received: &Received,
    ) -> Self {
        let wire = keys.masked(request, target);
        Self {
            activity: String::new(),
            method: request.method().to_string(),
            url: keys.scrubber.scrub(&wire.shown_url()),
            request_headers: Vec::new(),
            request_body: None,
            status: received.head.as_ref().map(|head| head.0.as_u16()),
            response_headers: Vec::new(),
            response_body: None,
            duration_ms: 0,
            error: None,
        }
    }

    /// What is kept of a call that did not end well.
    pub(crate) fn of_failure(
        request: &CrmRequest,
        keys: &Keys,
        target: &Target,
        received: &Received,
        error: &AdapterError,
    ) -> Self {
        let scrubber = &keys.scrubber;
        let wire = keys.wire(request, target);
        let sent = keys.masked(request, target).body_text();
        let head = received.head.as_ref();
        Self {
            request_headers: wire
                .headers
                .iter()
                .map(|header| scrubber.header(header.name, header.value.as_bytes()))
                .collect(),
            request_body: sent
                .and_then(|body| scrubber.keep(body.as_bytes(), KEPT_REQUEST_BODY, true)),
            response_headers: head.map_or_else(Vec::new, |head| scrubber.headers(&head.1)),
            response_body: answered(request, received, scrubber),
            error: Some(error.reason().to_owned()),
            ..Self::of_success(request, keys, target, received)
        }
    }
}

/// What is kept of the answer to a call that did not end well. A look-up that was answered with
/// records, however useless they were, tells of other people: of that only what it says of errors is
/// kept, and how long it was.
fn answered(request: &CrmRequest, received: &Received, scrubber: &Scrubber) -> Option<KeptText> {
    let (body, complete) = (&received.body, received.fault.is_none());
    let head = received.head.as_ref();
    let has_records = head.is_some_and(|(status, _)| status.is_success());
    if request.effect() == Effect::Write || !has_records {
        return scrubber.keep(body, KEPT_RESPONSE_BODY, complete);
    }
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let errors = parsed.get("errors");
    let errors = errors.map(|errors| json!({ "errors": errors }).to_string());
    let kept = scrubber.keep(
        errors.unwrap_or_default().as_bytes(),
        KEPT_RESPONSE_BODY,
        false,
    );
    let nothing = || KeptText {
        text: String::new(),
        bytes: 0,
        truncated: true,
    };
    (!body.is_empty()).then(|| KeptText {
        bytes: body.len(),
        ..kept.unwrap_or_else(nothing)
    })
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

    /// Also without what is a secret by its name, such as a token that we were given just now. Scrubs the whole
    /// before it is cut, or half a secret would stay at the edge.
    pub(crate) fn keep(&self, body: &[u8], limit: usize, complete: bool) -> Option<KeptText> {
        if body.is_empty() {
            return None;
        }
        let text = self.scrub(&String::from_utf8_lossy(body));
        let mut text = named_secrets::masked(&text, SCRUBBED);
        let truncated = !complete || text.len() > limit;
        text.truncate(text.floor_char_boundary(limit));
        Some(KeptText {
            text,
            bytes: body.len(),
            truncated,
        })
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

/// A secret as it is, as it stands in a URL, in a form, in JSON, and in base64 (as in `Basic`). Three
/// characters are no secret, and scrubbing them would only garble the evidence.
fn spellings(secret: &str) -> Vec<String> {
    if secret.len() < 4 {
        return Vec::new();
    }
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    let plain = [
        secret.to_owned(),
        form.replace('+', "%20"),
        json.replace('/', "\\/"),
        json,
        form,
    ];
    plain.into_iter().chain(in_base64(secret)).collect()
}

/// What base64 has of a secret wherever it stands in what was encoded: three ways, by what comes before it,
/// each without the characters at its ends that also tell of others.
fn in_base64(secret: &str) -> impl Iterator<Item = String> {
    let each = (0..3).map(move |before| {
        let text = BASE64_STANDARD_NO_PAD.encode([&[0; 2][..before], secret.as_bytes()].concat());
        let own = [0, 2, 3][before]..(before + secret.len()) * 8 / 6;
        text[own].to_owned()
    });
    let each = each.filter(|text| text.len() >= 6);
    each.flat_map(|text| [text.replace('+', "-").replace('/', "_"), text])
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
    fn a_secret_is_scrubbed_from_base64_whatever_stands_around_it() {
        for before in ["", "u", "us", "user:"] {
            for after in ["", ":", "tail"] {
                let encoded = BASE64_STANDARD_NO_PAD.encode(format!("{before}{SECRET}{after}"));
                let kept = scrubber().scrub(&format!("Basic {encoded}"));
                assert!(kept.contains("[secret]") && kept.len() < 30, "{kept}");
            }
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
