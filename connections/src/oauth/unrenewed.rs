//! Why there are no tokens that can be used, and what those do whose turn it is not to renew them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use leadrail_adapters::REFRESH_TOKEN;
use leadrail_adapters::oauth::{Provider, RefreshToken};

use super::grants::Standing;
use crate::{ConnectionError, OpenConnection};

/// Why there are no tokens that can be used, by what to do about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unrenewed {
    /// The connection cannot be read or written.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// Only a person can bring new ones; the connection says so.
    #[error("{0}")]
    Gone(String),
    /// Somebody renews them, or the provider failed: later.
    #[error("{message}")]
    Later {
        /// One sentence for people.
        message: String,
        /// How long.
        after: Duration,
    },
    /// The operator has to give our client first.
    #[error("{0}")]
    Setup(String),
}

/// After a renewal of which nothing came, or that could not be begun, the next one waits for so long.
pub(super) const QUIET: Duration = Duration::from_secs(1);

/// How long a provider is left alone that refuses for a reason which passes, or which an operator mends.
pub(super) const A_WHILE: Duration = Duration::from_secs(60);

/// So much of the time in which a token may be used again is not counted on: a request is on its way.
const ON_THE_WAY: Duration = Duration::from_secs(5);

/// What those do whose turn it is not.
pub(super) enum Wait {
    /// Look again in a moment.
    Look,
    /// Come again after so long.
    For(Duration),
    /// Ask a person: no answer came to a use of the token, at this time.
    Person(DateTime<Utc>),
}

pub(super) fn wait_of(standing: &Standing, token: RefreshToken) -> Wait {
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    let retry_in = standing.retry_in.filter(|left| *left > 0.0);
    match (standing.used, retry_in) {
        _ if standing.is_under_way() => Wait::Look,
        (Some((at, since)), _) if !token.may_be_used_again(seconds(since.max(0.0))) => {
            Wait::Person(at)
        }
        (_, Some(left)) => Wait::For(seconds(left)),
        (_, None) => Wait::Look,
    }
}

/// What the refresh token of these secrets is worth after its use; without one nothing can be used up.
pub(super) fn token_of(open: &OpenConnection, provider: &Provider) -> RefreshToken {
    match open.secrets.get(REFRESH_TOKEN) {
        Some(_) => counted(provider.refresh),
        None => RefreshToken::None,
    }
}

/// The same without the time that is not counted on.
pub(super) fn counted(token: RefreshToken) -> RefreshToken {
    match token {
        RefreshToken::Grace(grace) => RefreshToken::Grace(grace.saturating_sub(ON_THE_WAY)),
        token => token,
    }
}

pub(super) fn later(provider: &Provider, after: Duration) -> Unrenewed {
    let message = format!("The sign-in at {} is being renewed", provider.title);
    Unrenewed::Later { message, after }
}

pub(super) fn failing(provider: &Provider, after: Duration) -> Unrenewed {
    let message = format!(
        "{} does not renew our sign-in now; it is tried again by itself",
        provider.title
    );
    Unrenewed::Later { message, after }
}

pub(super) fn own_refused(provider: &Provider, code: &str) -> String {
    let title = provider.title;
    format!("{title} does not accept the account's client ({code}): give it anew")
}

pub(super) fn unset(provider: &Provider) -> Unrenewed {
    Unrenewed::Setup(format!(
        "we have no client with {}: the operator has to give one with `leadrail provider set {}`",
        provider.title, provider.name
    ))
}
