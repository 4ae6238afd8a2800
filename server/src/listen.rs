//! Listening, serving, and stopping in good order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use leadrail_desk::Desk;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::router::router;

/// A head that takes longer, or a connection that is idle for longer, is given up.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// The most bytes of a head.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Connections at a time; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 1_024;
/// How long requests that are under way may take to end once the server stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(25);
/// Out of file descriptors: some become free soon.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const UPKEEP: Duration = Duration::from_secs(5);

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Other machines could reach it, and there are no API keys yet: choose a loopback address.
    #[error(
        "{address} can be reached from other machines, and the API has no keys yet: listen on \
         127.0.0.1 or [::1]"
    )]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Io {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// A socket that only this machine can reach. Made by [`bind`].
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// The address it listens on, with the port that was chosen for port 0.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Listens on a loopback address.
///
/// # Errors
/// [`BindError::NotLoopback`] for any other address; [`BindError::Io`] if the system refuses.
pub async fn bind(address: SocketAddr) -> Result<Listener, BindError> {
    if !address.ip().to_canonical().is_loopback() {
        return Err(BindError::NotLoopback { address });
    }
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|source| BindError::Io { address, source })?;
    Ok(Listener(listener))
}

/// Serves the API until `shutdown`; then takes no new requests and ends those under way.
///
/// It speaks HTTP/1.1. After 25 seconds of draining, what is still open is cut.
pub async fn serve(listener: Listener, desk: Desk, shutdown: CancellationToken) {
    let router = router(desk);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut upkeep = interval(UPKEEP);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            _ = upkeep.tick() => metrics::upkeep(),
            (stream, place) = accept(&listener, &places) => {
                tokio::spawn(connection(stream, router.clone(), graceful.watcher(), place));
            }
        }
    }
    drop(listener);
    let open = graceful.count();
    tracing::info!(open, "The API stops; {open} connections are open");
    if timeout(DRAIN_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("Some requests did not end within {DRAIN_WITHIN:?} and are cut");
    }
}

/// The next connection and its place, once there is one.
async fn accept(listener: &Listener, places: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.expect("nobody closes the semaphore");
    loop {
        match listener.0.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) => {
                tracing::warn!(error = %error.kind(), "A connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
) {
    // Answers are small and somebody waits for them.
    let _ = stream.set_nodelay(true);
    let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MAX_HEAD_BYTES);
    let serving = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(serving).await {
        tracing::debug!(error = %error, "A connection broke");
    }
}
