//! How an answer reaches the caller, or does not.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use crate::reply::Reply;

/// Size of the pieces of a huge body.
const CHUNK_BYTES: u64 = 64 * 1024;

/// What is put on the wire for one request.
pub(crate) enum Delivery {
    /// The answer, in one piece.
    Whole(Reply),
    /// The answer's head, then its body at so many bytes a second.
    Dripping(Reply, u32),
    /// The answer's head, then a JSON body of that size.
    Huge(Reply, u64),
    /// Nothing: the connection is closed.
    Cut,
    /// Nothing for that long, then the connection is closed.
    Hang(Duration),
}

impl Delivery {
    /// The status the caller will see; `None` if it gets no answer.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Whole(reply) | Self::Dripping(reply, _) | Self::Huge(reply, _) => {
                Some(reply.status.as_u16())
            }
            Self::Cut | Self::Hang(_) => None,
        }
    }

    /// Puts it on the wire, `latency` later if it is an answer. When `closing` is cancelled,
    /// everything that waits is cut.
    pub(crate) async fn send(self, latency: Duration, closing: CancellationToken) -> Response {
        match self {
            Self::Cut => cut(),
            Self::Hang(time) => {
                pause(time, &closing).await;
                cut()
            }
            answer => {
                pause(latency, &closing).await;
                answer.into_response(closing)
            }
        }
    }

    fn into_response(self, closing: CancellationToken) -> Response {
        match self {
            Self::Whole(reply) => reply.into_response(),
            Self::Dripping(reply, rate) => {
                let body = dripping(reply.body.clone(), rate, closing);
                reply.into_response_with(body)
            }
            Self::Huge(reply, bytes) => reply.into_response_with(padding(bytes)),
            Self::Cut | Self::Hang(_) => cut(),
        }
    }
}

async fn pause(time: Duration, closing: &CancellationToken) {
    if !time.is_zero() {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = closing.cancelled() => {}
        }
    }
}

/// A body that fails at once. The server has not flushed the head yet when it meets the failure,
/// and gives the connection up: the caller sees it closed without a single byte.
fn cut() -> Response {
    let failure = io::Error::new(io::ErrorKind::ConnectionAborted, "cut by a fault rule");
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(failure)])))
}

/// Single bytes at low rates, ten pieces a second at higher ones.
fn dripping(body: Bytes, rate: u32, closing: CancellationToken) -> Body {
    let piece = (rate / 10).max(1) as usize;
    let gap = Duration::from_secs_f64(f64::from(piece as u32) / f64::from(rate));
    let drops = stream::unfold((body, closing), move |(mut rest, closing)| async move {
        if rest.is_empty() {
            return None;
        }
        pause(gap, &closing).await;
        if closing.is_cancelled() {
            return Some((Err(io::Error::other("closing")), (Bytes::new(), closing)));
        }
        let drop = rest.split_to(piece.min(rest.len()));
        Some((Ok(drop), (rest, closing)))
    });
    Body::from_stream(drops)
}

/// A JSON object of exactly `bytes` bytes (of blanks, if that is too few for one).
fn padding(bytes: u64) -> Body {
    const OPEN: &[u8] = br#"{"padding":""#;
    const CLOSE: &[u8] = br#""}"#;
    let frame = (OPEN.len() + CLOSE.len()) as u64;
    let (open, close, fill) = match bytes.checked_sub(frame) {
        Some(rest) => (OPEN, CLOSE, repeated(b'a', rest).left_stream()),
        None => (&b""[..], &b""[..], repeated(b' ', bytes).right_stream()),
    };
    let ends = |part| stream::iter([Bytes::from_static(part)]);
    Body::from_stream(
        ends(open)
            .chain(fill)
            .chain(ends(close))
            .map(Ok::<_, Infallible>),
    )
}

fn repeated(byte: u8, bytes: u64) -> impl futures::Stream<Item = Bytes> {
    let chunk = Bytes::from(vec![byte; CHUNK_BYTES as usize]);
    let rest = chunk.slice(..(bytes % CHUNK_BYTES) as usize);
    let whole = bytes / CHUNK_BYTES;
    stream::iter((0..whole).map(move |_| chunk.clone()).chain([rest]))
}
