//! What a CRM's answer means for the lead.
//!
//! The variants are decisions: whoever runs a workflow reads the variant and never the text.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// What an adapter's call gives back.
pub type AdapterResult<T> = Result<T, AdapterError>;

/// Why a call did not end well. Variants differ by what is done next, not by status code.
///
/// The text of an error is for people and holds neither personal data nor secrets; the CRM's own
/// words are kept in the [`Exchange`](crate::Exchange) of the call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AdapterError {
    /// Nothing was sent, or the CRM says that nothing was done: retry on the schedule, and there
    /// is no need to look first.
    #[error("{0}")]
    NotDone(Failure),
    /// The CRM asks for patience. Nothing was done, and no attempt is used up.
    #[error("{failure}")]
    Throttled {
        /// What happened.
        failure: Failure,
        /// How long the CRM asked to be left alone, at most [`MAX_RETRY_AFTER`](crate::MAX_RETRY_AFTER).
        /// `None` when it did not say.
        retry_after: Option<Duration>,
    },
    /// Our credentials do not open this door: refresh them once, then the connection waits for a
    /// person.
    #[error("{0}")]
    Auth(Failure),
    /// Nothing was sent, and nothing will be until a person changes the connection or the
    /// configuration: the lead waits for that.
    #[error("{0}")]
    Setup(Failure),
    /// The CRM will never take this request as it is: a dead letter now.
    #[error("{0}")]
    Rejected(Failure),
    /// The request left and may have taken effect: look it up before it is sent again.
    #[error("{0}")]
    Ambiguous(Failure),
}

impl AdapterError {
    /// The machine-readable reason, such as `http_503`, `timeout` or `invalid_json`.
    pub fn reason(&self) -> &str {
        &self.failure().reason
    }

    /// One sentence for people, without personal data.
    pub fn detail(&self) -> &str {
        &self.failure().detail
    }

    /// The HTTP status, when the CRM answered with one.
    pub fn status(&self) -> Option<u16> {
        self.failure().status
    }

    /// The name of the variant, for logs, metrics and history: `not_done`, `throttled`, `auth`,
    /// `setup`, `rejected` or `ambiguous`.
    pub fn kind(&self) -> &'static str {
        match self {
            AdapterError::NotDone(_) => "not_done",
            AdapterError::Throttled { .. } => "throttled",
            AdapterError::Auth(_) => "auth",
            AdapterError::Setup(_) => "setup",
            AdapterError::Rejected(_) => "rejected",
            AdapterError::Ambiguous(_) => "ambiguous",
        }
    }

    /// What happened, whatever is done about it.
    pub fn failure(&self) -> &Failure {
        match self {
            AdapterError::NotDone(failure)
            | AdapterError::Auth(failure)
            | AdapterError::Setup(failure)
            | AdapterError::Rejected(failure)
            | AdapterError::Ambiguous(failure)
            | AdapterError::Throttled { failure, .. } => failure,
        }
    }

    pub(crate) fn with_body(mut self, body: &[u8]) -> Self {
        match &mut self {
            AdapterError::NotDone(failure)
            | AdapterError::Auth(failure)
            | AdapterError::Setup(failure)
            | AdapterError::Rejected(failure)
            | AdapterError::Ambiguous(failure)
            | AdapterError::Throttled { failure, .. } => failure.body = body.to_vec(),
        }
        self
    }

    /// Takes what happened out of the decision, for an adapter that decides otherwise.
    pub fn into_failure(self) -> Failure {
        match self {
            AdapterError::NotDone(failure)
            | AdapterError::Auth(failure)
            | AdapterError::Setup(failure)
            | AdapterError::Rejected(failure)
            | AdapterError::Ambiguous(failure)
            | AdapterError::Throttled { failure, .. } => failure,
        }
    }
}

/// What happened in a call that did not end well.
#[derive(Clone)]
pub struct Failure {
    /// Machine-readable, `snake_case`: `http_422`, `timeout`, `connect`.
    pub reason: Cow<'static, str>,
    /// One sentence for people, without personal data.
    pub detail: String,
    /// The HTTP status, when one came.
    pub status: Option<u16>,
    body: Vec<u8>,
}

impl Failure {
    /// A failure without an HTTP answer.
    pub fn new(reason: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Failure {
            reason: reason.into(),
            detail: detail.into(),
            status: None,
            body: Vec::new(),
        }
    }

    /// The same failure with the status the CRM answered with.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The CRM's answer as far as it was read, for the adapter that knows its shape.
    ///
    /// It may hold personal data, so it is never printed.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("reason", &self.reason)
            .field("detail", &self.detail)
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
