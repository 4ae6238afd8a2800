//! What a CRM will never take is a dead letter at once, and says why without saying who.

use leadrail_engine::{Event, RunState, RunView};
use serde_json::{Value, json};

use super::subject::Subject;

pub(super) async fn what_the_crm_refuses_is_a_dead_letter_that_names_nobody(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    for (n, making) in subject.makes.iter().enumerate() {
        let (own_words, repeating) = (2 * n as u64, 2 * n as u64 + 1);
        for n in [own_words, repeating] {
            let payload = subject.lead_that_makes(making, &scene, n).await;
            let before = scene.count(making.books);
            let mut fault = json!({"kind": "reject"});
            if n == repeating {
                fault["body"] = everything_said(&payload);
            }
            scene.fault(&making.met(1), &fault);
            let run = scene.submit(payload.clone()).await.run_id;
            let dead = scene.until(run, RunState::Dead).await;
            assert_eq!(dead.activity.as_deref(), Some(making.step.label()));
            assert_machine_readable(&dead);
            let told = scene.told(run).await;
            let at_once = told
                .iter()
                .any(|line| line.starts_with("try 1 failed for good: "));
            assert!(at_once, "{told:#?}");
            assert_eq!(scene.count(making.books), before);
            let words = without_evidence(scene.history(run).await);
            for said in personal(&payload) {
                assert!(!words.contains(&said), "{said} in {words}");
                assert!(
                    told.iter().all(|line| !line.contains(&said)),
                    "{said} in {told:#?}"
                );
            }
        }
    }
    scene.end().await;
}

pub(super) fn assert_machine_readable(run: &RunView) {
    let reason = run.reason.as_deref().unwrap_or_default();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    assert!(!reason.is_empty() && reason.chars().all(fits), "{reason:?}");
}

/// A refusal that repeats whatever it was told.
fn everything_said(payload: &Value) -> Value {
    let words = personal(payload).join(", ");
    json!({
        "message": words, "title": words, "error": words,
        "errors": {words.as_str(): [words], "mobile_number": [words], "Name": [words]},
    })
}

/// What the payload says of a person.
pub(super) fn personal(payload: &Value) -> Vec<String> {
    let contact = &payload["contact"];
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let phone = text(&contact["phone"]);
    vec![
        phone.trim_start_matches("+1").to_owned(),
        text(&contact["first_name"]),
        text(&contact["last_name"]),
        text(&contact["email"]),
        text(&contact["address"]["street"]),
        text(&payload["service_request"]["issue_description"]),
    ]
}

/// Everything in a history but the exchanges, which hold what was sent and are kept under lock.
fn without_evidence(history: Vec<Event>) -> String {
    let events = history.into_iter().map(|mut event| {
        if let Some(Value::Object(payload)) = event.payload.as_mut() {
            payload.remove("evidence");
        }
        serde_json::to_string(&event).expect("JSON")
    });
    events.collect()
}
