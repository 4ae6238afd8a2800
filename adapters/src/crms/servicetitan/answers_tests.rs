//! What ServiceTitan's own answers lead to, against a scripted server.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::ServiceTitan;
use super::mapping_tests::{booking_mode, job_mode, lead_mode, scene};
use super::refusal::refusal;
use super::wire::{
    Booking, Contact, CreatedCustomer, Customer, Entry, JobNote, Location, Note, Page, Summarized,
};
use crate::hostile::any_json;
use crate::scripted_crm::{Scene, Script, ScriptedCrm, lead_with, say, session_with};
use crate::{
    AdapterError, AdapterResult, Answer, Effect, Failure, RECORD_GONE, Record, Session, Settings,
    Slot, StepKey, Verb,
};

const SITE_CREATE: StepKey = StepKey::new(Verb::Make, Slot::Site);

pub(super) fn problem(title: &str, errors: &Value) -> Value {
    json!({
        "type": "https://x", "title": title, "status": 400, "traceId": "t", "errors": errors,
        "data": {},
    })
}

/// The outcome as a word and a reason, which is what the only exchange recorded.
fn told<T>(result: &AdapterResult<T>, session: &Session) -> String {
    let exchanges = session.take_exchanges();
    assert_eq!(exchanges.len(), 1, "every call is recorded once");
    let recorded = exchanges[0].error.as_deref();
    match result {
        Ok(_) => {
            assert_eq!(recorded, None);
            "done".to_owned()
        }
        Err(error) => {
            assert_eq!(recorded, Some(error.reason()));
            format!("{} {}", error.kind(), error.reason())
        }
    }
}

async fn outcome(settings: Settings, key: StepKey, script: Script) -> String {
    let crm = ScriptedCrm::start([script]).await;
    let session = session_with(&ServiceTitan, &crm.url, settings.clone());
    let scene = scene(lead_with(|_| {}), settings);
    told(&scene.take(&ServiceTitan, key, &session).await, &session)
}

#[tokio::test]
async fn every_answer_to_a_new_record_leads_to_one_decision() {
    let record = json!({ "id": 900, "status": "New", "locations": [], "text": "x" });
    let rows = [
        (say(200, &record), "done"),
        (say(201, &record), "done"),
        (say(200, &json!([])), "ambiguous invalid_json"),
        (say(400, &problem("bad", &json!({}))), "rejected http_400"),
        (
            say(401, &problem("Unauthorized", &json!({}))),
            "auth http_401",
        ),
        (say(403, &problem("no", &json!({}))), "forbidden http_403"),
        (say(408, &json!({})), "ambiguous http_408"),
        (say(429, &problem("slow", &json!({}))), "throttled http_429"),
        (say(500, &json!({})), "ambiguous http_500"),
        (say(504, &json!({})), "ambiguous http_504"),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        let again = |script: &Script| match script {
            Script::Say(status, body) => Script::Say(*status, body.clone()),
            _ => unreachable!(),
        };
        for (settings, key) in [
            (booking_mode(), StepKey::LEAD_CREATE),
            (job_mode(), StepKey::CUSTOMER_CREATE),
            (job_mode(), SITE_CREATE),
            (job_mode(), StepKey::LEAD_CREATE),
            (job_mode(), StepKey::NOTE_ATTACH),
            (lead_mode(), StepKey::CUSTOMER_CREATE),
            (lead_mode(), SITE_CREATE),
            (lead_mode(), StepKey::LEAD_CREATE),
            (lead_mode(), StepKey::NOTE_ATTACH),
        ] {
            let told = outcome(settings, key, again(&script)).await;
            assert_eq!(told, expected, "row {number} of {key}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_a_usable_id_proves_nothing() {
    for body in [
        json!({}),
        json!({ "id": 0 }),
        json!({ "id": "900" }),
        json!({ "id": -1 }),
    ] {
        for (settings, key) in [
            (booking_mode(), StepKey::LEAD_CREATE),
            (lead_mode(), StepKey::LEAD_CREATE),
            (lead_mode(), StepKey::NOTE_ATTACH),
        ] {
            let told = outcome(settings, key, say(200, &body)).await;
            assert_eq!(told, "ambiguous invalid_json", "{body}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_means_the_connection_the_customer_or_the_job() {
    let not_found = || say(404, &problem("not found", &json!({})));
    let conflict = || say(409, &problem("conflict", &json!({})));
    let rows = [
        (
            booking_mode(),
            StepKey::LEAD_CREATE,
            not_found(),
            "setup http_404",
        ),
        (
            booking_mode(),
            StepKey::DEDUP_LOOKUP,
            not_found(),
            "setup http_404",
        ),
        (
            job_mode(),
            StepKey::LEAD_CREATE,
            not_found(),
            "setup http_404",
        ),
        (
            job_mode(),
            StepKey::NOTE_ATTACH,
            not_found(),
            "rejected record_gone",
        ),
        (
            lead_mode(),
            StepKey::LEAD_CREATE,
            not_found(),
            "setup http_404",
        ),
        (
            lead_mode(),
            StepKey::NOTE_ATTACH,
            not_found(),
            "rejected record_gone",
        ),
        (
            lead_mode().with("note_on", "customer"),
            StepKey::NOTE_ATTACH,
            not_found(),
            "rejected record_gone",
        ),
        (
            lead_mode(),
            StepKey::LEAD_CREATE,
            say(400, &problem("bad", &json!({ "customerId": ["gone"] }))),
            "rejected record_gone",
        ),
        (
            lead_mode(),
            StepKey::LEAD_CREATE,
            conflict(),
            "ambiguous http_409",
        ),
        (job_mode(), SITE_CREATE, conflict(), "rejected record_gone"),
        (
            booking_mode(),
            StepKey::LEAD_CREATE,
            conflict(),
            "ambiguous http_409",
        ),
        (
            job_mode(),
            StepKey::LEAD_CREATE,
            conflict(),
            "ambiguous http_409",
        ),
    ];
    for (number, (settings, key, script, expected)) in rows.into_iter().enumerate() {
        assert_eq!(
            outcome(settings, key, script).await,
            expected,
            "row {number}"
        );
    }
}

#[tokio::test]
async fn a_list_that_is_no_list_proves_nothing() {
    for body in [
        json!({ "hasMore": false, "data": null }),
        json!({ "data": [] }),
        json!([]),
    ] {
        let told = outcome(booking_mode(), StepKey::DEDUP_LOOKUP, say(200, &body)).await;
        assert_eq!(told, "not_done invalid_json", "{body}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_fields_but_not_their_values() {
    let errors = json!({
        "Locations[0].Address.Zip": ["33136 of maria@example.com is wrong"],
        "Contacts[0].Value": ["+13055550182"],
        "$.campaignId": ["?"],
        "maria@example.com": ["?"],
        "Name.maria": ["?"],
    });
    let crm = ScriptedCrm::start([say(400, &problem("maria@example.com", &errors))]).await;
    let scene = scene(lead_with(|_| {}), job_mode());
    let session = session_with(&ServiceTitan, &crm.url, job_mode());
    let refused = scene
        .take(&ServiceTitan, StepKey::CUSTOMER_CREATE, &session)
        .await;
    let error = refused.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ServiceTitan rejected the request (HTTP 400); it names campaignId, contacts.value, \
         locations.address.zip"
    );
    assert!(!format!("{error:?}").contains("maria"));
}

#[tokio::test]
async fn a_step_without_what_it_builds_on_is_never_sent() {
    let crm = ScriptedCrm::start([]).await;
    for settings in [job_mode(), lead_mode()] {
        let session = session_with(&ServiceTitan, &crm.url, settings.clone());
        let mut scene = Scene::new();
        scene.settings = settings;
        for key in [
            StepKey::new(Verb::Find, Slot::Site),
            SITE_CREATE,
            StepKey::LEAD_CREATE,
            StepKey::NOTE_ATTACH,
        ] {
            let taken = scene.take(&ServiceTitan, key, &session).await;
            assert_eq!(taken.unwrap_err().reason(), "step_out_of_order", "{key}");
        }
    }
    assert!(crm.seen().is_empty());
}

#[tokio::test]
async fn a_note_is_known_by_its_id_and_a_jobs_by_its_marker() {
    let crm = ScriptedCrm::start([say(200, &json!({ "text": "x", "isPinned": false }))]).await;
    let session = session_with(&ServiceTitan, &crm.url, job_mode());
    let scene = scene(lead_with(|_| {}), job_mode());
    let noted = scene
        .take(&ServiceTitan, StepKey::NOTE_ATTACH, &session)
        .await;
    assert_eq!(noted.unwrap(), Some(Record::new("lr-7f3k2m9q")));
    assert_eq!(crm.seen()[0].target, "/jpm/v2/tenant/4829/jobs/900/notes");

    for settings in [lead_mode(), job_mode().with("note_on", "customer")] {
        let crm = ScriptedCrm::start([say(200, &json!({ "id": 950, "text": "x" }))]).await;
        let session = session_with(&ServiceTitan, &crm.url, settings.clone());
        let scene = self::scene(lead_with(|_| {}), settings);
        let noted = scene
            .take(&ServiceTitan, StepKey::NOTE_ATTACH, &session)
            .await;
        assert_eq!(noted.unwrap(), Some(Record::new("950")));
    }
}

/// Names that the answers have.
const NAMES: &str =
    "errors|title|name|email|data|hasMore|id|customerId|memo|address|\\$\\.name|.{0,4}";

proptest! {
    #[test]
    fn no_answer_can_make_the_reader_stumble(answer in any_json(NAMES, "")) {
        let body = answer.to_string();
        let _ = serde_json::from_str::<Page<Customer>>(&body);
        let _ = serde_json::from_str::<Page<Contact>>(&body);
        let _ = serde_json::from_str::<Page<Location>>(&body);
        let _ = serde_json::from_str::<Page<Booking>>(&body);
        let _ = serde_json::from_str::<Page<Summarized>>(&body);
        let _ = serde_json::from_str::<Page<Note>>(&body);
        let _ = serde_json::from_str::<Page<JobNote>>(&body);
        let _ = serde_json::from_str::<Page<Entry>>(&body);
        let _ = serde_json::from_str::<CreatedCustomer>(&body);
        let failure = Failure::new("http_400", "Refused").with_status(400);
        let answer = Answer {
            effect: Effect::Write,
            head: None,
            fault: None,
            names: None,
            body: body.as_bytes(),
        };
        let refused = refusal(AdapterError::Rejected(failure), &answer);
        prop_assert_eq!(refused.kind(), "rejected");
        let detail = refused.detail();
        let fits = match refused.reason() {
            RECORD_GONE => detail.starts_with("ServiceTitan no longer has"),
            "http_400" => detail == "Refused" || detail.starts_with("Refused; it names "),
            _ => false,
        };
        prop_assert!(fits, "{}", detail);
    }
}
