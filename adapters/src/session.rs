//! One connection's way to its CRM: sends requests, judges answers, keeps the evidence.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use http::{HeaderName, HeaderValue};
use leadrail_outbound::{Outbound, Received};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use crate::budget::{CallBudget, call_budget};
use crate::classify::{Answer, Effect, Fault, classify};
use crate::contract::CrmInfo;
use crate::error::{AdapterError, AdapterResult};
use crate::evidence::{Exchange, KEPT_REQUEST_BODY, KEPT_RESPONSE_BODY, Scrubber};
use crate::request::CrmRequest;
use crate::target::{Settings, SetupError, Target};

/// The most that is read of an answer's body, in bytes.
pub const MAX_RESPONSE_BODY: usize = 256 * 1024;

/// The secrets of one connection and the way they are used.
#[derive(Clone)]
pub struct Credentials {
    method: String,
    secrets: BTreeMap<String, SecretString>,
}

impl Credentials {
    /// Credentials for an [`AuthMethod`](crate::AuthMethod), by its id.
    pub fn new(method: impl Into<String>) -> Self {
        Credentials {
            method: method.into(),
            secrets: BTreeMap::new(),
        }
    }

    /// Adds a secret. White space around it, as pasting leaves it, is dropped when it is used.
    pub fn with(mut self, name: impl Into<String>, secret: SecretString) -> Self {
        self.secrets.insert(name.into(), secret);
        self
    }

    fn secret(&self, name: &str) -> &str {
        let secret = self.secrets.get(name);
        secret.map_or("", |secret| secret.expose_secret().trim())
    }
}

/// One connection, open for calls. Made anew for each activity, so that it always has the
/// connection's current credentials.
pub struct Session {
    http: Outbound,
    target: Target,
    credentials: Credentials,
    scrubber: Scrubber,
    exchanges: Mutex<Vec<Exchange>>,
    budget: Mutex<Option<CallBudget>>,
}

impl Session {
    /// Opens a session, or says what is wrong with the connection. Nothing is sent.
    pub fn new(
        http: &Outbound,
        target: Target,
        credentials: Credentials,
    ) -> Result<Self, SetupError> {
        let target = target.with_auth(&credentials.method)?;
        for &name in target.auth().secrets {
            let secret = credentials.secret(name);
            if secret.is_empty() {
                return Err(SetupError::MissingSecret {
                    crm: target.crm().title,
                    name,
                });
            }
            // No CRM gives out others; a pasted one has caught something on the way.
            if !secret
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' ')
            {
                return Err(SetupError::MalformedSecret { name });
            }
        }
        let secrets = credentials.secrets.values();
        let scrubber = Scrubber::new(secrets.map(|secret| secret.expose_secret().trim()));
        Ok(Session {
            http: http.clone(),
            target,
            credentials,
            scrubber,
            exchanges: Mutex::default(),
            budget: Mutex::default(),
        })
    }

    /// The CRM behind it.
    pub fn crm(&self) -> &'static CrmInfo {
        self.target.crm()
    }

    /// Where the requests go.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What the connection sets.
    pub fn settings(&self) -> &Settings {
        self.target.settings()
    }

    /// Sends a request once, and reads a 2xx answer as JSON.
    ///
    /// Whatever happens is recorded, and what it means is decided by [`classify`]: JSON that is
    /// not the expected answer leaves a write ambiguous.
    pub async fn send<T: DeserializeOwned>(&self, request: CrmRequest) -> AdapterResult<T> {
        let started = Instant::now();
        let received = self
            .http
            .call(
                self.wire(&request)?,
                self.target.call_timeout(),
                MAX_RESPONSE_BODY,
            )
            .await;
        self.note_budget(&received);
        let result = self.judge(&request, &received);
        let mut exchange = self.evidence(&request, &received);
        exchange.duration_ms = started.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        exchange.error = result.as_ref().err().map(|error| error.reason().to_owned());
        self.exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(exchange);
        result
    }

    /// Hands over what has been recorded since the last time, oldest first.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        std::mem::take(
            &mut *self
                .exchanges
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// What the CRM last said of its budget of calls, if it did since this was last asked.
    pub fn take_budget(&self) -> Option<CallBudget> {
        self.budget
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn note_budget(&self, received: &Received) {
        let headers = received.head.as_ref().map(|head| &head.1);
        if let Some(budget) = headers.and_then(call_budget) {
            *self.budget.lock().unwrap_or_else(PoisonError::into_inner) = Some(budget);
        }
    }

    /// The request as bytes on the wire.
    fn wire(&self, request: &CrmRequest) -> AdapterResult<reqwest::Request> {
        let mut wire = reqwest::Request::new(request.method().clone(), self.target.url(request));
        for (name, value) in self.headers(request) {
            let value = HeaderValue::from_str(&value);
            let mut value = value.map_err(|_| self.unsendable(request.effect()))?;
            value.set_sensitive(name == "authorization");
            wire.headers_mut()
                .append(HeaderName::from_static(name), value);
        }
        if let Some(body) = request.body() {
            *wire.body_mut() = Some(body.to_string().into());
        }
        Ok(wire)
    }

    fn headers(&self, request: &CrmRequest) -> Vec<(&'static str, String)> {
        self.target
            .headers(request, |name| self.credentials.secret(name).to_owned())
    }

    fn unsendable(&self, effect: Effect) -> AdapterError {
        self.fault(
            effect,
            Answer {
                head: None,
                fault: Some(Fault::Unsendable),
            },
        )
    }

    fn judge<T: DeserializeOwned>(
        &self,
        request: &CrmRequest,
        received: &Received,
    ) -> AdapterResult<T> {
        classify(self.crm(), request.effect(), &Answer::from(received))
            .map_err(|error| error.with_body(&received.body))?;
        serde_json::from_slice(&received.body).map_err(|_| {
            let answer = Answer {
                fault: Some(Fault::InvalidJson),
                ..Answer::from(received)
            };
            self.fault(request.effect(), answer)
        })
    }

    fn fault(&self, effect: Effect, answer: Answer<'_>) -> AdapterError {
        let judged = classify(self.crm(), effect, &answer);
        judged.expect_err("an answer with a fault is never a success")
    }

    fn evidence(&self, request: &CrmRequest, received: &Received) -> Exchange {
        let scrubber = &self.scrubber;
        let sent = request.body().map(|body| body.to_string().into_bytes());
        let (status, headers) = received
            .head
            .as_ref()
            .map_or_else(Default::default, |head| {
                (Some(head.0.as_u16()), scrubber.headers(&head.1))
            });
        Exchange {
            activity: request.activity().to_owned(),
            method: request.method().to_string(),
            url: scrubber.url(self.target.url(request), request),
            request_headers: self
                .headers(request)
                .iter()
                .map(|(name, value)| scrubber.header(name, value.as_bytes()))
                .collect(),
            request_body: sent.and_then(|body| scrubber.keep(&body, KEPT_REQUEST_BODY, true)),
            status,
            response_headers: headers,
            response_body: scrubber.keep(
                &received.body,
                KEPT_RESPONSE_BODY,
                received.fault.is_none(),
            ),
            duration_ms: 0,
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::housecall_pro::HOUSECALL_PRO;
    use leadrail_outbound::Guard;

    fn open(method: &str, name: &str, secret: &str) -> Result<Session, SetupError> {
        let credentials = Credentials::new(method).with(name, SecretString::from(secret));
        let target = Target::new(&HOUSECALL_PRO)?;
        let http = Outbound::new(Guard::public_only()).unwrap();
        Session::new(&http, target, credentials)
    }

    fn authorization(session: &Session) -> String {
        let request = CrmRequest::new("test", Effect::Read, http::Method::GET, "/company");
        let headers = session.headers(&request);
        let found = headers
            .into_iter()
            .find(|(name, _)| *name == "authorization");
        found.unwrap().1
    }

    #[test]
    fn each_way_in_makes_its_own_header() {
        let key = open("api_key", "api_key", "k-1234").unwrap();
        assert_eq!(authorization(&key), "Token k-1234");
        let token = open("bearer_token", "access_token", "t-1234").unwrap();
        assert_eq!(authorization(&token), "Bearer t-1234");
    }

    #[test]
    fn a_key_pasted_with_its_line_break_still_works() {
        let session = open("api_key", "api_key", " k-1234\r\n").unwrap();
        assert_eq!(authorization(&session), "Token k-1234");
    }

    #[test]
    fn a_connection_with_unusable_secrets_is_not_opened() {
        let fault = |method, name, secret| open(method, name, secret).err().unwrap();
        let missing = SetupError::MissingSecret {
            crm: "Housecall Pro",
            name: "api_key",
        };
        assert_eq!(fault("api_key", "api_key", " \n"), missing);
        assert_eq!(fault("api_key", "other", "k-1234"), missing);
        for secret in ["k\r\nx-evil: 1", "k\0", "kéy"] {
            let malformed = SetupError::MalformedSecret { name: "api_key" };
            assert_eq!(fault("api_key", "api_key", secret), malformed);
        }
        assert!(matches!(
            fault("basic", "api_key", "k"),
            SetupError::AuthMethod { .. }
        ));
    }
}
