//! Serving, and stopping in good order.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use leadrail_desk::Desk;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::admission::Admission;
use crate::arrival::Peer;
use crate::bind::{Listener, is_for_others};
use crate::connection::{self, Serving};
use crate::metrics;
use crate::places::{Kind, Limits, Places};
use crate::router::{of_worker, only_health, with_app};
use crate::state::App;
use crate::tls::Tls;

/// How long requests that are under way may take to end once the server stops.
const DRAIN_WITHIN: Duration = Duration::from_secs(25);
/// Out of file descriptors: some become free soon.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const UPKEEP: Duration = Duration::from_secs(5);

/// Serves the API until `shutdown`; then takes no new requests, ends those under way, and the changes
/// that were begun.
///
/// It speaks HTTP/1.1, and with TLS HTTP/2 as well. Where other machines can reach the listener everybody
/// needs a key. After 25 seconds of draining, what is still open is cut.
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
    let is_open = listener.local_addr().map_or(true, is_for_others);
    let admission = Admission {
        keys_required: admission.keys_required || is_open,
        ..admission
    };
    let (app, changes) = App::new(&desk, admission, limits);
    let (all, health) = (with_app(app.clone()), only_health(app.clone()));
    let server = Server::new(all, health, app, &listener, limits);
    run(listener, server, shutdown, changes.ended()).await;
}

/// Serves health and metrics of a worker of this process, known to the engine by this name, until
/// `shutdown`. It is ready once it is registered.
pub async fn serve_worker(
    listener: Listener,
    desk: Desk,
    worker: String,
    shutdown: CancellationToken,
) {
    let app = App::of_worker(&desk, worker);
    let router = of_worker(app.clone());
    let server = Server::new(router.clone(), router, app, &listener, Limits::default());
    run(listener, server, shutdown, std::future::ready(())).await;
}

/// Takes connections until `shutdown`, and ends in good order; `last` is waited for when all
/// connections are closed.
async fn run(
    listener: Listener,
    server: Server,
    shutdown: CancellationToken,
    last: impl Future<Output = ()>,
) {
    let following = listener.tls.clone().map(|tls| tokio::spawn(tls.follow()));
    let mut upkeep = interval(UPKEEP);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            _ = upkeep.tick() => server.upkeep(),
            (stream, peer) = accept(&listener) => server.welcome(stream, peer),
        }
    }
    drop(listener);
    if let Some(following) = following {
        following.abort();
    }
    server.end(last).await;
}

/// The next connection.
async fn accept(listener: &Listener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.socket.accept().await {
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
    app: App,
    tls: Option<TlsAcceptor>,
    places: Places,
    stop: CancellationToken,
    /// Each connection holds one until it ends.
    open: (mpsc::Sender<()>, mpsc::Receiver<()>),
}

impl Server {
    fn new(all: Router, health: Router, app: App, listener: &Listener, limits: Limits) -> Self {
        Self {
            all,
            health,
            app,
            tls: listener.tls.as_ref().map(Tls::acceptor),
            places: Places::new(limits),
            stop: CancellationToken::new(),
            open: mpsc::channel(1),
        }
    }

    fn upkeep(&self) {
        metrics::upkeep();
        self.app.rates.upkeep();
    }

    /// Serves a connection, if there is a place for it. Whoever gets none is told at once by a closed
    /// connection: in the kernel's queue it would wait behind those who hold the places.
    fn welcome(&self, stream: TcpStream, peer: SocketAddr) {
        let address = peer.ip().to_canonical();
        let is_neighbor = address.is_loopback() || self.app.admission.trusts(address);
        let Some(place) = self.places.take(address, is_neighbor) else {
            metrics::refused();
            return;
        };
        let router = match place.kind {
            Kind::Any => &self.all,
            Kind::Reserved => &self.health,
        };
        let serving = Serving {
            router: router.clone(),
            tls: self.tls.clone(),
            stop: self.stop.clone(),
        };
        let peer = Peer {
            address,
            tls: self.tls.is_some(),
        };
        let open = self.open.0.clone();
        tokio::spawn(async move {
            connection::serve(stream, peer, serving, place).await;
            drop(open);
        });
    }

    /// Ends what is under way, within a time, and then `last`.
    async fn end(self, last: impl Future<Output = ()>) {
        let Self {
            all,
            health,
            app,
            tls: _,
            places,
            stop,
            open,
        } = self;
        // `last` waits until nobody can begin a change any more, and these could.
        drop((all, health, app));
        let (held, mut all_closed) = open;
        drop(held);
        let open = places.open();
        tracing::info!(
            open,
            "No more requests are taken; {open} connections are open"
        );
        let end = Instant::now() + DRAIN_WITHIN;
        stop.cancel();
        let drained = async {
            while all_closed.recv().await.is_some() {}
            last.await;
        };
        if timeout_at(end, drained).await.is_err() {
            tracing::warn!("Some requests did not end within {DRAIN_WITHIN:?} and are cut");
        }
    }
}
