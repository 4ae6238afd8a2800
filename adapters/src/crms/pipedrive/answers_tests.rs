//! What Pipedrive's own answers lead to, against a scripted server.

use leadrail_lead::Marker;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::wire::{Deal, Lead, Listed, Note, One, Person};
use super::{PIPEDRIVE, Pipedrive, refusal};
use crate::hostile::any_json;
use crate::scripted_crm::{KEY, Scene, Script, ScriptedCrm, say, session_with, target};
use crate::{
    AdapterError, AdapterResult, Answer, CrmAdapter, Effect, Failure, Links, Record, Session,
    Settings, Slot, StepKey, preview,
};

fn in_mode(mode: &str) -> Scene {
    let mut scene = Scene::new().for_customer("700");
    scene.settings = Settings::default().with("mode", mode);
    scene.made.lead = Some(Record::new(if mode == "deal" { "800" } else { "ld-1" }));
    scene
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

async fn outcome(scene: &Scene, key: StepKey, script: Script) -> (String, Option<AdapterError>) {
    let crm = ScriptedCrm::start([script]).await;
    let session = crm.session_of(&Pipedrive);
    let made = scene.take(&Pipedrive, key, &session).await;
    (told(&made, &session), made.err())
}

fn no(error: &str) -> Value {
    json!({"success": false, "error": error, "error_info": "Please check.", "data": null})
}

/// What every answer to each thing that is made leads to, but for what a success has.
fn common() -> Vec<(Script, &'static str)> {
    let code = |code: &str| json!({"success": false, "error": "Couldn't add it.", "code": code});
    let scope = "Scope and URL mismatch";
    vec![
        (say(201, &json!({})), "ambiguous invalid_json"),
        (
            say(200, &json!({"success": true, "data": null})),
            "ambiguous invalid_json",
        ),
        (
            say(200, &json!({"success": true, "data": {"id": ""}})),
            "ambiguous invalid_json",
        ),
        (
            say(200, &json!({"success": true, "data": {"id": 0}})),
            "ambiguous invalid_json",
        ),
        (say(200, &no("it was not done")), "rejected not_successful"),
        (
            say(400, &no("The content is required")),
            "rejected http_400",
        ),
        (
            say(400, &no("owner_id: is no user")),
            "setup setting_invalid",
        ),
        (
            say(400, &no("owner_id, title: are wrong")),
            "rejected http_400",
        ),
        (say(401, &no("unauthorized access")), "auth http_401"),
        (
            say(402, &no("Company account is not open")),
            "forbidden http_402",
        ),
        (say(403, &no("Forbidden")), "forbidden forbidden"),
        (say(403, &no(scope)), "setup scope_missing"),
        (
            say(403, &code("feature_capping_deals_limit")),
            "setup plan_limit",
        ),
        (
            say(403, &no("Open deals limit reached.")),
            "setup plan_limit",
        ),
        (
            Script::Say(403, "<title>Blocked</title>".into()),
            "forbidden forbidden",
        ),
        (say(405, &no("?")), "rejected http_405"),
        (say(409, &no("?")), "ambiguous http_409"),
        (say(415, &no("Feature is not enabled")), "setup feature_off"),
        (
            say(422, &no("label_ids: is no label")),
            "setup setting_invalid",
        ),
        (say(422, &no("?")), "rejected http_422"),
        (say(423, &no("?")), "not_done http_423"),
        (say(429, &no("request over limit")), "throttled http_429"),
        (say(500, &no("?")), "ambiguous http_500"),
        (say(501, &no("?")), "ambiguous http_501"),
        (say(503, &no("Scheduled maintenance")), "ambiguous http_503"),
        (Script::Hang, "ambiguous timeout"),
        (Script::BreakOff(201), "ambiguous connection_lost"),
    ]
}

#[tokio::test]
async fn every_answer_to_a_new_record_leads_to_one_decision() {
    for (mode, key) in [
        ("lead", StepKey::CUSTOMER_CREATE),
        ("lead", StepKey::LEAD_CREATE),
        ("deal", StepKey::LEAD_CREATE),
        ("lead", StepKey::NOTE_ATTACH),
        ("deal", StepKey::NOTE_ATTACH),
    ] {
        let id = match (mode, key) {
            ("lead", StepKey::LEAD_CREATE) => json!("ld-1"),
            _ => json!(7),
        };
        let made = json!({"success": true, "data": {"id": id}});
        let mut rows = common();
        rows.push((say(200, &made), "done"));
        rows.push((say(201, &made), "done"));
        for (number, (script, expected)) in rows.into_iter().enumerate() {
            let (told, _) = outcome(&in_mode(mode), key, script).await;
            assert_eq!(told, expected, "{mode} {key}, row {number}");
        }
    }
}

#[tokio::test]
async fn a_record_of_an_earlier_step_that_is_gone_is_no_fault_of_the_lead() {
    let rows = [
        (404, "Not found", true),
        (410, "Gone", true),
        (400, "Person not found", true),
        (400, "The person does not exist", true),
        (400, "Validation failed: person_id: is unknown", true),
        (422, "deal_id: is deleted", true),
        (400, "Validation failed: person_id: ?; title: ?", false),
    ];
    for (status, error, gone) in rows {
        for key in [StepKey::LEAD_CREATE, StepKey::NOTE_ATTACH] {
            let (told, _) = outcome(&in_mode("lead"), key, say(status, &no(error))).await;
            let expected = if gone {
                "rejected record_gone"
            } else {
                "rejected http_400"
            };
            assert_eq!(told, expected, "{key} {status} {error}");
        }
        // A new person names nobody who could be gone.
        let create = StepKey::CUSTOMER_CREATE;
        let (told, _) = outcome(&in_mode("lead"), create, say(status, &no(error))).await;
        assert_eq!(told, format!("rejected http_{status}"), "{error}");
    }
}

#[tokio::test]
async fn money_scopes_and_limits_are_named_in_words() {
    let rows = [
        (402, no("?"), "payment"),
        (403, no("Scope and URL mismatch"), "leads:full"),
        (
            403,
            json!({"code": "feature_capping_deals_limit"}),
            "limit of its plan",
        ),
        (403, no("?"), "the user behind the credentials"),
        (415, no("?"), "Leads Inbox"),
        (
            400,
            no("stage_id: is not of this pipeline"),
            "A stage must belong to the pipeline",
        ),
    ];
    for (status, body, words) in rows {
        let (_, error) = outcome(&in_mode("deal"), StepKey::LEAD_CREATE, say(status, &body)).await;
        let said = error.expect("an error").to_string();
        assert!(
            said.contains(words) && said.contains(&format!("HTTP {status}")),
            "{said}"
        );
    }
}

#[tokio::test]
async fn an_owner_that_the_lead_names_is_the_leads_own_fault() {
    for (mode, key) in [
        ("lead", StepKey::CUSTOMER_CREATE),
        ("lead", StepKey::LEAD_CREATE),
        ("deal", StepKey::LEAD_CREATE),
    ] {
        let mut scene = in_mode(mode);
        scene.lead.routing.assigned_to = Some("77".to_owned());
        let crm = ScriptedCrm::start([say(400, &no("owner_id: is no user"))]).await;
        let made = scene
            .take(&Pipedrive, key, &crm.session_of(&Pipedrive))
            .await;
        let error = made.unwrap_err();
        assert_eq!(
            (error.kind(), error.reason()),
            ("rejected", "setting_invalid")
        );
        assert!(error.to_string().contains("assigned_to"), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_fields_but_not_their_values() {
    let body = no("emails[0].value: maria@example.com is wrong, so is name: Maria +13055550182");
    let scene = in_mode("lead");
    let (_, error) = outcome(&scene, StepKey::CUSTOMER_CREATE, say(400, &body)).await;
    let error = error.expect("an error");
    assert_eq!(
        error.to_string(),
        "Pipedrive rejected the request (HTTP 400); it names emails, name"
    );
    assert!(!format!("{error:?}").to_lowercase().contains("maria"));
}

#[tokio::test]
async fn a_throttled_call_waits_for_its_window_or_for_the_next_day() {
    let date = ("date", "Sat, 21 Nov 2026 22:00:00 GMT".to_owned());
    let spent = ("x-daily-ratelimit-token-remaining", "3".to_owned());
    let window = ("x-ratelimit-reset", "2".to_owned());
    for (headers, expected) in [
        (vec![], None),
        (vec![window.clone()], Some(2)),
        (
            vec![window.clone(), ("retry-after", "30".to_owned())],
            Some(30),
        ),
        (vec![window, spent, date], Some(7_200)),
    ] {
        let script = Script::SayWith(429, headers, no("request over limit").to_string());
        let (_, error) = outcome(&in_mode("lead"), StepKey::LEAD_CREATE, script).await;
        match error {
            Some(AdapterError::Throttled { retry_after, .. }) => {
                assert_eq!(retry_after.map(|pause| pause.as_secs()), expected);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_list_that_is_no_list_proves_nothing() {
    let rows = [
        (json!({"success": true}), "not_done invalid_json"),
        (
            json!({"success": true, "data": {}}),
            "not_done invalid_json",
        ),
        (
            json!({"success": true, "data": "none"}),
            "not_done invalid_json",
        ),
        (json!([]), "not_done invalid_json"),
        (no("sorry"), "not_done not_successful"),
    ];
    for (body, expected) in rows {
        let (told, _) = outcome(&Scene::new(), StepKey::DEDUP_LOOKUP, say(200, &body)).await;
        assert_eq!(told, expected, "{body}");
    }
}

#[tokio::test]
async fn a_lead_without_a_person_and_a_note_without_a_lead_are_never_sent() {
    for (mode, key) in [
        ("lead", StepKey::LEAD_CREATE),
        ("deal", StepKey::LEAD_CREATE),
        ("lead", StepKey::NOTE_ATTACH),
        ("deal", StepKey::NOTE_ATTACH),
    ] {
        let crm = ScriptedCrm::start([]).await;
        let session = crm.session_of(&Pipedrive);
        let mut scene = Scene::new();
        scene.settings = Settings::default().with("mode", mode);
        let filed = scene.take(&Pipedrive, key, &session).await;
        assert_eq!(filed.unwrap_err().reason(), "step_out_of_order");
        assert!(scene.look(&Pipedrive, key, &session).await.is_err());
        assert!(crm.seen().is_empty());
    }
}

/// Every answer of a whole lead, in order: four searches find nobody.
fn whole_way(mode: &str) -> Vec<Script> {
    let nobody =
        json!({"success": true, "data": {"items": []}, "additional_data": {"next_cursor": null}});
    let lead = if mode == "deal" {
        json!(800)
    } else {
        json!("ld-1")
    };
    let made = [json!(700), lead, json!(900)];
    let made = made.map(|id| say(200, &json!({"success": true, "data": {"id": id}})));
    (0..4).map(|_| say(200, &nobody)).chain(made).collect()
}

#[tokio::test]
async fn a_preview_is_what_is_really_sent() {
    for settings in [
        Settings::default()
            .with("owner", "901")
            .with("lead_label", "label-1")
            .with("channel", "52")
            .with("person_field", "a".repeat(40))
            .with("pin_note", true),
        Settings::default()
            .with("mode", "deal")
            .with("pipeline", "1")
            .with("stage", "11")
            .with("deal_field", "b".repeat(40)),
    ] {
        let mode = super::mode(&settings).to_owned();
        let crm = ScriptedCrm::start(whole_way(&mode)).await;
        let url = format!("{}/pd/", crm.url);
        let session = session_with(&Pipedrive, &url, settings.clone());
        let mut scene = Scene::new();
        scene.settings = settings.clone();
        for key in Pipedrive.plan(&settings).keys() {
            scene.marker = Marker::new(scene.lead.event_id, key.label());
            let record = scene.take(&Pipedrive, key, &session).await.unwrap();
            scene.made.set(key.slot, record);
        }
        let target = target(&Pipedrive, &url).with_settings(settings);
        let mut planned = preview(&Pipedrive, &target, &scene.lead, Links::WORDS, None);
        for (place, field, slot, id) in [
            (2, "person_id", "customer", json!(700)),
            (3, "lead_id", "lead", json!("ld-1")),
            (3, "deal_id", "lead", json!(800)),
        ] {
            let body = planned[place].body.as_mut().unwrap();
            if body.get(field).is_some() {
                assert_eq!(body[field], format!("(id of the {slot} created before)"));
                body[field] = id;
            }
        }
        let mut seen = crm.seen();
        assert_eq!(seen.len(), 7, "{mode}");
        // Of the searches a preview shows the first.
        seen.drain(1..4);
        for (planned, seen) in planned.into_iter().zip(seen) {
            assert_eq!(planned.method, seen.method);
            assert_eq!(planned.url, format!("{}{}", crm.url, seen.target));
            assert_eq!(planned.body, seen.body);
            let mut headers = seen.headers;
            headers.remove("host");
            headers.remove("content-length");
            assert_eq!(headers["x-api-token"], KEY);
            headers.insert("x-api-token".into(), "********".into());
            assert_eq!(planned.headers, headers);
        }
    }
}

/// Names that the answers have.
const NAMES: &str = "success|error|error_info|code|data|items|item|id|phones|add_time|next_cursor|pagination|.{0,4}";

proptest! {
    #[test]
    fn no_answer_can_make_the_reader_stumble(answer in any_json(NAMES, "person_id not found")) {
        let body = answer.to_string();
        let _ = serde_json::from_str::<Listed<Person>>(&body);
        let _ = serde_json::from_str::<Listed<Lead>>(&body);
        let _ = serde_json::from_str::<Listed<Deal>>(&body);
        let _ = serde_json::from_str::<Listed<Note>>(&body);
        let _ = serde_json::from_str::<One<Person>>(&body);
        let failure = Failure::new("http_422", "Refused").with_status(422);
        let refused = Answer {
            effect: Effect::Write,
            head: None,
            fault: None,
            names: Some(Slot::Customer),
            body: body.as_bytes(),
        };
        let judged = refusal::judged(Err(AdapterError::Rejected(failure)), &refused);
        let error = judged.unwrap_err();
        prop_assert!(matches!(error.kind(), "rejected" | "setup"), "{}", error.kind());
        prop_assert!(error.detail().contains(PIPEDRIVE.title) || error.detail().starts_with("Refused"));
    }
}
