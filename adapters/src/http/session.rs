//! One connection's way to its CRM: sends requests, has answers judged, keeps the evidence.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue};
use leadrail_outbound::{Outbound, Received};
use serde::de::DeserializeOwned;
use url::Url;

use super::answer::{Answer, Fault};
use super::budget::CallBudget;
use super::classify::faulty;
use super::error::{AdapterError, AdapterResult, Failure, SetupError};
use super::evidence::Exchange;
use super::keys::Keys;
use super::renewal::{NoRenewal, Renewal};
use super::request::CrmRequest;
use super::secrets::{SecretVersion, Secrets};
use super::settings::Settings;
use super::target::Target;
use super::verdict::Judge;
use super::wire::Wire;
use crate::info::CrmInfo;

/// One connection, open for calls. Made anew for each activity, so that it always has the
/// connection's current credentials.
pub struct Session {
    http: Outbound,
    target: Target,
    judge: Judge,
    /// The step on whose behalf it calls, for the evidence.
    activity: &'static str,
    keys: Mutex<Arc<Keys>>,
    renewal: Arc<dyn Renewal>,
    /// When the attempt ends: no call may outlive it.
    ends: Option<Instant>,
    exchanges: Mutex<Vec<Exchange>>,
    budget: Mutex<Option<CallBudget>>,
}

impl Session {
    /// Opens a session, or says what is wrong with the connection. Nothing is sent.
    pub(crate) fn new(
        http: &Outbound,
        judge: Judge,
        target: Target,
        secrets: Secrets,
    ) -> Result<Self, SetupError> {
        let keys = Keys::new(target.crm(), secrets)?;
        Ok(Session {
            http: http.clone(),
            target,
            judge,
            activity: "connection_check",
            keys: Mutex::new(Arc::new(keys)),
            renewal: Arc::new(NoRenewal),
            ends: None,
            exchanges: Mutex::default(),
            budget: Mutex::default(),
        })
    }

    /// Calls on behalf of a step, by its label; of a check of the connection unless this is said.
    #[must_use]
    pub fn on_behalf_of(mut self, activity: &'static str) -> Self {
        self.activity = activity;
        self
    }

    /// Renews refused secrets through this, once a call.
    #[must_use]
    pub fn renewing(mut self, renewal: Arc<dyn Renewal>) -> Self {
        self.renewal = renewal;
        self
    }

    /// Lets no call last longer than until then.
    #[must_use]
    pub fn ending_in(mut self, left: Duration) -> Self {
        self.ends = Some(Instant::now() + left);
        self
    }

    /// The CRM behind it.
    pub fn crm(&self) -> &'static CrmInfo {
        self.target.crm()
    }

    /// What the connection sets.
    pub fn settings(&self) -> &Settings {
        self.target.settings()
    }

    /// Where the CRM's API is for this connection, which may be a host of the account's own.
    pub(crate) fn base_url(&self) -> &Url {
        self.target.base_url()
    }

    /// Which replacement of the connection's secrets it calls with now.
    pub fn secret_version(&self) -> SecretVersion {
        lock(&self.keys).version()
    }

    /// Sends a request, and reads the answer as JSON.
    ///
    /// # Errors
    /// What the adapter's judge says of the answer; JSON that is not the expected answer leaves a
    /// write ambiguous. Whatever happens is recorded.
    pub async fn send<T: DeserializeOwned>(&self, request: CrmRequest) -> AdapterResult<T> {
        let read = |body: &[u8]| serde_json::from_slice(body).ok();
        self.exchange(&request, &read).await
    }

    /// Sends a request whose answer may be empty (204), which means: nothing there.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub async fn send_maybe<T: DeserializeOwned>(
        &self,
        request: CrmRequest,
    ) -> AdapterResult<Option<T>> {
        let read = |body: &[u8]| match body.trim_ascii().is_empty() {
            true => Some(None),
            false => serde_json::from_slice(body).ok().map(Some),
        };
        self.exchange(&request, &read).await
    }

    /// Sends a request of whose answer only success matters; its body is not read.
    ///
    /// # Errors
    /// As [`Session::send`], but that no body is unreadable.
    pub async fn send_only(&self, request: CrmRequest) -> AdapterResult<()> {
        self.exchange(&request, &|_: &[u8]| Some(())).await
    }

    /// Hands over what has been recorded since the last time, oldest first.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        std::mem::take(&mut *lock(&self.exchanges))
    }

    /// What the CRM last said of its budget, if it did since this was last asked.
    pub fn take_budget(&self) -> Option<CallBudget> {
        lock(&self.budget).take()
    }

    /// Makes the call, and once more with newer secrets where the first were refused: that proves
    /// that nothing was done.
    async fn exchange<T>(
        &self,
        request: &CrmRequest,
        read: &(impl Fn(&[u8]) -> Option<T> + Sync),
    ) -> AdapterResult<T> {
        let keys = lock(&self.keys).clone();
        let refusal = match self.call(request, &keys, read).await {
            Err(AdapterError::Auth(refusal)) => refusal,
            other => return other,
        };
        match self.newer_keys(&keys).await? {
            Some(newer) => self.call(request, &newer, read).await,
            None => Err(AdapterError::Auth(refusal)),
        }
    }

    async fn newer_keys(&self, refused: &Keys) -> AdapterResult<Option<Arc<Keys>>> {
        let newer = self.renewal.renew(refused.version()).await;
        let newer = newer.map_err(|error| {
            AdapterError::NotDone(Failure::new("renewal_failed", error.to_string()))
        })?;
        let Some(secrets) = newer else {
            return Ok(None);
        };
        let keys = Keys::new(self.crm(), secrets).map_err(|error| {
            AdapterError::NotDone(Failure::new("renewal_failed", error.to_string()))
        })?;
        let keys = Arc::new(keys);
        *lock(&self.keys) = keys.clone();
        Ok(Some(keys))
    }

    async fn call<T>(
        &self,
        request: &CrmRequest,
        keys: &Keys,
        read: &impl Fn(&[u8]) -> Option<T>,
    ) -> AdapterResult<T> {
        let deadline = self.time_for_a_call()?;
        let wire = keys.wire(request, &self.target);
        let started = Instant::now();
        let received = match http_request(request, &wire) {
            Some(request) => self.http.call(request, deadline, self.crm().max_body).await,
            None => Received {
                fault: Some(leadrail_outbound::Fault::Unsendable),
                ..Received::default()
            },
        };
        let result = self.judged(request, &received, read);
        let mut exchange = match &result {
            Ok(_) => Exchange::of_success(request, keys, &self.target, &received),
            Err(error) => Exchange::of_failure(request, keys, &self.target, &received, error),
        };
        exchange.activity = self.activity.to_owned();
        exchange.duration_ms = started.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        lock(&self.exchanges).push(exchange);
        result
    }

    /// The time for one call: never beyond the end of the attempt, or its answer could not be kept.
    fn time_for_a_call(&self) -> AdapterResult<Duration> {
        let usual = self.target.call_timeout();
        let Some(ends) = self.ends else {
            return Ok(usual);
        };
        match ends.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(AdapterError::NotDone(Failure::new(
                "too_late",
                "no time was left for the call; nothing was sent",
            ))),
            left => Ok(usual.min(left)),
        }
    }

    fn judged<T>(
        &self,
        request: &CrmRequest,
        received: &Received,
        read: &impl Fn(&[u8]) -> Option<T>,
    ) -> AdapterResult<T> {
        let answer = Answer::of(request, received);
        let verdict = (self.judge)(&answer);
        if verdict.budget.is_some() {
            *lock(&self.budget) = verdict.budget;
        }
        verdict.result?;
        read(answer.body).ok_or_else(|| {
            let unread = Answer {
                fault: Some(Fault::InvalidJson),
                ..answer
            };
            faulty(self.crm(), &unread, Fault::InvalidJson)
        })
    }
}

/// The request for the HTTP client; `None` if it cannot be put into HTTP.
fn http_request(request: &CrmRequest, wire: &Wire) -> Option<reqwest::Request> {
    let mut http = reqwest::Request::new(request.method().clone(), wire.url());
    for header in &wire.headers {
        let mut value = HeaderValue::from_str(&header.value).ok()?;
        value.set_sensitive(header.sensitive);
        http.headers_mut()
            .append(HeaderName::from_static(header.name), value);
    }
    *http.body_mut() = wire.body_text().map(Into::into);
    Some(http)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
