//! The language of faults: which requests a rule meets and what it does to them.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One line of a fault plan.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Which requests it meets; every request if left out.
    #[serde(rename = "match", default)]
    pub matching: FaultMatch,
    /// What happens to them.
    pub fault: Fault,
}

/// Which requests a rule meets. What is left out does not restrict.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultMatch {
    /// HTTP method, upper case: `POST`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Start of the path below the CRM's base URL, or of its template: `/leads`, or
    /// `/api/graphql#requestCreate()` for one call of a GraphQL API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// The company whose key the request carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Text in a decoded query value or in the body as sent, such as a phone number's digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// The first so many requests it meets pass unharmed.
    pub skip: u64,
    /// It fires at most so often; unlimited if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// It fires only within so many milliseconds after it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u64>,
    /// Chance, 0.0 to 1.0, that it fires on a request it meets; always if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Seeds the chance: with the same seed, the n-th request met has the same fate.
    pub seed: u64,
}

/// What happens to a request. "Takes effect" means that the CRM handles it as documented, so a
/// faulty request (wrong key, invalid body) changes nothing here either.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// No effect; the connection is closed without an answer.
    Down {},
    /// No effect; answers `status` with `body` (a string as text, anything else as JSON).
    StatusBefore {
        /// 200 to 599.
        status: u16,
        /// The status' own name as text if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
    },
    /// Takes effect, then answers `status` as if it had not.
    StatusAfter {
        /// 200 to 599.
        status: u16,
        /// The status' own name as text if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
    },
    /// No effect; nothing is answered for `hang_ms`, then the connection is closed.
    TimeoutBefore {
        /// Milliseconds, 60,000 if left out.
        #[serde(default = "one_minute")]
        hang_ms: u64,
    },
    /// Takes effect; nothing is answered for `hang_ms`, then the connection is closed.
    TimeoutAfter {
        /// Milliseconds, 60,000 if left out.
        #[serde(default = "one_minute")]
        hang_ms: u64,
    },
    /// Takes effect; the connection is closed without an answer.
    ResetAfter {},
    /// Like `timeout_before`, but the effect lands `delay_ms` after the request came, whether or
    /// not the caller is still there.
    LateEffect {
        /// Milliseconds from the request to its effect.
        delay_ms: u64,
        /// Milliseconds, 60,000 if left out.
        #[serde(default = "one_minute")]
        hang_ms: u64,
    },
    /// No effect; 429, or whatever says it, in the CRM's own words.
    Throttle {
        /// No `Retry-After` header if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<RetryAfter>,
    },
    /// No effect; 401 in the CRM's own words.
    Unauthorized {},
    /// No effect; the CRM's own refusal of a content (422, 400, or errors on 200), or 422 with `body`.
    Reject {
        /// Replaces the CRM's own body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
    },
    /// Takes effect; the head comes at once, the body drips.
    SlowBytes {
        /// At least 1.
        bytes_per_second: u32,
    },
    /// Takes effect; the true status comes with an HTML page for a body.
    InvalidJson {},
    /// Takes effect; the true status comes with a JSON body of that size, without a length header.
    HugeBody {
        /// Size of the body.
        bytes: u64,
    },
    /// No effect; sends the caller elsewhere.
    Redirect {
        /// 300 to 399.
        status: u16,
        /// Sent as it stands in the `Location` header.
        location: String,
    },
}

/// What a throttled caller is told.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RetryAfter {
    /// Whole seconds.
    Seconds(u64),
    /// Any header text: an HTTP date, or nonsense.
    Text(String),
}

/// Why a rule cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRule(&'static str);

impl FaultRule {
    /// Refuses numbers that HTTP or probability theory has no place for.
    pub(crate) fn check(&self) -> Result<(), InvalidRule> {
        if self
            .matching
            .probability
            .is_some_and(|chance| !(0.0..=1.0).contains(&chance))
        {
            return Err(InvalidRule("probability must be between 0 and 1"));
        }
        self.fault.check()
    }
}

impl Fault {
    /// The name used in rules, in the request log and in counts.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Down {} => "down",
            Self::StatusBefore { .. } => "status_before",
            Self::StatusAfter { .. } => "status_after",
            Self::TimeoutBefore { .. } => "timeout_before",
            Self::TimeoutAfter { .. } => "timeout_after",
            Self::ResetAfter {} => "reset_after",
            Self::LateEffect { .. } => "late_effect",
            Self::Throttle { .. } => "throttle",
            Self::Unauthorized {} => "unauthorized",
            Self::Reject { .. } => "reject",
            Self::SlowBytes { .. } => "slow_bytes",
            Self::InvalidJson {} => "invalid_json",
            Self::HugeBody { .. } => "huge_body",
            Self::Redirect { .. } => "redirect",
        }
    }

    fn check(&self) -> Result<(), InvalidRule> {
        let fault = match self {
            Self::StatusBefore { status, .. } | Self::StatusAfter { status, .. } => {
                (!(200..600).contains(status)).then_some("status must be 200 to 599")
            }
            Self::Redirect { status, .. } if !(300..400).contains(status) => {
                Some("a redirect's status must be 300 to 399")
            }
            Self::Redirect { location, .. } => HeaderValue::from_str(location)
                .is_err()
                .then_some("location must be fit for a header"),
            Self::Throttle {
                retry_after: Some(after),
            } => after
                .header()
                .is_none()
                .then_some("retry_after must be fit for a header"),
            Self::SlowBytes {
                bytes_per_second: 0,
            } => Some("bytes_per_second must be at least 1"),
            _ => None,
        };
        fault.map_or(Ok(()), |reason| Err(InvalidRule(reason)))
    }
}

impl RetryAfter {
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        match self {
            Self::Seconds(seconds) => Some(HeaderValue::from(*seconds)),
            Self::Text(text) => HeaderValue::from_str(text).ok(),
        }
    }
}

/// A status that [`FaultRule::check`] has seen.
pub(crate) fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(crate) fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn one_minute() -> u64 {
    60_000
}
