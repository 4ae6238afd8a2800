//! Asks whoever keeps the recordings for a link that opens now.
//!
//! `POST <links.refresh_url>` with `Authorization: Bearer <links.refresh_secret>` and
//! `{"kind", "account", "event_id", "call_id", "url"}`, where `url` is the payload's link without its
//! signature. The answer is 200 with `{"url": "https://..."}`, or 404 or 410 where the recording is kept no
//! more.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use leadrail_outbound::{Outbound, OutboundUrl, Received};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::LinkKind;

/// A person waits for it.
const DEADLINE: Duration = Duration::from_secs(5);
/// More than any link.
const MOST_ANSWERED: usize = 16 * 1024;

/// Where links that open now come from. Cheap to clone.
#[derive(Clone)]
pub struct LinkSource {
    http: Outbound,
    url: Arc<OutboundUrl>,
    secret: Option<Arc<SecretString>>,
}

/// What a link is asked for by.
#[derive(Debug, Clone, Serialize)]
pub struct Wanted<'a> {
    /// Recording or transcript.
    pub kind: LinkKind,
    /// Whose lead it is.
    pub account: &'a str,
    /// The lead.
    pub event_id: &'a str,
    /// The call, as the payload names it.
    pub call_id: &'a str,
    /// The payload's link, without query and fragment.
    pub url: &'a str,
}

/// Why there is no link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FreshLinkError {
    /// It is kept no more.
    #[error("it is kept no more")]
    Gone,
    /// No answer, or none that could be used: this word says which. Another time it may be there.
    #[error("no link was given: {0}")]
    NoAnswer(&'static str),
}

#[derive(Deserialize)]
struct Answer {
    url: String,
}

impl LinkSource {
    /// Asks at this address, with this secret.
    #[must_use]
    pub fn new(http: Outbound, url: OutboundUrl, secret: Option<SecretString>) -> Self {
        Self {
            http,
            url: Arc::new(url),
            secret: secret.map(Arc::new),
        }
    }

    /// Asks for a link that opens now.
    ///
    /// # Errors
    /// [`FreshLinkError`].
    pub async fn link(&self, wanted: &Wanted<'_>) -> Result<OutboundUrl, FreshLinkError> {
        let request = self.request(wanted)?;
        let received = self.http.call(request, DEADLINE, MOST_ANSWERED).await;
        let url = answered(&received)?;
        let admitted = self.http.guard().admits(url.as_url());
        admitted.map_err(|_| FreshLinkError::NoAnswer("forbidden"))?;
        Ok(url)
    }

    fn request(&self, wanted: &Wanted<'_>) -> Result<reqwest::Request, FreshLinkError> {
        let unwritable = |_| FreshLinkError::NoAnswer("secret");
        let body = serde_json::to_vec(wanted).map_err(|_| FreshLinkError::NoAnswer("request"))?;
        let mut request = reqwest::Request::new(Method::POST, self.url.as_url().clone());
        let headers = request.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(ACCEPT, json.clone());
        headers.insert(CONTENT_TYPE, json);
        if let Some(secret) = &self.secret {
            let bearer = format!("Bearer {}", secret.expose_secret());
            let mut bearer = HeaderValue::try_from(bearer).map_err(unwritable)?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        *request.body_mut() = Some(body.into());
        Ok(request)
    }
}

fn answered(received: &Received) -> Result<OutboundUrl, FreshLinkError> {
    if received.fault.is_some() {
        return Err(FreshLinkError::NoAnswer("fault"));
    }
    match received.head.as_ref().map(|(status, _)| *status) {
        Some(StatusCode::OK) => {}
        Some(StatusCode::NOT_FOUND | StatusCode::GONE) => return Err(FreshLinkError::Gone),
        _ => return Err(FreshLinkError::NoAnswer("status")),
    }
    let answer: Answer =
        serde_json::from_slice(&received.body).map_err(|_| FreshLinkError::NoAnswer("body"))?;
    OutboundUrl::parse(answer.url.trim()).map_err(|_| FreshLinkError::NoAnswer("url"))
}

impl fmt::Debug for LinkSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LinkSource").field(&self.url).finish()
    }
}
