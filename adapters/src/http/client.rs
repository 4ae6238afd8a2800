//! The one HTTP client for all CRMs.
//!
//! A CRM's answer is hostile input: no redirects are followed (they would carry our credentials
//! elsewhere), no proxy is taken from the environment, no cookies are kept, nothing is
//! decompressed, and only so many bytes are read. One deadline covers the whole call.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::time::timeout;

use super::answer::{Answer, Effect, Fault};
use super::error::SetupError;

/// Being slow to connect is no reason to doubt whether the request left, so it ends early.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Servers close idle connections. A request sent into a closing one is ambiguous, so ours are
/// given up before they are.
const IDLE_CONNECTION: Duration = Duration::from_secs(10);

/// The one HTTP client for all CRMs. Cheap to clone; every worker has one.
#[derive(Clone)]
pub struct CrmHttp {
    client: reqwest::Client,
}

/// What came back, as far as it came.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) head: Option<(StatusCode, HeaderMap)>,
    pub(crate) body: Vec<u8>,
    pub(crate) fault: Option<Fault>,
}

impl Received {
    /// A request that could not be put into HTTP.
    pub(crate) fn unsendable() -> Self {
        Self {
            fault: Some(Fault::Unsendable),
            ..Self::default()
        }
    }

    pub(crate) fn answer(&self, effect: Effect) -> Answer<'_> {
        Answer {
            effect,
            head: self
                .head
                .as_ref()
                .map(|(status, headers)| (*status, headers)),
            fault: self.fault,
            body: &self.body,
        }
    }
}

impl CrmHttp {
    /// Makes the client, with `ring` as the process's TLS provider unless there is one already.
    pub fn new() -> Result<Self, SetupError> {
        // An error only means that a provider is installed: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_CONNECTION)
            .build();
        Ok(CrmHttp {
            client: client.map_err(|_| SetupError::Http)?,
        })
    }

    /// Makes the call, and returns at the deadline with whatever came until then. Of the body at
    /// most so many bytes are read.
    pub(crate) async fn call(
        &self,
        request: reqwest::Request,
        deadline: Duration,
        max_body: usize,
    ) -> Received {
        let mut received = Received::default();
        let call = self.exchange(request, max_body, &mut received);
        let fault = match timeout(deadline, call).await {
            Ok(Ok(())) => None,
            Ok(Err(fault)) => Some(fault),
            Err(_) => Some(Fault::Timeout),
        };
        received.fault = fault;
        received
    }

    async fn exchange(
        &self,
        request: reqwest::Request,
        max_body: usize,
        received: &mut Received,
    ) -> Result<(), Fault> {
        let mut response = self
            .client
            .execute(request)
            .await
            .map_err(|error| fault(&error))?;
        received.head = Some((response.status(), response.headers().clone()));
        while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
            let room = max_body - received.body.len();
            received
                .body
                .extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                return Err(Fault::BodyTooLarge);
            }
        }
        Ok(())
    }
}

/// Whether a byte of the request may have left is all that matters; a failure to connect proves
/// that none did, whatever made it fail.
fn fault(error: &reqwest::Error) -> Fault {
    if error.is_builder() {
        Fault::Unsendable
    } else if error.is_connect() {
        connect_fault(error)
    } else if error.is_timeout() {
        Fault::Timeout
    } else {
        Fault::ConnectionLost
    }
}

fn connect_fault(error: &reqwest::Error) -> Fault {
    if error.is_dns() {
        return Fault::Dns;
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        if is_tls(error) {
            return Fault::Tls;
        }
        cause = error.source();
    }
    Fault::Connect
}

/// The TLS layer speaks through I/O errors, one in another, which keep what they wrap to themselves.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    match io.and_then(io::Error::get_ref) {
        Some(wrapped) => is_tls(wrapped),
        None => error.is::<rustls::Error>(),
    }
}
