//! The client itself.
//!
//! An answer is hostile input: no redirects are followed (they would carry our credentials
//! elsewhere), no proxy is taken from the environment, no cookies are kept, nothing is
//! decompressed, and only so many bytes are read. One deadline covers the whole call.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::time::timeout;

use crate::fault::Fault;
use crate::guard::{Guard, Way};
use crate::resolver::{self, GuardedResolver, Lookup};

/// Being slow to connect is no reason to doubt whether the request left, so it ends early.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Servers close idle connections. A request sent into a closing one is ambiguous, so ours are
/// given up before they are.
const IDLE_CONNECTION: Duration = Duration::from_secs(10);

/// The one HTTP client for every URL that is not ours. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound {
    public: reqwest::Client,
    /// Connects only to what is allowed besides public addresses.
    inside: reqwest::Client,
    guard: Guard,
}

/// The client could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the HTTP client could not be set up: no usable TLS root certificates?")]
pub struct OutboundError;

/// What came back, as far as it came.
#[derive(Default)]
pub struct Received {
    /// Status and headers, when they came.
    pub head: Option<(StatusCode, HeaderMap)>,
    /// The body as far as it was read, in the bytes that were sent.
    pub body: Vec<u8>,
    /// What went wrong, if anything did.
    pub fault: Option<Fault>,
}

impl Outbound {
    /// Makes the client, with `ring` as the process's TLS provider unless there is one already.
    ///
    /// # Errors
    /// The system has no TLS roots that we could use.
    pub fn new(guard: Guard) -> Result<Self, OutboundError> {
        Self::resolving_with(guard, &resolver::system())
    }

    fn resolving_with(guard: Guard, lookup: &Lookup) -> Result<Self, OutboundError> {
        // An error only means that a provider is installed: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = |way| {
            client(GuardedResolver {
                guard: guard.clone(),
                way,
                lookup: lookup.clone(),
            })
        };
        Ok(Self {
            public: client(Way::Public)?,
            inside: client(Way::Allowed)?,
            guard,
        })
    }

    /// Which addresses it connects to.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Makes the call once, and returns at the deadline with whatever came until then. Of the body
    /// at most `max_body` bytes are read; a longer one is a [`Fault::BodyTooLarge`] with as much.
    pub async fn call(
        &self,
        request: reqwest::Request,
        deadline: Duration,
        max_body: usize,
    ) -> Received {
        let mut received = Received::default();
        let exchange = self.exchange(request, max_body, &mut received);
        let ended = timeout(deadline, exchange).await;
        received.fault = ended.unwrap_or(Err(Fault::Timeout)).err();
        received
    }

    async fn exchange(
        &self,
        request: reqwest::Request,
        max_body: usize,
        received: &mut Received,
    ) -> Result<(), Fault> {
        // The resolver is not asked about a host that is an address, and never about a port.
        let way = self.guard.way(request.url());
        let client = match way.map_err(|_| Fault::Forbidden)? {
            Way::Public => &self.public,
            Way::Allowed => &self.inside,
        };
        let mut response = client.execute(request).await.map_err(of_http)?;
        received.head = Some((response.status(), response.headers().clone()));
        while let Some(chunk) = response.chunk().await.map_err(of_http)? {
            let room = max_body - received.body.len();
            let fits = &chunk[..chunk.len().min(room)];
            received.body.extend_from_slice(fits);
            if chunk.len() > room {
                return Err(Fault::BodyTooLarge);
            }
        }
        Ok(())
    }
}

fn client(resolver: GuardedResolver) -> Result<reqwest::Client, OutboundError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the client the ban speaks of"
    )]
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_CONNECTION)
        .dns_resolver(resolver)
        .build();
    client.map_err(|_| OutboundError)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn of_http(error: reqwest::Error) -> Fault {
    Fault::from(&error)
}

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
