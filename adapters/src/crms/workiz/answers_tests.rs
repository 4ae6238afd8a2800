//! What Workiz's own answers lead to, against a scripted server.

use leadrail_lead::Marker;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Workiz;
use super::judge::verdict;
use super::wire::{Created, Page, Team};
use crate::hostile::any_json;
use crate::scripted_crm::{KEY, Scene, Script, ScriptedCrm, say, session_with, target};
use crate::{
    AdapterResult, Answer, CrmAdapter, Effect, Links, Record, Session, Settings, Slot, StepKey,
    preview,
};

fn new_york() -> Settings {
    Settings::default().with("time_zone", "America/New_York")
}

fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.settings = new_york();
    scene
}

async fn file(session: &Session) -> AdapterResult<Option<Record>> {
    scene().take(&Workiz, StepKey::LEAD_CREATE, session).await
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

fn forbidden() -> Value {
    json!({ "success": false, "error": "Forbidden",
            "message": "Invalid API path or malformed API key." })
}

fn problem(code: u16, details: &Value) -> Value {
    json!({ "error": true, "code": code, "msg": "Validation failed", "details": details })
}

#[tokio::test]
async fn every_answer_to_a_new_lead_leads_to_one_decision() {
    let lead = json!({ "UUID": "ABC123", "ClientId": 4455 });
    let one = json!({ "error": "State is missing" });
    let several = json!([{ "error": "Phone is invalid" }, { "error": "City is missing" }]);
    let secret = json!({ "error": "auth_secret is required" });
    let rows = [
        (say(200, &json!({ "flag": true, "data": [lead] })), "done"),
        (say(200, &json!({ "flag": true, "data": lead })), "done"),
        (say(200, &json!([lead])), "done"),
        (say(200, &json!([{ "flag": true, "data": lead }])), "done"),
        (say(201, &lead), "done"),
        (
            say(200, &json!({ "flag": true, "data": [] })),
            "ambiguous invalid_json",
        ),
        (say(200, &json!({ "flag": true })), "ambiguous invalid_json"),
        (say(200, &json!([])), "ambiguous invalid_json"),
        (say(200, &json!([{ "UUID": "" }])), "ambiguous invalid_json"),
        (
            Script::Say(200, "<html>Sign in".into()),
            "ambiguous invalid_json",
        ),
        (Script::Say(204, String::new()), "ambiguous invalid_json"),
        (
            say(200, &json!({ "flag": false, "msg": "no" })),
            "rejected flag_false",
        ),
        (
            say(200, &json!({ "flag": false, "data": [], "code": 200 })),
            "rejected flag_false",
        ),
        (
            say(200, &json!({ "flag": false, "data": [lead] })),
            "ambiguous flag_false",
        ),
        (say(200, &problem(400, &one)), "rejected http_400"),
        (say(200, &problem(401, &one)), "auth http_401"),
        (say(200, &problem(403, &one)), "forbidden forbidden"),
        (say(200, &problem(404, &one)), "rejected http_404"),
        (say(200, &problem(429, &one)), "throttled http_429"),
        (say(200, &problem(500, &one)), "ambiguous http_500"),
        (say(200, &forbidden()), "auth http_200"),
        (say(400, &problem(400, &one)), "rejected http_400"),
        (say(400, &problem(400, &several)), "rejected http_400"),
        (say(400, &problem(400, &secret)), "auth http_400"),
        (say(400, &json!({})), "rejected http_400"),
        (say(401, &problem(401, &secret)), "auth http_401"),
        (say(403, &forbidden()), "auth http_403"),
        (
            Script::Say(403, "<html>Blocked".into()),
            "forbidden forbidden",
        ),
        (say(404, &problem(404, &one)), "rejected http_404"),
        (Script::Say(404, "<html>Nothing".into()), "setup http_404"),
        (say(409, &json!({})), "ambiguous http_409"),
        (say(422, &problem(422, &one)), "rejected http_422"),
        (say(429, &json!({})), "throttled http_429"),
        (say(500, &problem(500, &one)), "ambiguous http_500"),
        (Script::BreakOff(200), "ambiguous connection_lost"),
        (Script::Hang, "ambiguous timeout"),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        let crm = ScriptedCrm::start([script]).await;
        let session = crm.session_of(&Workiz);
        let filed = file(&session).await;
        assert_eq!(told(&filed, &session), expected, "row {number}");
    }
}

#[tokio::test]
async fn a_new_lead_is_known_by_its_id_its_page_and_its_client() {
    let page = "https://app.workiz.com/root/lead/ABC123/1";
    let rows = [
        (json!(page), Some(page)),
        (json!("http://app.workiz.com/x"), None),
        (json!("https://workiz.com.example/x"), None),
        (json!("javascript:alert(1)"), None),
        (json!(7), None),
    ];
    for (link, url) in rows {
        let data = json!([{ "UUID": "ABC123", "ClientId": "4455", "link": link }]);
        let crm = ScriptedCrm::start([say(200, &json!({ "flag": true, "data": data }))]).await;
        let filed = file(&crm.session_of(&Workiz)).await.unwrap().unwrap();
        let expected = Record {
            url: url.map(str::to_owned),
            ..Record::new("ABC123")
        };
        assert_eq!(filed, expected.beside(Slot::Customer, Record::new("4455")));
    }
}

#[tokio::test]
async fn a_client_that_is_gone_is_left_out_and_nothing_is_sent_twice_for_anything_else() {
    let made = json!({ "flag": true, "data": [{ "UUID": "ABC123" }] });
    let gone = json!({ "error": "ClientId was not found" });
    for refusal in [
        say(404, &problem(404, &gone)),
        say(400, &problem(400, &gone)),
        say(200, &problem(404, &gone)),
        say(410, &problem(410, &gone)),
    ] {
        let crm = ScriptedCrm::start([refusal, say(200, &made)]).await;
        let known = scene().for_customer("4455");
        let session = crm.session_of(&Workiz);
        let filed = known.take(&Workiz, StepKey::LEAD_CREATE, &session).await;
        assert_eq!(filed.unwrap(), Some(Record::new("ABC123")));
        let bodies: Vec<Value> = crm
            .seen()
            .into_iter()
            .filter_map(|seen| seen.body)
            .collect();
        assert_eq!(bodies[0]["ClientId"], 4455);
        assert!(bodies[1].get("ClientId").is_none());
        assert_eq!(bodies[0]["LeadNotes"], bodies[1]["LeadNotes"]);
    }
    for other in [
        say(
            400,
            &problem(400, &json!([gone, { "error": "City is missing" }])),
        ),
        Script::Say(404, "<html>Nothing".into()),
        say(500, &problem(500, &gone)),
    ] {
        let crm = ScriptedCrm::start([other]).await;
        let session = crm.session_of(&Workiz);
        let known = scene().for_customer("4455");
        let filed = known.take(&Workiz, StepKey::LEAD_CREATE, &session).await;
        assert!(filed.is_err());
        assert_eq!(crm.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_refusal_names_the_fields_but_not_their_values() {
    let details = json!([
        { "error": "Email maria@example.com is taken" }, { "Phone": "3055550182" },
    ]);
    for body in [
        problem(400, &details),
        json!({ "flag": false, "msg": "Email maria@example.com, Phone 3055550182" }),
    ] {
        for status in [400, 200] {
            let crm = ScriptedCrm::start([say(status, &body)]).await;
            let error = file(&crm.session_of(&Workiz)).await.unwrap_err();
            let detail = error.to_string();
            assert!(
                detail.starts_with("Workiz rejected the request (HTTP "),
                "{detail}"
            );
            assert!(detail.ends_with("; it names Email, Phone"), "{detail}");
            assert!(!format!("{error:?}").contains("maria"));
        }
    }
}

#[tokio::test]
async fn a_check_proves_the_token_and_then_the_secret_and_says_whose_they_are() {
    let team = || {
        let people = json!([
            { "id": "31", "name": "Sam" }, { "id": 2, "name": "Olivia\u{0} Acme", "active": false },
        ]);
        say(200, &json!({ "flag": true, "data": people }))
    };
    for accepted in [
        say(404, &problem(404, &json!({ "error": "Lead not found" }))),
        say(400, &problem(400, &json!([{ "error": "UUID is invalid" }]))),
        say(
            200,
            &json!({ "flag": false, "msg": "Lead not found", "code": 404 }),
        ),
        say(200, &json!({ "flag": false, "msg": "Lead not found" })),
        say(200, &json!([])),
        Script::Say(204, String::new()),
    ] {
        let crm = ScriptedCrm::start([team(), accepted]).await;
        let account = Workiz.check(&crm.session_of(&Workiz)).await.unwrap();
        assert_eq!(account.name, "the account of Olivia Acme");
        let seen = crm.seen();
        assert_eq!(seen[0].target, format!("/{KEY}/team/all/"));
        assert_eq!(seen[1].target, format!("/{KEY}/lead/update/"));
        let change = json!({ "UUID": "leadrail-no-such-lead", "auth_secret": KEY });
        assert_eq!(seen[1].body, Some(change));
    }
    for (secret, expected) in [
        (say(401, &problem(401, &json!({}))), "auth http_401"),
        (say(429, &json!({})), "throttled http_429"),
        (say(503, &json!({})), "not_done http_503"),
    ] {
        let crm = ScriptedCrm::start([team(), secret]).await;
        let error = Workiz.check(&crm.session_of(&Workiz)).await.err().unwrap();
        assert_eq!(format!("{} {}", error.kind(), error.reason()), expected);
    }
}

#[tokio::test]
async fn a_wrong_token_and_a_missing_add_on_are_told_in_words_and_without_the_token() {
    for (body, expected) in [
        (forbidden(), "auth http_403"),
        (json!({ "message": "no" }), "forbidden forbidden"),
    ] {
        let crm = ScriptedCrm::start([say(403, &body)]).await;
        let session = crm.session_of(&Workiz);
        let error = Workiz.check(&session).await.err().unwrap();
        assert_eq!(format!("{} {}", error.kind(), error.reason()), expected);
        assert!(error.detail().contains("Developer API add-on"), "{error}");
        let kept = serde_json::to_string(&session.take_exchanges()).unwrap();
        assert!(
            !kept.contains(KEY) && !format!("{error:?}").contains(KEY),
            "{kept}"
        );
        assert!(kept.contains("/********/team/all/"), "{kept}");
    }
}

#[tokio::test]
async fn a_preview_is_what_is_really_sent() {
    let none = json!({ "flag": true, "data": [], "has_more": false });
    let made = json!({ "flag": true, "data": [{ "UUID": "ABC123", "ClientId": 4455 }] });
    let settings = new_york().with("job_type", "AC Repair");
    let crm = ScriptedCrm::start([say(200, &none), say(200, &made)]).await;
    let url = format!("{}/wz/", crm.url);
    let session = session_with(&Workiz, &url, settings.clone());
    let mut scene = Scene::new();
    scene.settings = settings.clone();
    scene.since = scene.lead.timestamp_utc;
    for key in Workiz.plan(&settings).keys() {
        scene.marker = Marker::new(scene.lead.event_id, key.label());
        let record = scene.take(&Workiz, key, &session).await.unwrap();
        scene.made.set(key.slot, record);
    }
    let target = target(&Workiz, &url).with_settings(settings);
    let planned = preview(&Workiz, &target, &scene.lead, Links::WORDS, None);
    let seen = crm.seen();
    assert_eq!(planned.len(), seen.len());
    for (planned, seen) in planned.into_iter().zip(seen) {
        assert_eq!(planned.method, seen.method);
        let sent = format!("{}{}", crm.url, seen.target);
        assert!(sent.contains(KEY));
        assert_eq!(planned.url, sent.replace(KEY, "********"));
        let sent = seen
            .body
            .map(|body| body.to_string().replace(KEY, "********"));
        assert_eq!(planned.body.map(|body| body.to_string()), sent);
        let mut headers = seen.headers;
        headers.remove("host");
        headers.remove("content-length");
        assert_eq!(planned.headers, headers);
    }
}

/// Names that the answers have.
const NAMES: &str =
    "flag|error|code|msg|details|data|success|UUID|ClientId|LeadNotes|has_more|.{0,4}";

proptest! {
    #[test]
    fn no_answer_can_make_the_reader_stumble_or_a_write_certain(
        answer in any_json(NAMES, ""),
        code in 200_u16..600,
        writes in any::<bool>(),
    ) {
        let body = answer.to_string();
        let _ = serde_json::from_str::<Page>(&body);
        let _ = serde_json::from_str::<Team>(&body);
        let created = serde_json::from_str::<Created>(&body);
        let headers = http::HeaderMap::new();
        let status = http::StatusCode::from_u16(code).unwrap();
        let verdict = verdict(&Answer {
            effect: if writes { Effect::Write } else { Effect::Read },
            head: Some((status, &headers)),
            fault: None,
            names: None,
            body: body.as_bytes(),
        });
        if let (Ok(()), true) = (&verdict.result, writes) {
            prop_assert!(status.is_success(), "{}", code);
        }
        if let (Err(error), Ok(_)) = (&verdict.result, created) {
            let is_certain = ["rejected", "not_done"].contains(&error.kind());
            prop_assert!(!(writes && status.is_success() && is_certain), "{:?}", error);
        }
    }
}
