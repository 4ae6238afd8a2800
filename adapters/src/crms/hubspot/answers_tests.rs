//! What HubSpot's own answers lead to, against a scripted server.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::HubSpot;
use super::mapping_tests::{deal_mode, lead_mode, scene, with_ref};
use super::refusal::verdict;
use super::wire::{
    Account, Associated, Batch, Created, Object, Owner, Page, Pipelines, PropertyList,
};
use crate::scripted_crm::{Scene, Script, ScriptedCrm, lead_with, say, session_with};
use crate::{AdapterError, AdapterResult, Answer, Effect, Record, Settings, Slot, StepKey};

const CREATES: [StepKey; 3] = [
    StepKey::CUSTOMER_CREATE,
    StepKey::LEAD_CREATE,
    StepKey::NOTE_ATTACH,
];

fn problem(category: &str, message: &str) -> Value {
    json!({"status": "error", "message": message, "correlationId": "c-1", "category": category})
}

/// A refusal of values, as it stands in the message.
fn invalid(faults: &[(&str, &str)]) -> Value {
    let list: Vec<Value> = faults
        .iter()
        .map(|(name, code)| {
            json!({"isValid": false, "message": "maria@example.com is wrong", "error": code,
                   "name": name})
        })
        .collect();
    let list = Value::from(list);
    problem(
        "VALIDATION_ERROR",
        &format!("Property values were not valid: {list}"),
    )
}

/// The same as it stands in `errors`.
fn invalid_in_list(faults: &[(&str, &str)]) -> Value {
    let mut body = problem("VALIDATION_ERROR", "Property values were not valid");
    let errors = faults.iter().map(|(name, code)| {
        json!({"message": "maria@example.com is wrong", "code": code,
               "context": {"propertyName": [name]}})
    });
    body["errors"] = errors.collect();
    body
}

fn gone() -> Value {
    let mut body = problem("VALIDATION_ERROR", "One or more associations are invalid");
    body["context"] = json!({"INVALID_OBJECT_IDS": ["CONTACT=700 is not valid"]});
    body
}

fn throttled(policy: &str) -> Value {
    let mut body = problem("RATE_LIMITS", "You have reached your limit.");
    body["policyName"] = json!(policy);
    body
}

fn told<T>(result: &AdapterResult<T>) -> String {
    match result {
        Ok(_) => "done".to_owned(),
        Err(error) => format!("{} {}", error.kind(), error.reason()),
    }
}

async fn take(
    scene: &Scene,
    key: StepKey,
    script: Vec<Script>,
) -> (AdapterResult<Option<Record>>, Vec<String>) {
    let crm = ScriptedCrm::start(script).await;
    let session = session_with(&HubSpot, &crm.url, scene.settings.clone());
    let result = scene.take(&HubSpot, key, &session).await;
    assert!(crm.is_over(), "everything was asked for");
    let asked = crm.seen().into_iter();
    (
        result,
        asked
            .map(|seen| format!("{} {}", seen.method, seen.target))
            .collect(),
    )
}

/// A caller without an address and a connection without a property, so that nothing else is asked.
fn plain(settings: Settings) -> Scene {
    let lead = lead_with(|payload| payload["contact"]["email"] = Value::Null);
    scene(lead, settings)
}

#[tokio::test]
async fn every_answer_to_a_new_record_leads_to_one_decision() {
    let rows: Vec<(u16, Value, &str)> = vec![
        (200, json!({"id": "9"}), "done"),
        (
            201,
            json!({"id": "9", "properties": {"phone": null}}),
            "done",
        ),
        (201, json!({"properties": {}}), "ambiguous invalid_json"),
        (201, json!([]), "ambiguous invalid_json"),
        (400, problem("VALIDATION_ERROR", "no"), "rejected http_400"),
        (
            400,
            invalid(&[("zip", "INVALID_STRING_LENGTH")]),
            "rejected http_400",
        ),
        (
            400,
            invalid(&[("x", "PROPERTY_DOESNT_EXIST")]),
            "setup property_missing",
        ),
        (
            400,
            invalid_in_list(&[("x", "PROPERTY_DOESNT_EXIST")]),
            "setup property_missing",
        ),
        (
            400,
            invalid(&[("dealstage", "INVALID_OPTION")]),
            "setup setting_invalid",
        ),
        (
            400,
            invalid_in_list(&[("hubspot_owner_id", "INVALID_OWNER_ID")]),
            "setup setting_invalid",
        ),
        (
            400,
            invalid(&[("hs_pipeline_stage", "INVALID_OPTION"), ("zip", "TOO_LONG")]),
            "rejected http_400",
        ),
        (
            400,
            invalid(&[("leadrail_ref", "CONFLICTING_UNIQUE_VALUE")]),
            "ambiguous conflict",
        ),
        (
            401,
            problem("EXPIRED_AUTHENTICATION", "no"),
            "auth http_401",
        ),
        (402, json!({}), "rejected http_402"),
        (403, problem("MISSING_SCOPES", "no"), "forbidden forbidden"),
        (408, json!({}), "ambiguous http_408"),
        (409, problem("CONFLICT", "no id here"), "ambiguous http_409"),
        (422, json!({}), "rejected http_422"),
        (423, problem("LOCKED", "locked"), "not_done http_423"),
        (429, throttled("SECONDLY"), "throttled http_429"),
        (429, throttled("DAILY"), "throttled http_429"),
        (477, json!({}), "throttled http_477"),
        (500, json!({}), "ambiguous http_500"),
        (502, json!({}), "ambiguous http_502"),
        (503, json!({}), "ambiguous http_503"),
        (504, json!({}), "ambiguous http_504"),
        (521, json!({}), "ambiguous http_521"),
        (524, json!({}), "ambiguous http_524"),
    ];
    for (status, body, expected) in rows {
        for settings in [deal_mode(), lead_mode()] {
            for key in CREATES {
                let scene = plain(settings.clone());
                let (result, asked) = take(&scene, key, vec![say(status, &body)]).await;
                assert_eq!(told(&result), expected, "{status} {body} of {key}");
                assert_eq!(asked.len(), 1, "one request, once");
            }
        }
    }
}

#[tokio::test]
async fn a_record_that_is_gone_is_told_from_a_wrong_path() {
    for body in [gone(), problem("OBJECT_NOT_FOUND", "resource not found")] {
        let status = if body["context"].is_object() {
            400
        } else {
            404
        };
        for (key, expected) in [
            (StepKey::LEAD_CREATE, "rejected record_gone"),
            (StepKey::NOTE_ATTACH, "rejected record_gone"),
        ] {
            let (result, _) = take(&plain(deal_mode()), key, vec![say(status, &body)]).await;
            assert_eq!(told(&result), expected, "{body}");
        }
    }
    let page = Script::Say(404, "<html>nothing here</html>".to_owned());
    let (result, _) = take(&plain(deal_mode()), StepKey::CUSTOMER_CREATE, vec![page]).await;
    assert_eq!(told(&result), "rejected http_404");
}

#[tokio::test]
async fn a_conflict_that_names_the_contact_is_that_contact() {
    let conflict = problem("CONFLICT", "Contact already exists. Existing ID: 4711.");
    let (result, asked) = take(
        &plain(deal_mode()),
        StepKey::CUSTOMER_CREATE,
        vec![say(409, &conflict)],
    )
    .await;
    assert_eq!(result.unwrap(), Some(Record::new("4711")));
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn a_conflict_without_an_id_is_resolved_by_what_is_unique() {
    let lead = lead_with(|_| {});
    let none = || say(404, &problem("OBJECT_NOT_FOUND", "resource not found"));
    let by_email = json!({"results": [
        {"id": "1", "properties": {"email": "somebody@example.com"}},
        {"id": "2", "properties": {"email": "MARIA@example.com"}},
    ]});
    for conflict in [
        say(409, &problem("CONFLICT", "Contact already exists.")),
        say(400, &invalid(&[("email", "CONFLICTING_UNIQUE_VALUE")])),
    ] {
        let script = vec![conflict, none(), say(200, &by_email)];
        let scene = scene(lead.clone(), with_ref(deal_mode()));
        let (result, asked) = take(&scene, StepKey::CUSTOMER_CREATE, script).await;
        assert_eq!(result.unwrap(), Some(Record::new("2")));
        assert_eq!(
            asked[1..],
            [
                "GET /crm/objects/2026-03/contacts/lr-7f3k2m9q?idProperty=leadrail_ref",
                "POST /crm/objects/2026-03/contacts/batch/read",
            ]
        );
    }
    for (settings, made) in [(deal_mode(), "deals"), (lead_mode(), "leads")] {
        let conflict = say(
            400,
            &invalid(&[("leadrail_ref", "CONFLICTING_UNIQUE_VALUE")]),
        );
        let script = vec![conflict, say(200, &json!({"id": "33"}))];
        let scene = scene(lead.clone(), with_ref(settings));
        let (result, asked) = take(&scene, StepKey::LEAD_CREATE, script).await;
        assert_eq!(result.unwrap(), Some(Record::new("33")));
        let path = format!("GET /crm/objects/2026-03/{made}/lr-7f3k2m9q?idProperty=leadrail_ref");
        assert_eq!(asked[1], path);
    }
}

#[tokio::test]
async fn a_conflict_that_nothing_explains_stays_unknown() {
    let conflict = say(409, &problem("CONFLICT", "Contact already exists."));
    let script = vec![conflict, say(200, &json!({"results": []}))];
    let scene = scene(lead_with(|_| {}), deal_mode());
    let (result, _) = take(&scene, StepKey::CUSTOMER_CREATE, script).await;
    assert_eq!(told(&result), "ambiguous http_409");
}

#[tokio::test]
async fn an_address_that_is_refused_does_not_cost_the_contact() {
    for refusal in [
        invalid(&[("email", "INVALID_EMAIL")]),
        invalid_in_list(&[("email", "INVALID_EMAIL")]),
    ] {
        let script = vec![say(400, &refusal), say(201, &json!({"id": "9"}))];
        let crm = ScriptedCrm::start(script).await;
        let session = session_with(&HubSpot, &crm.url, deal_mode());
        let scene = scene(lead_with(|_| {}), deal_mode());
        let made = scene
            .take(&HubSpot, StepKey::CUSTOMER_CREATE, &session)
            .await;
        assert_eq!(made.unwrap(), Some(Record::new("9")));
        let seen = crm.seen();
        let second = seen[1].body.as_ref().unwrap();
        assert_eq!(second["properties"]["email"], Value::Null);
        assert_eq!(second["properties"]["phone"], "+13055550182");
    }
    // Where something else is wrong too, leaving the address out would not help.
    let both = invalid(&[("email", "INVALID_EMAIL"), ("zip", "TOO_LONG")]);
    let scene = scene(lead_with(|_| {}), deal_mode());
    let (result, _) = take(&scene, StepKey::CUSTOMER_CREATE, vec![say(400, &both)]).await;
    assert_eq!(told(&result), "rejected http_400");
}

#[tokio::test]
async fn a_refusal_names_the_fields_but_not_their_values() {
    let refusal = invalid(&[
        ("city", "maria@example.com"),
        ("firstname", "?"),
        ("maria@example.com", "?"),
    ]);
    let (result, _) = take(
        &plain(deal_mode()),
        StepKey::CUSTOMER_CREATE,
        vec![say(400, &refusal)],
    )
    .await;
    let error = result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "HubSpot rejected the request (HTTP 400); it names city, firstname"
    );
    assert!(!format!("{error:?}").contains("maria"));
}

#[tokio::test]
async fn a_missing_scope_is_named_and_nothing_else_of_the_answer() {
    let mut refusal = problem("MISSING_SCOPES", "maria@example.com");
    refusal["errors"] = json!([{
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": ["crm.objects.leads.write", "maria.scope"]},
    }]);
    let (result, _) = take(
        &plain(lead_mode()),
        StepKey::LEAD_CREATE,
        vec![say(403, &refusal)],
    )
    .await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.reason()),
        ("forbidden", "missing_scopes")
    );
    assert!(
        error.detail().contains("crm.objects.leads.write"),
        "{error}"
    );
    assert!(error.detail().contains("Sales Hub Professional"), "{error}");
    assert!(!error.detail().contains("maria"), "{error}");
}

#[tokio::test]
async fn a_pause_is_as_long_as_the_answer_says_or_as_its_policy_takes() {
    type Row = (u16, Value, Option<&'static str>, Option<u64>, Option<u64>);
    let hour = 3_600;
    let rows: Vec<Row> = vec![
        (429, throttled("SECONDLY"), None, Some(1), Some(1)),
        (
            429,
            throttled("TEN_SECONDLY_ROLLING"),
            None,
            Some(10),
            Some(10),
        ),
        (429, json!({}), None, Some(10), Some(10)),
        (429, throttled("DAILY"), None, Some(hour), Some(hour)),
        (429, throttled("DAILY"), Some("90"), Some(90), Some(90)),
        (477, json!({}), Some("7200"), Some(7_200), Some(7_200)),
        (477, json!({}), None, None, Some(10)),
    ];
    for (status, body, header, pause, resets_in) in rows {
        let headers = header.map(|value| ("retry-after", value.to_owned()));
        let answer = Script::SayWith(status, headers.into_iter().collect(), body.to_string());
        let crm = ScriptedCrm::start([answer]).await;
        let session = session_with(&HubSpot, &crm.url, deal_mode());
        let scene = plain(deal_mode());
        let result = scene.take(&HubSpot, StepKey::DEDUP_LOOKUP, &session).await;
        let Err(AdapterError::Throttled { retry_after, .. }) = result else {
            panic!("{status} {body}: {result:?}");
        };
        assert_eq!(
            retry_after.map(|pause| pause.as_secs()),
            pause,
            "{status} {body}"
        );
        let budget = session.take_budget().unwrap();
        let told = (budget.left, Some(budget.resets_in.as_secs()));
        assert_eq!(told, (0, resets_in), "{status} {body}");
    }
}

#[tokio::test]
async fn the_headers_of_an_answer_tell_what_is_left() {
    let window = |left: &str| {
        vec![
            ("x-hubspot-ratelimit-remaining", left.to_owned()),
            (
                "x-hubspot-ratelimit-interval-milliseconds",
                "10000".to_owned(),
            ),
        ]
    };
    let day = |left: &str| ("x-hubspot-ratelimit-daily-remaining", left.to_owned());
    let mut plenty = window("42");
    plenty.push(day("200000"));
    let mut used_up = window("42");
    used_up.push(day("0"));
    for (headers, expected) in [
        (window("42"), Some((42, 10))),
        (plenty, Some((42, 10))),
        (used_up, Some((0, 3_600))),
        (Vec::new(), None),
    ] {
        let body = json!({"total": 0, "results": []}).to_string();
        let crm = ScriptedCrm::start([Script::SayWith(200, headers, body)]).await;
        let session = session_with(&HubSpot, &crm.url, deal_mode());
        let scene = plain(deal_mode());
        let found = scene.take(&HubSpot, StepKey::DEDUP_LOOKUP, &session).await;
        assert_eq!(found.unwrap(), None);
        let budget = session.take_budget();
        assert_eq!(
            budget.map(|told| (told.left, told.resets_in.as_secs())),
            expected
        );
    }
}

#[tokio::test]
async fn a_step_without_what_it_builds_on_sends_nothing() {
    for (key, lacking) in [
        (StepKey::LEAD_CREATE, Slot::Customer),
        (StepKey::NOTE_ATTACH, Slot::Lead),
    ] {
        let mut scene = plain(deal_mode());
        scene.made.set(lacking, None);
        let mut made = crate::Made::default();
        if lacking == Slot::Lead {
            made.set(Slot::Customer, Some(Record::new("700")));
        }
        scene.made = made;
        let (result, asked) = take(&scene, key, Vec::new()).await;
        assert_eq!(told(&result), "rejected step_out_of_order");
        assert!(asked.is_empty());
    }
}

#[tokio::test]
async fn a_connection_that_lacks_a_setting_waits_for_it() {
    let bare = Settings::default();
    for settings in [bare.clone(), bare.with("pipeline", "771")] {
        for key in CREATES.into_iter().chain([StepKey::DEDUP_LOOKUP]) {
            let (result, asked) = take(&plain(settings.clone()), key, Vec::new()).await;
            assert_eq!(told(&result), "setup setting_missing");
            assert!(asked.is_empty());
        }
    }
}

#[tokio::test]
async fn what_is_sent_is_what_a_preview_shows() {
    for settings in [
        with_ref(deal_mode()),
        with_ref(lead_mode()).with("owner", "501"),
    ] {
        let scene = scene(lead_with(|_| {}), settings.clone());
        for key in CREATES {
            let crm = ScriptedCrm::start([say(201, &json!({"id": "9"}))]).await;
            let session = session_with(&HubSpot, &crm.url, settings.clone());
            scene.take(&HubSpot, key, &session).await.unwrap();
            let plan = crate::CrmAdapter::plan(&HubSpot, &settings);
            let shown = (plan.step(key).unwrap().request)(&scene.filing()).unwrap();
            let seen = crm.seen();
            assert_eq!(seen[0].body.as_ref(), shown.json_body(), "{key}");
            assert_eq!(seen[0].headers["authorization"], "Bearer canary_key_9f31");
            assert_eq!(seen[0].headers["content-type"], "application/json");
        }
    }
}

proptest! {
    #[test]
    fn any_json_can_be_read_without_a_panic(text in "(?s)[\\[\\]{}\":,a-z0-9 ]{0,60}", status in 200_u16..600) {
        let bytes = text.as_bytes();
        let _ = serde_json::from_slice::<Object>(bytes);
        let _ = serde_json::from_slice::<Created>(bytes);
        let _ = serde_json::from_slice::<Page<Object>>(bytes);
        let _ = serde_json::from_slice::<Batch<Associated>>(bytes);
        let _ = serde_json::from_slice::<Account>(bytes);
        let _ = serde_json::from_slice::<Pipelines>(bytes);
        let _ = serde_json::from_slice::<Owner>(bytes);
        let _ = serde_json::from_slice::<PropertyList>(bytes);
        let headers = http::HeaderMap::new();
        let status = http::StatusCode::from_u16(status).unwrap();
        for effect in [Effect::Read, Effect::Write] {
            let answer = Answer { effect, head: Some((status, &headers)), fault: None, names: None, body: bytes };
            let done = verdict(&answer).result.is_ok();
            let says_so = status.as_u16() == 409 && text.contains("Existing ID:");
            prop_assert_eq!(done, status.is_success() || says_so);
        }
    }
}
