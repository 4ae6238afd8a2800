//! Serving a [`CrmSim`] on a socket, with an end that hanging requests cannot delay.

use std::io;
use std::time::Duration;

use axum::Extension;
use axum::extract::Request;
use axum::middleware::from_fn;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::host;
use crate::sim::CrmSim;

/// How long a caller that is still sending may hold up the end.
const GRACE: Duration = Duration::from_secs(2);

/// Tells requests that hang on purpose that the server ends.
#[derive(Clone)]
pub(crate) struct Closing(CancellationToken);

impl Closing {
    /// The token of the server a request came through; one that never fires for a bare router.
    pub(crate) fn of(request: &Request) -> CancellationToken {
        let closing = request.extensions().get::<Self>();
        closing.map_or_else(CancellationToken::new, |Self(token)| token.clone())
    }
}

/// Serves until `shutdown` resolves. On a loopback address only what is addressed to this machine by name
/// is answered. Then no connection is accepted any more, requests at work
/// are answered, and those that hang or drip are cut.
///
/// The books stay in `sim`: serving it again on the same address is a CRM that was away.
///
/// # Errors
/// What the listener reports.
pub async fn serve(
    listener: TcpListener,
    sim: CrmSim,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let token = CancellationToken::new();
    let mut router = sim.router().layer(Extension(Closing(token.clone())));
    if listener.local_addr()?.ip().to_canonical().is_loopback() {
        router = router.layer(from_fn(host::admit));
    }
    let ended = token.clone();
    let ending = async move {
        shutdown.await;
        ended.cancel();
    };
    let grace = async {
        token.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = axum::serve(listener, router).with_graceful_shutdown(ending) => result,
        () = grace => Ok(()),
    }
}
