//! Reads a request's body, no more of it than its kind may have.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use leadrail_lead::MAX_PAYLOAD_BYTES;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::problem::Problem;

/// The most bytes of a batch: 16 MiB.
pub(crate) const MAX_BATCH_BYTES: usize = 16 << 20;
/// How many bodies larger than one lead are in memory at a time.
const LARGE_BODIES: usize = 8;
/// How long a large body waits for a place before its sender is told to come again.
const PLACE_WITHIN: Duration = Duration::from_secs(5);
/// How much of a large body must come in how long: whoever stops in the middle of one makes others
/// wait.
const PACE_BYTES: usize = 256 << 10;
const PACE_WITHIN: Duration = Duration::from_secs(2);
/// What is read and thrown away of a body that is too large, so that its sender reads our answer
/// and not a reset connection.
const DISCARD_BYTES: usize = 4 * MAX_BATCH_BYTES;
const DISCARD_WITHIN: Duration = Duration::from_secs(2);

/// What a body holds, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One lead, or an array of leads.
    Json,
    /// A lead a line.
    Ndjson,
}

impl Format {
    /// What the headers say.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        if let Some(encoding) = headers.get(CONTENT_ENCODING)
            && encoding != "identity"
        {
            return Err(Problem::unsupported("the body must not be compressed"));
        }
        let given = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let mut parts = given.unwrap_or("").split(';').map(str::trim);
        let kind = parts.next().unwrap_or("").to_ascii_lowercase();
        if !parts.all(is_harmless) {
            return Err(Problem::unsupported("the body must be UTF-8"));
        }
        match kind.as_str() {
            "application/json" => Ok(Self::Json),
            "application/x-ndjson" => Ok(Self::Ndjson),
            _ => Err(Problem::unsupported(
                "send application/json (one lead or an array of leads) or application/x-ndjson \
                 (a lead a line)",
            )),
        }
    }
}

/// JSON has no parameters; `charset=utf-8` says what is so anyway.
fn is_harmless(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    }
}

/// A body that was read. Large ones hold one of a few places until they are dropped.
pub(crate) struct Read {
    pub(crate) bytes: Bytes,
    _place: Option<OwnedSemaphorePermit>,
}

/// Reads bodies. Clones share the places for large ones.
#[derive(Clone)]
pub(crate) struct BodyReader {
    large: Arc<Semaphore>,
}

impl Default for BodyReader {
    fn default() -> Self {
        let large = Arc::new(Semaphore::new(LARGE_BODIES));
        Self { large }
    }
}

impl BodyReader {
    /// Reads the body of a request with leads in it.
    pub(crate) async fn read(
        &self,
        headers: &HeaderMap,
        format: Format,
        body: Body,
    ) -> Result<Read, Problem> {
        let mut stream = body.into_data_stream();
        let declared = headers.get(CONTENT_LENGTH).and_then(|n| n.to_str().ok());
        if declared.is_some_and(|n| n.parse().is_ok_and(|n: u64| n > MAX_BATCH_BYTES as u64)) {
            return Err(refuse(stream, "a batch has at most 16 MiB").await);
        }
        let mut read = BytesMut::new();
        let mut place = None::<Place>;
        while let Some(chunk) = match &mut place {
            None => stream.next().await,
            Some(place) => place.next(&mut stream).await?,
        } {
            let chunk = chunk.map_err(|_| Problem::bad_request("the body ended early"))?;
            read.extend_from_slice(&chunk);
            if read.len() > MAX_PAYLOAD_BYTES && format == Format::Json && !is_array(&read) {
                return Err(refuse(stream, "one lead has at most 256 KiB").await);
            }
            if read.len() > MAX_BATCH_BYTES {
                return Err(refuse(stream, "a batch has at most 16 MiB").await);
            }
            if read.len() > MAX_PAYLOAD_BYTES && place.is_none() {
                place = Some(self.place().await?);
            }
        }
        Ok(Read {
            bytes: read.freeze(),
            _place: place.map(|place| place.permit),
        })
    }

    async fn place(&self) -> Result<Place, Problem> {
        let free = Arc::clone(&self.large).acquire_owned();
        match timeout(PLACE_WITHIN, free).await {
            Ok(Ok(permit)) => Ok(Place {
                permit,
                since: Instant::now(),
                bytes: 0,
            }),
            _ => Err(Problem::busy()),
        }
    }
}

/// One of the few places for large bodies, and how its holder uses it.
struct Place {
    permit: OwnedSemaphorePermit,
    since: Instant,
    bytes: usize,
}

impl Place {
    /// The next of the body, as long as it comes at a pace.
    async fn next(
        &mut self,
        stream: &mut BodyDataStream,
    ) -> Result<Option<Result<Bytes, axum::Error>>, Problem> {
        let chunk = timeout_at(self.since + PACE_WITHIN, stream.next()).await;
        let chunk = chunk.map_err(|_| Problem::too_slow())?;
        self.bytes += chunk
            .as_ref()
            .and_then(|chunk| chunk.as_ref().ok())
            .map_or(0, Bytes::len);
        if self.bytes >= PACE_BYTES {
            (self.since, self.bytes) = (Instant::now(), 0);
        }
        Ok(chunk)
    }
}

/// Whether JSON is an array, by its first character.
pub(crate) fn is_array(json: &[u8]) -> bool {
    json.trim_ascii_start().first() == Some(&b'[')
}

async fn refuse(mut rest: BodyDataStream, detail: &str) -> Problem {
    let mut discarded = 0;
    let discard = async {
        while let Some(Ok(chunk)) = rest.next().await {
            discarded += chunk.len();
            if discarded > DISCARD_BYTES {
                break;
            }
        }
    };
    // Whoever sends for longer than that gets the reset.
    let _ = timeout(DISCARD_WITHIN, discard).await;
    Problem::too_large(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(headers: &[(http::HeaderName, &'static str)]) -> Option<Format> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().expect("a value")))
            .collect();
        Format::of(&headers).ok()
    }

    #[test]
    fn the_content_type_decides_and_none_is_guessed() {
        let rows = [
            ("application/json", Some(Format::Json)),
            ("Application/JSON; charset=UTF-8", Some(Format::Json)),
            ("application/x-ndjson", Some(Format::Ndjson)),
            ("application/json; charset=latin1", None),
            ("application/jsonx", None),
            ("application/x-www-form-urlencoded", None),
            ("text/plain", None),
            ("", None),
        ];
        for (given, expected) in rows {
            assert_eq!(format(&[(CONTENT_TYPE, given)]), expected, "{given}");
        }
        assert_eq!(format(&[]), None);
    }

    #[test]
    fn a_compressed_body_is_refused() {
        let json = (CONTENT_TYPE, "application/json");
        assert_eq!(format(&[json.clone(), (CONTENT_ENCODING, "gzip")]), None);
        assert!(format(&[json, (CONTENT_ENCODING, "identity")]).is_some());
    }
}
