//! A request to a token endpoint: who the client says it is and what it asks for.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::answer::Refusal;
use crate::call::Call;

/// A token request that can be read, with nothing of it believed yet.
pub(super) struct TokenRequest {
    pub(super) client: String,
    pub(super) secret: String,
    pub(super) asked: Asked,
    /// What a code's challenge was made from.
    pub(super) verifier: Option<String>,
    /// The client signed in by HTTP Basic, and is refused in its manner.
    pub(super) is_basic: bool,
}

/// What is asked for.
pub(super) enum Asked {
    /// A token for the client itself.
    Own,
    /// A token for a code.
    Redeem {
        code: String,
        redirect_uri: Option<String>,
    },
    /// A token for a refresh token.
    Renew { token: String },
    /// Something that RFC 6749 does not know.
    Other,
}

impl TokenRequest {
    /// Reads the body, form-encoded or JSON where that is read, and the client's Basic header.
    pub(super) fn read(call: &Call, reads_json: bool) -> Result<Self, Refusal> {
        let mut fields = fields(call, reads_json).ok_or(Refusal::InvalidRequest)?;
        let basic = call.header("authorization").and_then(basic);
        let is_basic = basic.is_some();
        let (client, secret) = match basic {
            Some(pair) => pair,
            None => (
                fields.remove("client_id").unwrap_or_default(),
                fields.remove("client_secret").unwrap_or_default(),
            ),
        };
        let verifier = fields.remove("code_verifier");
        let asked = asked(&mut fields)?;
        Ok(Self {
            client,
            secret,
            asked,
            verifier,
            is_basic,
        })
    }
}

fn asked(fields: &mut HashMap<String, String>) -> Result<Asked, Refusal> {
    let kind = fields.remove("grant_type");
    let mut needed = |name: &str| fields.remove(name).ok_or(Refusal::InvalidRequest);
    match kind.as_deref() {
        Some("client_credentials") => Ok(Asked::Own),
        Some("authorization_code") => Ok(Asked::Redeem {
            code: needed("code")?,
            redirect_uri: needed("redirect_uri").ok(),
        }),
        Some("refresh_token") => Ok(Asked::Renew {
            token: needed("refresh_token")?,
        }),
        Some(_) => Ok(Asked::Other),
        None => Err(Refusal::InvalidRequest),
    }
}

fn fields(call: &Call, reads_json: bool) -> Option<HashMap<String, String>> {
    if reads_json && call.declares_json() {
        let text = |(name, value)| match value {
            Value::String(text) => Some((name, text)),
            _ => None,
        };
        return Some(call.object()?.into_iter().filter_map(text).collect());
    }
    call.form()
}

fn basic(header: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (client, secret) = text.split_once(':')?;
    Some((client.to_owned(), secret.to_owned()))
}
