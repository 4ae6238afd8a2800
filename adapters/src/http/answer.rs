//! What came back from a CRM, before anybody says what it means.

use http::{HeaderMap, StatusCode};

use super::request::CrmRequest;
use crate::plan::Slot;

/// Whether a request changes anything in the CRM. A GraphQL query is a read, though it is a POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It can be repeated without a thought.
    Read,
    /// It makes or changes a record.
    Write,
}

/// What went wrong on the wire or in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The host name did not resolve.
    Dns,
    /// No connection: refused, unreachable, or not made in time. No byte of the request left.
    Connect,
    /// The address is one that requests may not go to. Nothing was connected to.
    Forbidden,
    /// The connection is not trusted. No byte of the request left.
    Tls,
    /// The request could not be put into HTTP at all.
    Unsendable,
    /// The deadline of the whole call passed.
    Timeout,
    /// The connection broke, or what came back was not HTTP.
    ConnectionLost,
    /// The body is longer than we read.
    BodyTooLarge,
    /// The body is not JSON, or not the JSON that this call answers with.
    InvalidJson,
}

impl Fault {
    /// The machine-readable reason.
    pub fn reason(self) -> &'static str {
        match self {
            Fault::Forbidden => "forbidden_address",
            Fault::Dns => "dns",
            Fault::Connect => "connect",
            Fault::Tls => "tls",
            Fault::Unsendable => "unsendable",
            Fault::Timeout => "timeout",
            Fault::ConnectionLost => "connection_lost",
            Fault::BodyTooLarge => "body_too_large",
            Fault::InvalidJson => "invalid_json",
        }
    }

    /// What the CRM did, to be read after its name.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Fault::Forbidden => {
                "was not asked: its address is not public, and outbound.allow does not list it"
            }
            Fault::Dns => "could not be found: its host name does not resolve",
            Fault::Connect => "could not be reached: no connection was made",
            Fault::Tls => "could not be trusted: the TLS connection failed",
            Fault::Unsendable => "was not asked: the request cannot be put into HTTP",
            Fault::Timeout => "did not answer in time",
            Fault::ConnectionLost => "broke the connection before its answer was complete",
            Fault::BodyTooLarge => "answered with a body that is too large to read",
            Fault::InvalidJson => "answered with something we cannot read",
        }
    }
}

impl From<leadrail_outbound::Fault> for Fault {
    fn from(fault: leadrail_outbound::Fault) -> Self {
        use leadrail_outbound::Fault as Wire;
        match fault {
            Wire::Unsendable => Fault::Unsendable,
            Wire::Forbidden => Fault::Forbidden,
            Wire::Dns => Fault::Dns,
            Wire::Connect => Fault::Connect,
            Wire::Tls => Fault::Tls,
            Wire::Timeout => Fault::Timeout,
            Wire::ConnectionLost => Fault::ConnectionLost,
            Wire::BodyTooLarge => Fault::BodyTooLarge,
        }
    }
}

/// What came back: a status, a fault, or a status and then a fault.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// Whether the request may have changed anything.
    pub effect: Effect,
    /// The status and headers, when they came.
    pub head: Option<(StatusCode, &'a HeaderMap)>,
    /// What went wrong, if anything did.
    pub fault: Option<Fault>,
    /// The earlier step's record that the request names, where "not found" can only be about that.
    pub names: Option<Slot>,
    /// The body as far as it was read. It may hold personal data.
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// What came back for a request.
    pub(crate) fn of(request: &CrmRequest, received: &'a leadrail_outbound::Received) -> Self {
        let head = received.head.as_ref();
        Answer {
            effect: request.effect(),
            names: request.named(),
            head: head.map(|(status, headers)| (*status, headers)),
            fault: received.fault.map(Fault::from),
            body: &received.body,
        }
    }
}

impl Answer<'_> {
    /// The status, when one came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.head.map(|(status, _)| status.as_u16())
    }

    /// The headers, when they came.
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.head.map(|(_, headers)| headers)
    }
}
