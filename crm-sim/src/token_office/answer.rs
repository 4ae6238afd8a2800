//! What a token endpoint answers, RFC 6749 sections 5.1 and 5.2.

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::issuing::Issued;
use crate::reply::Reply;

/// Why no token was issued.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// The body cannot be read or lacks a field.
    InvalidRequest,
    /// The client is unknown or its secret is wrong. `is_basic`: it signed in by HTTP Basic.
    InvalidClient { is_basic: bool },
    /// The code or refresh token is unknown, over, used, revoked or another client's.
    InvalidGrant,
    /// The CRM issues no tokens for that.
    UnsupportedGrantType,
}

impl Refusal {
    /// The `error` of the answer.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient { .. } => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
        }
    }

    /// 400, or 401 for a client that signed in by HTTP Basic.
    pub(crate) fn into_reply(self) -> Reply {
        let body = json!({"error": self.code()});
        match self {
            Self::InvalidClient { is_basic: true } => {
                let asks = HeaderValue::from_static("Basic");
                Reply::json(StatusCode::UNAUTHORIZED, &body)
                    .with_header(header::WWW_AUTHENTICATE, asks)
            }
            _ => Reply::json(StatusCode::BAD_REQUEST, &body),
        }
    }
}

impl Issued {
    /// The answer's body; `expires_in` is in seconds.
    pub(crate) fn to_json(&self) -> Value {
        let mut body = json!({
            "access_token": self.access_token,
            "expires_in": self.life.as_secs(),
            "token_type": "Bearer",
        });
        if let Some(token) = &self.refresh_token {
            body["refresh_token"] = json!(token);
        }
        body
    }

    pub(crate) fn to_reply(&self) -> Reply {
        let no_store = HeaderValue::from_static("no-store");
        Reply::json(StatusCode::OK, &self.to_json()).with_header(header::CACHE_CONTROL, no_store)
    }
}
