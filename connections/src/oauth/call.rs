//! The HTTP function under the `oauth2` crate: our guarded client, the provider's manners, and whether a
//! request may have been heard of which no answer came.

use std::pin::Pin;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use leadrail_adapters::oauth::{BodyStyle, Provider};
use leadrail_adapters::retry_after;
use leadrail_outbound::{Fault, Outbound, Received};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use secrecy::zeroize::Zeroizing;
use serde_json::{Map, Value};
use url::form_urlencoded;

/// More than any answer with tokens has.
const MAX_BODY: usize = 64 * 1024;

/// Why a token request brought no answer that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallFault {
    /// No byte of it left.
    #[error("the provider could not be reached")]
    NotSent,
    /// It may have been heard and done: the answer was lost, or says nothing.
    #[error("the provider's answer was lost")]
    Lost,
    /// The provider says that it failed, sends us elsewhere, or asks for patience. Nothing was done.
    #[error("the provider failed (HTTP {status})")]
    Failed {
        /// The status.
        status: u16,
        /// How long it asked to be left alone.
        retry_after: Option<Duration>,
    },
}

impl CallFault {
    /// How long the provider asked to be left alone, if it did.
    pub(crate) fn asks_for(self) -> Option<Duration> {
        match self {
            Self::Failed { retry_after, .. } => retry_after,
            Self::NotSent | Self::Lost => None,
        }
    }
}

/// Makes token requests of one provider.
pub(crate) struct Caller {
    pub(crate) provider: &'static Provider,
    pub(crate) http: Outbound,
    /// From connecting to the end of the answer.
    pub(crate) within: Duration,
}

impl<'c> AsyncHttpClient<'c> for Caller {
    type Error = CallFault;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, CallFault>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.once(request))
    }
}

impl Caller {
    /// Makes the call once.
    async fn once(&self, request: HttpRequest) -> Result<HttpResponse, CallFault> {
        let request = self.written(request).ok_or(CallFault::NotSent)?;
        let received = self.http.call(request, self.within, MAX_BODY).await;
        judged(received)
    }

    fn written(&self, request: HttpRequest) -> Option<reqwest::Request> {
        let (mut head, body) = request.into_parts();
        let body = Zeroizing::new(body);
        if let Some(value) = head.headers.get_mut(header::AUTHORIZATION) {
            value.set_sensitive(true);
        }
        let body = match self.provider.body {
            BodyStyle::Form => body.to_vec(),
            BodyStyle::Json => {
                let json = HeaderValue::from_static("application/json");
                head.headers.insert(header::CONTENT_TYPE, json);
                let pairs = form_urlencoded::parse(&body).into_owned();
                let fields: Map<String, Value> =
                    pairs.map(|(name, value)| (name, value.into())).collect();
                serde_json::to_vec(&fields).ok()?
            }
        };
        reqwest::Request::try_from(http::Request::from_parts(head, body)).ok()
    }
}

fn judged(received: Received) -> Result<HttpResponse, CallFault> {
    if let Some(fault) = received.fault {
        return Err(match fault {
            Fault::Unsendable | Fault::Forbidden | Fault::Dns | Fault::Connect | Fault::Tls => {
                CallFault::NotSent
            }
            Fault::Timeout | Fault::ConnectionLost | Fault::BodyTooLarge => CallFault::Lost,
        });
    }
    let body = Zeroizing::new(received.body);
    let (status, headers) = received.head.ok_or(CallFault::Lost)?;
    if status.is_server_error()
        || status.is_redirection()
        || status == StatusCode::TOO_MANY_REQUESTS
    {
        return Err(failed(status, &headers));
    }
    let (status, body) = readable(status, &body).ok_or(CallFault::Lost)?;
    let mut answer = http::Response::new(body);
    *answer.status_mut() = status;
    Ok(answer)
}

fn failed(status: StatusCode, headers: &HeaderMap) -> CallFault {
    CallFault::Failed {
        status: status.as_u16(),
        retry_after: retry_after(headers),
    }
}

/// The answer as RFC 6749 writes it, whatever this provider's habits: an error on 200, a number as text,
/// no `token_type`. `None` for a success that is no JSON object, of which nobody knows what was done.
fn readable(status: StatusCode, body: &[u8]) -> Option<(StatusCode, Vec<u8>)> {
    let read = serde_json::from_slice::<Map<String, Value>>(body).ok();
    let mut fields = match (status.is_success(), read) {
        (true, read) => read?,
        (false, read) => read.unwrap_or_default(),
    };
    let status = match status.is_success() && fields.contains_key("access_token") {
        true => StatusCode::OK,
        false => StatusCode::BAD_REQUEST,
    };
    if status == StatusCode::OK {
        tidy(&mut fields);
    } else {
        fields = refusal(&fields);
    }
    Some((status, serde_json::to_vec(&fields).ok()?))
}

fn tidy(fields: &mut Map<String, Value>) {
    if !fields.get("token_type").is_some_and(Value::is_string) {
        fields.insert("token_type".to_owned(), "bearer".into());
    }
    if !fields.get("scope").is_some_and(Value::is_string) {
        fields.remove("scope");
    }
    if let Some(told) = fields.remove("expires_in") {
        let number = match &told {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        let seconds = number.filter(|seconds: &f64| (1.0..1e10).contains(seconds));
        if let Some(seconds) = seconds {
            fields.insert("expires_in".to_owned(), (seconds as u64).into());
        }
    }
}

/// Only the code.
fn refusal(fields: &Map<String, Value>) -> Map<String, Value> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let said = text("error").or_else(|| text("status"));
    let code = harmless(said.unwrap_or("no_reason_given"));
    Map::from_iter([("error".to_owned(), Value::from(code))])
}

/// A provider's code in letters that are harmless wherever they stand, 60 at most.
pub(super) fn harmless(code: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    code.chars().filter(plain).take(60).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &str) -> Option<(u16, Value)> {
        let status = StatusCode::from_u16(status).expect("a status");
        let (status, body) = readable(status, body.as_bytes())?;
        let body = serde_json::from_slice(&body).expect("JSON");
        Some((status.as_u16(), body))
    }

    #[test]
    fn each_habit_of_a_provider_is_read_as_the_standard_writes_it() {
        let full = json!({"access_token": "a", "token_type": "bearer", "expires_in": 3600});
        let table = [
            (
                r#"{"access_token":"a","token_type":"bearer","expires_in":3600}"#,
                &full,
            ),
            (r#"{"access_token":"a","expires_in":"3600"}"#, &full),
            (
                r#"{"access_token":"a","expires_in":3600.5,"scope":["b"],"token_type":null}"#,
                &full,
            ),
        ];
        for (body, expected) in table {
            assert_eq!(read(200, body), Some((200, expected.clone())), "{body}");
        }
        let none = json!({"access_token": "a", "token_type": "bearer"});
        for body in [
            r#"{"access_token":"a","expires_in":-1}"#,
            r#"{"access_token":"a","expires_in":"soon"}"#,
            r#"{"access_token":"a","expires_in":1e300}"#,
        ] {
            assert_eq!(read(201, body), Some((200, none.clone())), "{body}");
        }
    }

    #[test]
    fn a_refusal_is_a_code_in_harmless_letters_whatever_its_status() {
        let refused = |code: &str| Some((400, json!({"error": code})));
        assert_eq!(
            read(200, r#"{"error":"invalid_code"}"#),
            refused("invalid_code")
        );
        assert_eq!(
            read(
                400,
                r#"{"error":"invalid_grant","error_description":"canary"}"#
            ),
            refused("invalid_grant")
        );
        assert_eq!(
            read(400, r#"{"status":"BAD_REFRESH_TOKEN","message":"canary"}"#),
            refused("BAD_REFRESH_TOKEN")
        );
        assert_eq!(read(401, "<html>"), refused("no_reason_given"));
        assert_eq!(read(400, r#"{"error":"<b>\u0000x"}"#), refused("bx"));
        assert_eq!(
            read(400, r#"{"error":{"a":1}}"#),
            refused("no_reason_given")
        );
    }

    #[test]
    fn a_success_that_cannot_be_read_is_no_success_and_no_refusal() {
        for body in ["", "<html>", "[]", "\"a\"", "{"] {
            assert_eq!(read(200, body), None, "{body}");
        }
    }

    #[test]
    fn what_never_left_is_told_from_what_nobody_heard_of() {
        let with = |fault| {
            let received = Received {
                fault: Some(fault),
                ..Received::default()
            };
            judged(received).expect_err("no answer")
        };
        for fault in [Fault::Dns, Fault::Connect, Fault::Tls, Fault::Forbidden] {
            assert_eq!(with(fault), CallFault::NotSent, "{fault:?}");
        }
        for fault in [Fault::Timeout, Fault::ConnectionLost, Fault::BodyTooLarge] {
            assert_eq!(with(fault), CallFault::Lost, "{fault:?}");
        }
    }
}
