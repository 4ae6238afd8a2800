//! What an answer means, decided once for all CRMs.
//!
//! The question is always the same: may the request have taken effect? A read never has an
//! effect. A write has none only if it provably never left, or if the CRM says so. An adapter may
//! overrule this for codes of its own CRM, never for the general rules.
//!
//! | answer | read | write |
//! |---|---|---|
//! | 2xx with a readable body | done | done |
//! | 2xx, body lost, too large, or not the expected JSON | not done | ambiguous |
//! | name not found, connection refused, TLS failed | not done | not done |
//! | an address where no request may go | setup | setup |
//! | no answer in time, connection lost | not done | ambiguous |
//! | 5xx, 408, 425, anything above 599 | not done | ambiguous |
//! | 409 | not done | ambiguous: the look-up finds the record that exists |
//! | 423 | not done | not done |
//! | 429 | throttled | throttled |
//! | 401 | auth | auth |
//! | 303 | not done | ambiguous: it points to the result of what was done |
//! | other 3xx, never followed | not done | rejected |
//! | other 4xx | rejected | rejected |

use http::{HeaderMap, StatusCode};

use crate::contract::CrmInfo;
use crate::error::{AdapterError, AdapterResult, Failure};
use crate::retry_after::retry_after;

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
    /// The connection is not trusted. No byte of the request left.
    Tls,
    /// The request could not be put into HTTP at all.
    Unsendable,
    /// The address is one that requests may not go to. Nothing was connected to.
    Forbidden,
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
            Fault::Dns => "dns",
            Fault::Connect => "connect",
            Fault::Tls => "tls",
            Fault::Unsendable => "unsendable",
            Fault::Forbidden => "forbidden_address",
            Fault::Timeout => "timeout",
            Fault::ConnectionLost => "connection_lost",
            Fault::BodyTooLarge => "body_too_large",
            Fault::InvalidJson => "invalid_json",
        }
    }

    /// What the CRM did, to be read after its name.
    fn sentence(self) -> &'static str {
        match self {
            Fault::Dns => "could not be found: its host name does not resolve",
            Fault::Connect => "could not be reached: no connection was made",
            Fault::Tls => "could not be trusted: the TLS connection failed",
            Fault::Unsendable => "was not asked: the request cannot be put into HTTP",
            Fault::Forbidden => {
                "was not asked: its address is not public, and outbound.allow does not list it"
            }
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
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status and headers, when they came.
    pub head: Option<(StatusCode, &'a HeaderMap)>,
    /// What went wrong, if anything did.
    pub fault: Option<Fault>,
}

impl<'a> From<&'a leadrail_outbound::Received> for Answer<'a> {
    fn from(received: &'a leadrail_outbound::Received) -> Self {
        let head = received.head.as_ref();
        Answer {
            head: head.map(|(status, headers)| (*status, headers)),
            fault: received.fault.map(Fault::from),
        }
    }
}

/// Decides what an answer means. `Ok` means done: the body may be used.
///
/// A status other than 2xx is believed even when the body behind it is broken: the CRM has said
/// what it did.
pub fn classify(crm: &CrmInfo, effect: Effect, answer: &Answer<'_>) -> AdapterResult<()> {
    match (answer.head, answer.fault) {
        (Some((status, headers)), fault) if !status.is_success() => {
            Err(refused(crm, effect, status, headers, fault))
        }
        (_, Some(fault)) => Err(faulty(crm, effect, answer, fault)),
        (_, None) => Ok(()),
    }
}

fn faulty(crm: &CrmInfo, effect: Effect, answer: &Answer<'_>, fault: Fault) -> AdapterError {
    let mut failure = Failure::new(
        fault.reason(),
        format!("{} {}", crm.title, fault.sentence()),
    );
    failure.status = answer.head.map(|(status, _)| status.as_u16());
    match fault {
        Fault::Dns | Fault::Connect | Fault::Tls => AdapterError::NotDone(failure),
        Fault::Unsendable => AdapterError::Rejected(failure),
        // The lead is as good as any; the address is for a person to set right.
        Fault::Forbidden => AdapterError::Setup(failure),
        Fault::Timeout | Fault::ConnectionLost | Fault::BodyTooLarge | Fault::InvalidJson => {
            unproven(effect, failure)
        }
    }
}

fn refused(
    crm: &CrmInfo,
    effect: Effect,
    status: StatusCode,
    headers: &HeaderMap,
    fault: Option<Fault>,
) -> AdapterError {
    let code = status.as_u16();
    let because = |what: &str| {
        let reason = match code {
            300..=399 => "redirect".to_owned(),
            _ => format!("http_{code}"),
        };
        let broken = if fault.is_some() {
            ", in a broken answer"
        } else {
            ""
        };
        Failure::new(
            reason,
            format!("{} {what} (HTTP {code}{broken})", crm.title),
        )
        .with_status(code)
    };
    match (code, effect) {
        (401, _) => AdapterError::Auth(because("no longer accepts our credentials")),
        (408 | 425, _) => unproven(effect, because("gave up waiting for our request")),
        (409, _) => unproven(effect, because("says that this record exists already")),
        (423, _) => AdapterError::NotDone(because("has locked the record for now")),
        (429, _) => AdapterError::Throttled {
            failure: because("asked us to slow down"),
            retry_after: retry_after(headers),
        },
        (400..=499, _) => AdapterError::Rejected(because("rejected the request")),
        (303, _) | (300..=399, Effect::Read) => unproven(
            effect,
            because("answered with a redirect, and we follow none"),
        ),
        (300..=399, Effect::Write) => {
            AdapterError::Rejected(because("answered with a redirect, and we follow none"))
        }
        _ => unproven(effect, because("failed on its side")),
    }
}

/// The CRM has not said that nothing was done. A read has nothing to do; a write may be in.
fn unproven(effect: Effect, failure: Failure) -> AdapterError {
    match effect {
        Effect::Read => AdapterError::NotDone(failure),
        Effect::Write => AdapterError::Ambiguous(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::housecall_pro::HOUSECALL_PRO;

    fn kinds(status: Option<u16>, fault: Option<Fault>) -> (String, String) {
        let headers = HeaderMap::new();
        let answer = Answer {
            head: status.map(|code| (StatusCode::from_u16(code).unwrap(), &headers)),
            fault,
        };
        let kind = |effect| match classify(&HOUSECALL_PRO, effect, &answer) {
            Ok(()) => "done".to_owned(),
            Err(error) => format!("{} {}", error.kind(), error.reason()),
        };
        (kind(Effect::Read), kind(Effect::Write))
    }

    #[test]
    fn every_status_has_one_meaning_for_reads_and_one_for_writes() {
        let rows = [
            (200, "done", "done"),
            (201, "done", "done"),
            (204, "done", "done"),
            (301, "not_done redirect", "rejected redirect"),
            (302, "not_done redirect", "rejected redirect"),
            (303, "not_done redirect", "ambiguous redirect"),
            (304, "not_done redirect", "rejected redirect"),
            (307, "not_done redirect", "rejected redirect"),
            (308, "not_done redirect", "rejected redirect"),
            (400, "rejected http_400", "rejected http_400"),
            (401, "auth http_401", "auth http_401"),
            (402, "rejected http_402", "rejected http_402"),
            (403, "rejected http_403", "rejected http_403"),
            (404, "rejected http_404", "rejected http_404"),
            (408, "not_done http_408", "ambiguous http_408"),
            (409, "not_done http_409", "ambiguous http_409"),
            (410, "rejected http_410", "rejected http_410"),
            (422, "rejected http_422", "rejected http_422"),
            (423, "not_done http_423", "not_done http_423"),
            (425, "not_done http_425", "ambiguous http_425"),
            (429, "throttled http_429", "throttled http_429"),
            (500, "not_done http_500", "ambiguous http_500"),
            (501, "not_done http_501", "ambiguous http_501"),
            (502, "not_done http_502", "ambiguous http_502"),
            (503, "not_done http_503", "ambiguous http_503"),
            (504, "not_done http_504", "ambiguous http_504"),
            (529, "not_done http_529", "ambiguous http_529"),
            (999, "not_done http_999", "ambiguous http_999"),
        ];
        for (status, read, write) in rows {
            assert_eq!(
                kinds(Some(status), None),
                (read.into(), write.into()),
                "{status}"
            );
        }
    }

    #[test]
    fn a_fault_is_ambiguous_only_if_the_write_may_have_left() {
        let rows = [
            (Fault::Dns, "not_done dns", "not_done dns"),
            (Fault::Connect, "not_done connect", "not_done connect"),
            (Fault::Tls, "not_done tls", "not_done tls"),
            (
                Fault::Unsendable,
                "rejected unsendable",
                "rejected unsendable",
            ),
            (
                Fault::Forbidden,
                "setup forbidden_address",
                "setup forbidden_address",
            ),
            (Fault::Timeout, "not_done timeout", "ambiguous timeout"),
            (
                Fault::ConnectionLost,
                "not_done connection_lost",
                "ambiguous connection_lost",
            ),
            (
                Fault::BodyTooLarge,
                "not_done body_too_large",
                "ambiguous body_too_large",
            ),
            (
                Fault::InvalidJson,
                "not_done invalid_json",
                "ambiguous invalid_json",
            ),
        ];
        for (fault, read, write) in rows {
            assert_eq!(
                kinds(None, Some(fault)),
                (read.into(), write.into()),
                "{fault:?}"
            );
        }
    }

    #[test]
    fn a_broken_body_spoils_a_success_but_not_a_refusal() {
        let lost = Some(Fault::ConnectionLost);
        assert_eq!(kinds(Some(201), lost).1, "ambiguous connection_lost");
        assert_eq!(kinds(Some(422), lost).1, "rejected http_422");
        assert_eq!(kinds(Some(401), lost).1, "auth http_401");
    }

    #[test]
    fn no_status_and_no_fault_can_make_a_read_ambiguous() {
        for status in 100..=999 {
            assert!(
                !kinds(Some(status), None).0.starts_with("ambiguous"),
                "{status}"
            );
        }
    }

    #[test]
    fn only_a_success_is_done() {
        for status in (100..200).chain(300..=999) {
            assert_ne!(kinds(Some(status), None).1, "done", "{status}");
        }
    }

    fn refusal(
        effect: Effect,
        status: u16,
        headers: &HeaderMap,
        fault: Option<Fault>,
    ) -> AdapterError {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer {
            head: Some((status, headers)),
            fault,
        };
        classify(&HOUSECALL_PRO, effect, &answer).unwrap_err()
    }

    #[test]
    fn a_refusal_says_in_words_what_the_crm_did_and_keeps_its_status() {
        let rows = [
            (303, "answered with a redirect, and we follow none"),
            (304, "answered with a redirect, and we follow none"),
            (401, "no longer accepts our credentials"),
            (408, "gave up waiting for our request"),
            (409, "says that this record exists already"),
            (422, "rejected the request"),
            (423, "has locked the record for now"),
            (425, "gave up waiting for our request"),
            (429, "asked us to slow down"),
            (503, "failed on its side"),
            (999, "failed on its side"),
        ];
        for (status, what) in rows {
            for effect in [Effect::Read, Effect::Write] {
                let error = refusal(effect, status, &HeaderMap::new(), None);
                assert_eq!(
                    error.detail(),
                    format!("Housecall Pro {what} (HTTP {status})")
                );
                assert_eq!(error.status(), Some(status));
            }
        }
    }

    #[test]
    fn a_refusal_with_a_broken_body_says_so() {
        let lost = Some(Fault::ConnectionLost);
        let error = refusal(Effect::Write, 422, &HeaderMap::new(), lost);
        assert_eq!(
            error.detail(),
            "Housecall Pro rejected the request (HTTP 422, in a broken answer)"
        );
    }

    #[test]
    fn a_throttled_answer_carries_the_pause_it_asks_for() {
        let mut headers = HeaderMap::new();
        let pause = |headers: &HeaderMap| match refusal(Effect::Write, 429, headers, None) {
            AdapterError::Throttled { retry_after, .. } => retry_after,
            other => panic!("{other:?}"),
        };
        assert_eq!(pause(&headers), None);
        headers.insert(http::header::RETRY_AFTER, "7".parse().unwrap());
        assert_eq!(pause(&headers), Some(std::time::Duration::from_secs(7)));
    }

    #[test]
    fn a_success_that_cannot_be_read_keeps_its_status() {
        let headers = HeaderMap::new();
        let answer = Answer {
            head: Some((StatusCode::CREATED, &headers)),
            fault: Some(Fault::InvalidJson),
        };
        let error = classify(&HOUSECALL_PRO, Effect::Write, &answer).unwrap_err();
        assert_eq!(error.status(), Some(201));
    }

    #[test]
    fn a_fault_says_in_words_who_did_what() {
        let answer = Answer {
            head: None,
            fault: Some(Fault::Tls),
        };
        let error = classify(&HOUSECALL_PRO, Effect::Write, &answer).unwrap_err();
        assert_eq!(
            error.detail(),
            "Housecall Pro could not be trusted: the TLS connection failed"
        );
    }
}
