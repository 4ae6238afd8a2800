//! One connection, from its first byte to its last.
//!
//! HTTP/1.1, and HTTP/2 where TLS has agreed on it. Everything about it is bounded: the time of a
//! handshake, of a head, of a silence and of an answer that nobody reads; the bytes of a head; and in
//! HTTP/2 the streams at a time and those that are opened only to be reset.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::{ServiceExt as _, service_fn};

use crate::arrival::Peer;
use crate::patience::Patient;
use crate::places::{Kind, Place};

/// A handshake or a head that takes longer, or a connection that is silent for longer, is given up.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// The same on a reserved place: whoever asks for our health asks at once.
const RESERVED_WITHIN: Duration = Duration::from_secs(2);
/// The most bytes of a head that are read. Those between this and what a head may have
/// (`edge::MAX_HEAD_BYTES`) are told so.
const MAX_BUFFER_BYTES: usize = 64 * 1024;
/// An answer of which nothing is read for longer is given up.
const READ_BY_PEER_WITHIN: Duration = Duration::from_secs(15);
/// How soon a peer is asked whether it is still there, and how often again.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_AGAIN: Duration = Duration::from_secs(10);
/// Requests at a time on a connection of HTTP/2.
const MAX_STREAMS: u32 = 100;
/// The most bytes of the headers of one request of HTTP/2.
const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;
/// Streams that were reset before they were looked at; one more and the connection ends
/// (CVE-2023-44487).
const MAX_RESET_STREAMS: usize = 20;
/// Bytes that a peer may send on one stream before we have read any.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// The same on all streams of a connection together.
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// What a connection is served with.
pub(crate) struct Serving {
    pub(crate) router: Router,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Tells it to take no more requests.
    pub(crate) stop: CancellationToken,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// Serves a connection to its end.
pub(crate) async fn serve(stream: TcpStream, peer: Peer, serving: Serving, place: Place) {
    // Answers are small and somebody waits for them.
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE_AGAIN);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let stream = Patient::new(stream, READ_BY_PEER_WITHIN);
    let Some(tls) = &serving.tls else {
        return speak(stream, Protocol::Http1, peer, &serving, place).await;
    };
    let shaken = tokio::select! {
        shaken = timeout(within(&place), tls.accept(stream)) => shaken,
        () = place.is_needed() => return,
    };
    match shaken {
        Ok(Ok(stream)) => {
            let protocol = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            speak(stream, protocol, peer, &serving, place).await;
        }
        Ok(Err(error)) => tracing::debug!(error = %error, "A TLS handshake failed"),
        Err(_) => tracing::debug!("A TLS handshake took too long"),
    }
}

fn within(place: &Place) -> Duration {
    match place.kind {
        Kind::Any => HEAD_WITHIN,
        Kind::Reserved => RESERVED_WITHIN,
    }
}

async fn speak<S>(stream: S, protocol: Protocol, peer: Peer, serving: &Serving, place: Place)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let http = builder(protocol, &place);
    let place = Arc::new(place);
    let (router, asking) = (serving.router.clone(), place.clone());
    let service = service_fn(move |mut request: Request<_>| {
        request.extensions_mut().insert(peer);
        let (router, asked) = (router.clone(), asking.asked());
        async move {
            let answer = router.oneshot(request).await;
            drop(asked);
            Ok::<_, Infallible>(answer.unwrap_or_else(|never| match never {}))
        }
    });
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = place.is_needed() => return,
        () = serving.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = silent(&place, protocol) => {
            connection.as_mut().graceful_shutdown();
            // Streams that the peer has left half open end with it.
            timeout(HEAD_WITHIN, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "A connection broke");
    }
}

/// Waits until nothing has been asked on a connection of HTTP/2 for too long; with HTTP/1.1 the time for
/// a head says so. A reserved place is good for one look: its time is over whatever is asked on it.
async fn silent(place: &Place, protocol: Protocol) {
    if protocol == Protocol::Http1 {
        std::future::pending::<()>().await;
    }
    if place.kind == Kind::Reserved {
        return sleep_until(Instant::now() + within(place)).await;
    }
    loop {
        let now = Instant::now();
        let until = place.idle_since().unwrap_or(now) + within(place);
        if until <= now {
            return;
        }
        sleep_until(until).await;
    }
}

fn builder(protocol: Protocol, place: &Place) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(within(place))
        .keep_alive(place.kind == Kind::Any)
        .max_buf_size(MAX_BUFFER_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE_AGAIN);
    match protocol {
        Protocol::Http1 => http.http1_only(),
        Protocol::Http2 => http.http2_only(),
    }
}
