//! Listening, serving, and stopping in good order.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use leadrail_desk::Desk;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, interval, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::metrics;
use crate::patience::Patient;
use crate::places::{Kind, Limits, Place, Places};
use crate::router::{of_worker, only_health, with_app};
use crate::state::App;

/// A head that takes longer, or a connection that is idle for longer, is given up.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// The most bytes of a head.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The head of a request on a reserved place: whoever asks for our health asks at once.
const RESERVED_HEAD_WITHIN: Duration = Duration::from_secs(2);
/// An answer of which nothing is read for longer is given up.
const READ_BY_PEER_WITHIN: Duration = Duration::from_secs(15);
/// How soon a peer is asked whether it is still there, and how often again.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_AGAIN: Duration = Duration::from_secs(10);
/// How long requests that are under way may take to end once the server stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(25);
/// Out of file descriptors: some become free soon.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const UPKEEP: Duration = Duration::from_secs(5);

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Other machines could reach it, and there is no TLS here: choose a loopback address.
    #[error(
        "{address} can be reached from other machines, and what is said there could be read on the \
         way: listen on 127.0.0.1 or [::1], and put a proxy with TLS before it (api.hosts in leadrail.toml)"
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

/// Serves the API until `shutdown`; then takes no new requests, ends those under way, and the changes
/// that were begun.
///
/// It speaks HTTP/1.1. After 25 seconds of draining, what is still open is cut.
pub async fn serve(
    listener: Listener,
    desk: Desk,
    admission: Admission,
    shutdown: CancellationToken,
) {
    serve_within(listener, desk, admission, Limits::default(), shutdown).await;
}

/// The same, with other limits.
pub async fn serve_within(
    listener: Listener,
    desk: Desk,
    admission: Admission,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let (app, changes) = App::new(desk, admission);
    let (all, health) = (with_app(app.clone()), only_health(app));
    run(listener, all, health, limits, shutdown, changes.ended()).await;
}

/// Serves health and metrics of a worker of this process, known to the engine by this name, until
/// `shutdown`. It is ready once it is registered.
pub async fn serve_worker(
    listener: Listener,
    desk: Desk,
    worker: String,
    shutdown: CancellationToken,
) {
    let router = of_worker(App::of_worker(desk, worker));
    let nothing = std::future::ready(());
    let (health, limits) = (router.clone(), Limits::default());
    run(listener, router, health, limits, shutdown, nothing).await;
}

/// Takes connections until `shutdown`, and ends in good order; `last` is waited for when all
/// connections are closed.
async fn run(
    listener: Listener,
    all: Router,
    health: Router,
    limits: Limits,
    shutdown: CancellationToken,
    last: impl Future<Output = ()>,
) {
    let server = Server {
        all,
        health,
        graceful: GracefulShutdown::new(),
        places: Places::new(limits),
    };
    let mut upkeep = interval(UPKEEP);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            _ = upkeep.tick() => metrics::upkeep(),
            (stream, peer) = accept(&listener) => server.welcome(stream, peer),
        }
    }
    drop(listener);
    let Server {
        all,
        health,
        graceful,
        ..
    } = server;
    // What they hold is what `last` may wait for.
    drop((all, health));
    let open = graceful.count();
    tracing::info!(
        open,
        "No more requests are taken; {open} connections are open"
    );
    let end = Instant::now() + DRAIN_WITHIN;
    let drained = async {
        graceful.shutdown().await;
        last.await;
    };
    if timeout_at(end, drained).await.is_err() {
        tracing::warn!("Some requests did not end within {DRAIN_WITHIN:?} and are cut");
    }
}

/// The next connection.
async fn accept(listener: &Listener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.0.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(error = %error.kind(), "A connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// What every connection needs.
struct Server {
    all: Router,
    health: Router,
    graceful: GracefulShutdown,
    places: Places,
}

impl Server {
    /// Serves a connection, if there is a place for it. Whoever gets none is told at once by a closed
    /// connection: in the kernel's queue it would wait behind those who hold the places.
    fn welcome(&self, stream: TcpStream, peer: SocketAddr) {
        let Some(place) = self.places.take(peer.ip().to_canonical()) else {
            metrics::refused();
            return;
        };
        let router = match place.kind {
            Kind::Any => &self.all,
            Kind::Reserved => &self.health,
        };
        tokio::spawn(connection(
            stream,
            router.clone(),
            self.graceful.watcher(),
            place,
        ));
    }
}

async fn connection(stream: TcpStream, router: Router, watcher: Watcher, place: Place) {
    // Answers are small and somebody waits for them.
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE_AGAIN);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let reserved = place.kind == Kind::Reserved;
    let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(if reserved {
            RESERVED_HEAD_WITHIN
        } else {
            HEAD_WITHIN
        })
        .keep_alive(!reserved)
        .max_buf_size(MAX_HEAD_BYTES);
    let stream = TokioIo::new(Patient::new(stream, READ_BY_PEER_WITHIN));
    let serving = http.serve_connection(stream, TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(serving).await {
        tracing::debug!(error = %error, "A connection broke");
    }
}
