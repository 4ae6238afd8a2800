//! What the CRM itself said to a lead that it did not take.

use chrono::{DateTime, Utc};
use leadrail_engine::{Event, HistoryKind};
use serde::Serialize;
use serde_json::Value;

/// A person reads no more than so many characters of it; the whole is in the evidence.
const MOST: usize = 1_000;

/// The answer that a lead died of, in the CRM's own words. It may repeat the lead's personal data; the
/// secrets were taken out before it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrmAnswer {
    /// When it was written down.
    pub at: DateTime<Utc>,
    /// The step that it was the answer to.
    pub activity: Option<String>,
    /// Its HTTP status.
    pub status: u16,
    /// The beginning of its body.
    pub text: String,
    /// Whether the body went on.
    pub truncated: bool,
}

impl CrmAnswer {
    /// The last answer of the last try that failed; none where it failed without an answer.
    pub(super) fn last(history: &[Event]) -> Option<Self> {
        let failed = |event: &&Event| event.kind == HistoryKind::ActivityFailed;
        let event = history.iter().rev().find(failed)?;
        let evidence = event.payload.as_ref()?["evidence"].as_array()?;
        let exchange = evidence
            .iter()
            .rev()
            .find(|kept| !kept["error"].is_null())?;
        let status = u16::try_from(exchange["status"].as_u64()?).ok()?;
        let body = &exchange["response_body"];
        let whole = body["text"].as_str().unwrap_or_default().trim();
        let text: String = whole.chars().take(MOST).collect();
        let is_cut = body["truncated"] == Value::Bool(true) || text.len() < whole.len();
        Some(Self {
            at: event.at,
            activity: event.activity.clone(),
            status,
            text,
            truncated: is_cut,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadrail_engine::RunId;
    use serde_json::json;

    fn failed(evidence: &Value) -> Event {
        Event {
            run_id: RunId::new(),
            seq: 1,
            at: DateTime::from_timestamp(1_779_805_920, 0).unwrap(),
            kind: HistoryKind::ActivityFailed,
            activity: Some("lead_create".to_owned()),
            attempt: Some(1),
            payload: Some(json!({ "evidence": evidence })),
        }
    }

    #[test]
    fn the_last_answer_that_went_wrong_is_told_and_no_more_of_it_than_people_read() {
        let fine = json!({"status": 200, "error": null});
        let body = |text: String| json!({"text": text, "bytes": 1, "truncated": false});
        let bad = json!({"status": 422, "error": "http_422", "response_body": body(" no such tag\n".into())});
        let told = CrmAnswer::last(&[failed(&json!([bad, fine]))]).expect("an answer");
        assert_eq!(
            (told.status, told.text.as_str(), told.truncated),
            (422, "no such tag", false)
        );
        let long =
            json!({"status": 400, "error": "http_400", "response_body": body("é".repeat(4_000))});
        let told = CrmAnswer::last(&[failed(&json!([long]))]).expect("an answer");
        assert_eq!((told.text.chars().count(), told.truncated), (MOST, true));
        let bare = json!({"status": 404, "error": "http_404"});
        assert_eq!(
            CrmAnswer::last(&[failed(&json!([bare]))])
                .expect("an answer")
                .text,
            ""
        );
        for none in [
            json!([]),
            json!([fine]),
            json!([{"status": null, "error": "timeout"}]),
            json!(7),
        ] {
            assert_eq!(CrmAnswer::last(&[failed(&none)]), None);
        }
    }
}
