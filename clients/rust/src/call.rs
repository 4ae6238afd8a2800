//! One call: tried until it is answered, for as long as there is patience.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use reqwest::header::RETRY_AFTER;
use reqwest::{RequestBuilder, Response};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::answers::{Problem, passes};
use crate::error::ClientError;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What one try came to.
pub(crate) enum Failed {
    /// Another try is of no use.
    Finally(ClientError),
    /// It may pass, after this time if the other side named one.
    ForNow(ClientError, Option<Duration>),
}

/// Tries `once` until it answers, or no further try would begin within `patience`.
pub(crate) async fn patiently<T, F>(
    patience: Duration,
    once: impl FnMut() -> F,
) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, Failed>>,
{
    let until = Instant::now() + patience;
    let pauses = ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times();
    let ended = once
        .retry(pauses)
        .when(|failed| matches!(failed, Failed::ForNow(..)))
        .adjust(|failed, pause| {
            let asked = match failed {
                Failed::ForNow(_, asked) => *asked,
                Failed::Finally(_) => None,
            };
            let pause = pause.map(|pause| asked.map_or(pause, |asked| asked.max(pause)));
            pause.filter(|pause| Instant::now() + *pause < until)
        })
        .await;
    ended.map_err(|(Failed::Finally(error) | Failed::ForNow(error, _))| error)
}

/// Sends once and reads the answer.
pub(crate) async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Failed> {
    let sent = request.send().await;
    let answer = sent.map_err(|error| Failed::ForNow(ClientError::NoAnswer(error), None))?;
    if !answer.status().is_success() {
        return Err(refusal(answer).await);
    }
    read(answer).await
}

/// Reads the body of an answer.
pub(crate) async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, Failed> {
    // A body that broke off may come whole the next time; one that is something else will not.
    let body = answer.bytes().await;
    let body = body.map_err(|error| Failed::ForNow(ClientError::NoAnswer(error), None))?;
    let read = serde_json::from_slice(&body);
    read.map_err(|error| Failed::Finally(ClientError::Unreadable(error)))
}

/// Why an answer is none.
pub(crate) async fn refusal(answer: Response) -> Failed {
    let status = answer.status().as_u16();
    let asked = answer.headers().get(RETRY_AFTER).and_then(|value| {
        let seconds = value.to_str().ok()?.parse().ok()?;
        Some(Duration::from_secs(seconds))
    });
    let problem = answer.json().await;
    let problem = problem.unwrap_or_else(|_| Problem::unknown(status));
    match passes(status) {
        true => Failed::ForNow(ClientError::Busy(problem), asked),
        false => Failed::Finally(ClientError::Refused(problem)),
    }
}
