//! The client itself.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use url::Url;
use uuid::Uuid;

use crate::answers::{Accepted, Batch, Item, passes};
use crate::call::{Failed, answer, patiently, read, refusal};
use crate::error::ClientError;

/// The most leads of a batch.
pub const MAX_BATCH: usize = 1_000;

/// How long a call that does not get through is tried, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// One try, from connecting to the last byte of the answer.
const ONE_TRY: Duration = Duration::from_secs(10);
/// The same for a batch: longer than the API gives a request, which may have 16 MiB.
const ONE_TRY_OF_A_BATCH: Duration = Duration::from_secs(35);
/// Whoever is there answers sooner.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How often it is asked whether a lead has ended.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The states in which nothing more happens by itself.
const ENDS: [&str; 3] = ["completed", "dead", "cancelled"];

/// The API of one installation, with a key. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    address: Url,
    patience: Duration,
}

impl Client {
    /// A client of the API at `address`, such as `https://leads.example.com`.
    ///
    /// # Errors
    /// [`ClientError::Address`], [`ClientError::Key`], [`ClientError::Setup`].
    pub fn new(address: &str, key: impl Into<SecretString>) -> Result<Self, ClientError> {
        // An error only means that a provider is installed: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = parsed(address)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "it calls our own API, at an address that its user wrote"
        )]
        let http = reqwest::Client::builder()
            .default_headers(headers(&key.into())?)
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ONE_TRY)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Ok(Self {
            http: http.map_err(ClientError::Setup)?,
            address,
            patience: PATIENCE,
        })
    }

    /// Tries what does not get through for so long; the last try may begin just before its end. Half a
    /// minute if nobody says.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Hands over one lead: a `leadrail_lead::Lead`, or anything else that is written as one. It is
    /// committed when this returns well, also if it had been handed over before.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if it is useless or another lead has its `event_id`.
    pub async fn push(&self, lead: &impl Serialize) -> Result<Accepted, ClientError> {
        let body = serde_json::to_vec(lead)?;
        patiently(self.patience, || answer(self.posting(body.clone()))).await
    }

    /// Hands over up to [`MAX_BATCH`] leads; what became of each, in their order.
    ///
    /// # Errors
    /// [`ClientError::TooMany`], or when there was no answer to the batch as a whole.
    pub async fn push_many(&self, leads: &[impl Serialize]) -> Result<Vec<Item>, ClientError> {
        match leads.len() {
            0 => return Ok(Vec::new()),
            1..=MAX_BATCH => {}
            _ => return Err(ClientError::TooMany { most: MAX_BATCH }),
        }
        let body = serde_json::to_vec(leads)?;
        patiently(self.patience, || self.batch(body.clone())).await
    }

    /// Where a lead stands and everything that happened to it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with status 404 if the key's account has no such lead.
    pub async fn lead(&self, event_id: Uuid) -> Result<Value, ClientError> {
        let path = format!("v1/leads/{event_id}");
        patiently(self.patience, || answer(self.calling(Method::GET, &path))).await
    }

    /// Waits until a lead has ended, at most for this long, and answers as [`Client::lead`] does then.
    ///
    /// # Errors
    /// As [`Client::lead`].
    pub async fn wait(&self, event_id: Uuid, within: Duration) -> Result<Value, ClientError> {
        let until = Instant::now() + within;
        loop {
            let story = self.lead(event_id).await?;
            let state = story["lead"]["state"].as_str().unwrap_or_default();
            if ENDS.contains(&state) || Instant::now() + LOOK_EVERY > until {
                return Ok(story);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Stops a lead that has not ended; `why` is for whoever looks at it later.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with status 404 if there is none, 409 if it has ended.
    pub async fn cancel(&self, event_id: Uuid, why: &str) -> Result<Value, ClientError> {
        let path = format!("v1/leads/{event_id}/cancel");
        let body = serde_json::json!({ "why": why });
        let calling = || answer(self.calling(Method::POST, &path).json(&body));
        patiently(self.patience, calling).await
    }

    /// One try of a batch; it is sent again whole while the API could not take some of it.
    async fn batch(&self, body: Vec<u8>) -> Result<Vec<Item>, Failed> {
        let sent = self.posting(body).timeout(ONE_TRY_OF_A_BATCH);
        let sent = sent.send().await;
        let sent = sent.map_err(|error| Failed::ForNow(ClientError::NoAnswer(error), None))?;
        // 422: all were refused, each with its reason.
        let batch: Batch = match sent.status().as_u16() {
            200 | 202 | 207 | 422 => read(sent).await?,
            _ => return Err(refusal(sent).await),
        };
        let items = batch.items();
        let items = items.map_err(|error| Failed::Finally(ClientError::Unreadable(error)))?;
        let waits = items.iter().find_map(|item| match item {
            Item::Refused(problem) if passes(problem.status) => Some(problem.clone()),
            _ => None,
        });
        match waits {
            Some(problem) => Err(Failed::ForNow(ClientError::Busy(problem), None)),
            None => Ok(items),
        }
    }

    fn posting(&self, body: Vec<u8>) -> RequestBuilder {
        let request = self.calling(Method::POST, "v1/leads");
        request
            .header("content-type", "application/json")
            .body(body)
    }

    fn calling(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.address.clone();
        url.set_path(&format!("{}{path}", self.address.path()));
        self.http.request(method, url)
    }
}

/// The address with a slash at the end of its path.
fn parsed(address: &str) -> Result<Url, ClientError> {
    let url = Url::parse(address).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(mut url) = url else {
        return Err(ClientError::Address {
            address: address.to_owned(),
        });
    };
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

fn headers(key: &SecretString) -> Result<HeaderMap, ClientError> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
        .map_err(|_| ClientError::Key)?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}
