//! What an answer means, decided once for all CRMs.
//!
//! The question is always the same: may the request have taken effect? A read never has an
//! effect. A write has none only if it provably never left, or if the CRM says so. An adapter may
//! overrule this for codes of its own CRM ([`CrmAdapter::judge`](crate::CrmAdapter::judge)), never
//! for the general rules.
//!
//! | answer | read | write |
//! |---|---|---|
//! | 2xx with a readable body | done | done |
//! | 2xx, body lost, too large, or not the expected JSON | not done | ambiguous |
//! | name not found, connection refused, TLS failed | not done | not done |
//! | an address where no request may go, or a request that cannot be put into HTTP | setup | setup |
//! | no answer in time, connection lost | not done | ambiguous |
//! | 5xx, 408, 425, anything above 599 | not done | ambiguous |
//! | 409 | not done | ambiguous: the look-up finds the record that exists |
//! | 423 | not done | not done |
//! | 429 | throttled | throttled |
//! | 401 | auth | auth |
//! | 304, 307, 308 | not done | not done: nothing changed, or it is to be asked elsewhere |
//! | other 3xx, never followed | not done | ambiguous: most point to the result of what was done |
//! | 404, 410, where the request names a record of ours | rejected: it is gone | rejected: it is gone |
//! | other 4xx | rejected | rejected |

use http::{HeaderMap, StatusCode};

use super::answer::{Answer, Effect, Fault};
use super::error::{AdapterError, AdapterResult, Failure};
use super::retry_after::retry_after;
use crate::info::CrmInfo;

/// Decides what an answer means. `Ok` means done: the body may be used.
///
/// A status other than 2xx is believed even when the body behind it is broken: the CRM has said
/// what it did.
pub fn classify(crm: &CrmInfo, answer: &Answer<'_>) -> AdapterResult<()> {
    match (answer.head, answer.fault) {
        (Some((status, headers)), fault) if !status.is_success() => {
            Err(refused(crm, answer, status, headers, fault))
        }
        (_, Some(fault)) => Err(faulty(crm, answer, fault)),
        (_, None) => Ok(()),
    }
}

/// What a fault means, on the wire or in a body that is not what the call answers with.
pub(super) fn faulty(crm: &CrmInfo, answer: &Answer<'_>, fault: Fault) -> AdapterError {
    let mut failure = Failure::new(
        fault.reason(),
        format!("{} {}", crm.title, fault.sentence()),
    );
    failure.status = answer.head.map(|(status, _)| status.as_u16());
    match fault {
        Fault::Dns | Fault::Connect | Fault::Tls => AdapterError::NotDone(failure),
        // The lead is as good as any, and nothing of it can make a request unsendable: what stands in
        // headers comes from the connection. That is for a person to set right.
        Fault::Forbidden | Fault::Unsendable => AdapterError::Setup(failure),
        Fault::Timeout | Fault::ConnectionLost | Fault::BodyTooLarge | Fault::InvalidJson => {
            unproven(answer.effect, failure)
        }
    }
}

fn refused(
    crm: &CrmInfo,
    answer: &Answer<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    fault: Option<Fault>,
) -> AdapterError {
    let (code, effect) = (status.as_u16(), answer.effect);
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
        (404 | 410, _) if answer.names.is_some() => AdapterError::record_gone(crm, Some(code)),
        (408 | 425, _) => unproven(effect, because("gave up waiting for our request")),
        (409, _) => unproven(effect, because("says that this record exists already")),
        (423, _) => AdapterError::NotDone(because("has locked the record for now")),
        (429, _) => AdapterError::Throttled {
            failure: because("asked us to slow down"),
            retry_after: retry_after(headers),
        },
        (400..=499, _) => AdapterError::Rejected(because("rejected the request")),
        (304 | 307 | 308, _) => {
            AdapterError::NotDone(because("answered with a redirect, and we follow none"))
        }
        (300..=399, _) => unproven(
            effect,
            because("answered with a redirect, and we follow none"),
        ),
        _ => unproven(effect, because("failed on its side")),
    }
}

/// The CRM has not said that nothing was done. A read has nothing to do; a write may be in.
pub(crate) fn unproven(effect: Effect, failure: Failure) -> AdapterError {
    match effect {
        Effect::Read => AdapterError::NotDone(failure),
        Effect::Write => AdapterError::Ambiguous(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error::RECORD_GONE;
    use crate::plan::Slot;
    use crate::scripted_crm::EXAMPLE;

    fn answer<'a>(
        effect: Effect,
        head: Option<(StatusCode, &'a HeaderMap)>,
        fault: Option<Fault>,
    ) -> Answer<'a> {
        Answer {
            effect,
            head,
            fault,
            names: None,
            body: &[],
        }
    }

    fn kinds(status: Option<u16>, fault: Option<Fault>) -> (String, String) {
        let headers = HeaderMap::new();
        let head = status.map(|code| (StatusCode::from_u16(code).unwrap(), &headers));
        let kind = |effect| match classify(&EXAMPLE, &answer(effect, head, fault)) {
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
            (300, "not_done redirect", "ambiguous redirect"),
            (301, "not_done redirect", "ambiguous redirect"),
            (302, "not_done redirect", "ambiguous redirect"),
            (303, "not_done redirect", "ambiguous redirect"),
            (304, "not_done redirect", "not_done redirect"),
            (307, "not_done redirect", "not_done redirect"),
            (308, "not_done redirect", "not_done redirect"),
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
    fn where_a_request_names_a_record_not_found_means_that_it_is_gone() {
        let headers = HeaderMap::new();
        for (code, names, expected) in [
            (404, Some(Slot::Customer), RECORD_GONE),
            (410, Some(Slot::Site), RECORD_GONE),
            (404, None, "http_404"),
            (400, Some(Slot::Customer), "http_400"),
        ] {
            let status = StatusCode::from_u16(code).unwrap();
            let plain = answer(Effect::Write, Some((status, &headers)), None);
            let refused = classify(&EXAMPLE, &Answer { names, ..plain }).unwrap_err();
            assert_eq!((refused.kind(), refused.reason()), ("rejected", expected));
        }
    }

    #[test]
    fn a_fault_is_ambiguous_only_if_the_write_may_have_left() {
        let rows = [
            (
                Fault::Forbidden,
                "setup forbidden_address",
                "setup forbidden_address",
            ),
            (Fault::Dns, "not_done dns", "not_done dns"),
            (Fault::Connect, "not_done connect", "not_done connect"),
            (Fault::Tls, "not_done tls", "not_done tls"),
            (Fault::Unsendable, "setup unsendable", "setup unsendable"),
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
        classify(&EXAMPLE, &answer(effect, Some((status, headers)), fault)).unwrap_err()
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
                    format!("Example CRM {what} (HTTP {status})")
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
            "Example CRM rejected the request (HTTP 422, in a broken answer)"
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
        let head = Some((StatusCode::CREATED, &headers));
        let answer = answer(Effect::Write, head, Some(Fault::InvalidJson));
        let error = classify(&EXAMPLE, &answer).unwrap_err();
        assert_eq!(error.status(), Some(201));
    }

    #[test]
    fn a_fault_says_in_words_who_did_what() {
        let answer = answer(Effect::Write, None, Some(Fault::Tls));
        let error = classify(&EXAMPLE, &answer).unwrap_err();
        assert_eq!(
            error.detail(),
            "Example CRM could not be trusted: the TLS connection failed"
        );
    }
}
