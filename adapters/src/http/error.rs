//! What a CRM's answer means for the lead.
//!
//! The variants are decisions: whoever runs a workflow reads the variant and never the text.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use leadrail_outbound::UrlError;

use super::answer::Fault;
use crate::info::{AuthMethod, CrmInfo};

/// The reason of a look-up that proves nothing.
const INCOMPLETE: &str = "lookup_incomplete";

/// The reason of a refusal because a record that an earlier step found or made is not there any more:
/// somebody deleted it, or merged it into another. That is no fault of the lead.
pub const RECORD_GONE: &str = "record_gone";

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
    /// Our credentials do not open this door, and nothing was done: they are renewed once, then the
    /// connection waits for a person.
    #[error("{0}")]
    Auth(Failure),
    /// Our credentials are right, but the account or the person behind them may not do this: new
    /// ones would not help, the connection waits for a person at once.
    #[error("{0}")]
    Forbidden(Failure),
    /// Nothing was done, and nothing will be until a person changes the connection or the
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
    /// `forbidden`, `setup`, `rejected` or `ambiguous`.
    pub fn kind(&self) -> &'static str {
        match self {
            AdapterError::NotDone(_) => "not_done",
            AdapterError::Throttled { .. } => "throttled",
            AdapterError::Auth(_) => "auth",
            AdapterError::Forbidden(_) => "forbidden",
            AdapterError::Setup(_) => "setup",
            AdapterError::Rejected(_) => "rejected",
            AdapterError::Ambiguous(_) => "ambiguous",
        }
    }

    /// A look-up whose list is longer than we read: not having found something there proves nothing.
    pub(crate) fn incomplete_lookup(crm: &CrmInfo) -> Self {
        let title = crm.title;
        let detail =
            format!("{title}'s list is longer than we read, so the look-up proves nothing");
        AdapterError::NotDone(Failure::new(INCOMPLETE, detail))
    }

    /// The refusal of a request that names a record of an earlier step which is not there any more.
    pub(crate) fn record_gone(crm: &CrmInfo, status: Option<u16>) -> Self {
        let title = crm.title;
        let detail = format!("{title} no longer has a record that an earlier step found or made");
        let gone = Failure::new(RECORD_GONE, detail);
        AdapterError::Rejected(Failure { status, ..gone })
    }

    /// Whether a look-up proved nothing because its list is longer than we read.
    pub fn is_incomplete_lookup(&self) -> bool {
        matches!(self, AdapterError::NotDone(failure) if failure.reason == INCOMPLETE)
    }

    /// Whether the answer is longer than we read.
    pub(crate) fn is_too_long(&self) -> bool {
        self.reason() == Fault::BodyTooLarge.reason()
    }

    /// What happened, whatever is done about it.
    pub fn failure(&self) -> &Failure {
        match self {
            AdapterError::NotDone(failure)
            | AdapterError::Auth(failure)
            | AdapterError::Forbidden(failure)
            | AdapterError::Setup(failure)
            | AdapterError::Rejected(failure)
            | AdapterError::Ambiguous(failure)
            | AdapterError::Throttled { failure, .. } => failure,
        }
    }

    /// Takes what happened out of the decision, for an adapter that decides otherwise.
    pub fn into_failure(self) -> Failure {
        match self {
            AdapterError::NotDone(failure)
            | AdapterError::Auth(failure)
            | AdapterError::Forbidden(failure)
            | AdapterError::Setup(failure)
            | AdapterError::Rejected(failure)
            | AdapterError::Ambiguous(failure)
            | AdapterError::Throttled { failure, .. } => failure,
        }
    }
}

/// What happened in a call that did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Machine-readable, `snake_case`: `http_422`, `timeout`, `connect`.
    pub reason: Cow<'static, str>,
    /// One sentence for people, without personal data.
    pub detail: String,
    /// The HTTP status, when one came.
    pub status: Option<u16>,
}

impl Failure {
    /// A failure without an HTTP answer.
    pub fn new(reason: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Failure {
            reason: reason.into(),
            detail: detail.into(),
            status: None,
        }
    }

    /// The same failure with the status the CRM answered with.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// Why a connection cannot be used as it is configured. A person has to change it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The base URL breaks a rule for URLs that people give us.
    #[error("the base URL is not usable: {0}")]
    BaseUrl(#[from] UrlError),
    /// The CRM has no such way of authentication.
    #[error("{crm} has no authentication method named like that; it has: {known}")]
    AuthMethod {
        /// The CRM's title.
        crm: &'static str,
        /// The methods it has.
        known: String,
    },
    /// The way in has no such secret.
    #[error("this way into {crm} has no secret named like that; it has: {known}")]
    UnknownSecret {
        /// The CRM's title.
        crm: &'static str,
        /// The secrets it has.
        known: String,
    },
    /// A secret is missing or blank.
    #[error("{crm} needs the secret \"{name}\"")]
    MissingSecret {
        /// The CRM's title.
        crm: &'static str,
        /// The secret's name.
        name: &'static str,
    },
    /// A secret cannot stand in an HTTP request.
    #[error("the secret \"{name}\" has characters that cannot be sent")]
    MalformedSecret {
        /// The secret's name.
        name: &'static str,
    },
}

impl SetupError {
    pub(crate) fn unknown_secret(crm: &CrmInfo, auth: &AuthMethod) -> Self {
        let known: Vec<&str> = auth.secrets.iter().map(|secret| secret.name).collect();
        SetupError::UnknownSecret {
            crm: crm.title,
            known: known.join(", "),
        }
    }

    /// That the CRM has no such way in; names those it has.
    #[must_use]
    pub fn unknown_method(crm: &CrmInfo) -> Self {
        let known: Vec<&str> = crm.auth.iter().map(|method| method.id).collect();
        SetupError::AuthMethod {
            crm: crm.title,
            known: known.join(", "),
        }
    }
}
