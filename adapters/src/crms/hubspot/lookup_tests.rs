//! How records are found in HubSpot, and strangers are not.

use serde_json::{Value, json};

use super::HubSpot;
use super::mapping_tests::{deal_mode, lead_mode, scene, with_ref};
use crate::http::cut::MOST_PAGES;
use crate::scripted_crm::{Scene, Script, ScriptedCrm, lead_with, say, session_with};
use crate::{AdapterResult, Record, Settings, StepKey};

fn contact(id: &str, properties: &Value) -> Value {
    json!({"id": id, "properties": properties, "createdAt": "2026-05-20T10:00:00Z"})
}

fn with_phone(id: &str, phone: &str) -> Value {
    contact(
        id,
        &json!({"phone": phone, "mobilephone": null, "email": null}),
    )
}

fn found(results: &Value) -> Script {
    say(200, &json!({"total": 1, "results": results}))
}

fn page(results: &Value, after: &Value) -> Script {
    let paging = json!({"next": {"after": after}});
    say(
        200,
        &json!({"total": 99, "results": results, "paging": paging}),
    )
}

fn nobody() -> Script {
    found(&json!([]))
}

fn not_there() -> Script {
    let body = json!({"status": "error", "message": "resource not found", "correlationId": "c"});
    say(404, &body)
}

/// What a record is associated with.
fn linked(ids: &[u64], after: Option<&str>) -> Script {
    let to: Vec<Value> = ids.iter().map(|id| json!({"toObjectId": id})).collect();
    let mut of = json!({"from": {"id": "700"}, "to": to});
    if let Some(after) = after {
        of["paging"] = json!({"next": {"after": after}});
    }
    say(200, &json!({"status": "COMPLETE", "results": [of]}))
}

fn in_part(category: &str) -> Script {
    let body = json!({"status": "COMPLETE", "results": [], "numErrors": 1,
                      "errors": [{"status": "error", "category": category}]});
    say(207, &body)
}

type Asked = Vec<(String, Option<Value>)>;

fn asked(crm: &ScriptedCrm) -> Asked {
    let seen = crm.seen().into_iter();
    seen.map(|seen| (format!("{} {}", seen.method, seen.target), seen.body))
        .collect()
}

async fn take(scene: &Scene, script: Vec<Script>) -> (AdapterResult<Option<Record>>, Asked) {
    let crm = ScriptedCrm::start(script).await;
    let session = session_with(&HubSpot, &crm.url, scene.settings.clone());
    let found = scene.take(&HubSpot, StepKey::DEDUP_LOOKUP, &session).await;
    assert!(crm.is_over(), "everything was asked for");
    (found, asked(&crm))
}

async fn look(
    scene: &Scene,
    key: StepKey,
    script: Vec<Script>,
) -> (AdapterResult<Vec<String>>, Asked) {
    let crm = ScriptedCrm::start(script).await;
    let session = session_with(&HubSpot, &crm.url, scene.settings.clone());
    let found = scene.look(&HubSpot, key, &session).await;
    assert!(crm.is_over(), "everything was asked for");
    (found, asked(&crm))
}

fn usual() -> Scene {
    scene(lead_with(|_| {}), deal_mode())
}

fn told<T>(result: &AdapterResult<T>) -> String {
    match result {
        Ok(_) => "done".to_owned(),
        Err(error) => format!("{} {}", error.kind(), error.reason()),
    }
}

async fn id_found(scene: &Scene, results: Value) -> Option<String> {
    let (result, _) = take(scene, vec![found(&results)]).await;
    result.unwrap().map(|record| record.id)
}

#[tokio::test]
async fn a_number_is_known_however_it_was_typed_and_a_stranger_never() {
    for (typed, known) in [
        ("+13055550182", true),
        ("3055550182", true),
        ("(305) 555-0182", true),
        ("1-305-555-0182", true),
        ("001 305 555 0182", true),
        ("5550182", false),
        ("+3055550182 ext 9", false),
        ("+443055550182", false),
        ("3055550183", false),
        ("", false),
    ] {
        let id = id_found(&usual(), json!([with_phone("1", typed)])).await;
        assert_eq!(id.is_some(), known, "{typed}");
        let mobile = contact("1", &json!({"phone": "1", "mobilephone": typed}));
        assert_eq!(
            id_found(&usual(), json!([mobile])).await.is_some(),
            known,
            "{typed}"
        );
    }
}

#[tokio::test]
async fn a_number_from_abroad_is_compared_whole() {
    let abroad = lead_with(|payload| {
        payload["contact"]["phone"] = json!("+442079460018");
        payload["contact"]["email"] = Value::Null;
    });
    for (typed, known) in [
        ("+44 20 7946 0018", true),
        ("0044 20 7946 0018", true),
        ("020 7946 0018", false),
        ("2079460018", false),
    ] {
        let scene = scene(abroad.clone(), deal_mode());
        let id = id_found(&scene, json!([with_phone("1", typed)])).await;
        assert_eq!(id.is_some(), known, "{typed}");
    }
}

#[tokio::test]
async fn the_newest_with_the_number_comes_before_any_with_the_address() {
    let by_email = contact("1", &json!({"email": "MARIA@example.com", "phone": "9"}));
    let other = contact(
        "2",
        &json!({"hs_additional_emails": "x@y.org;maria@example.com"}),
    );
    let newest = with_phone("3", "+13055550182");
    let older = with_phone("4", "3055550182");
    let all = json!([by_email, newest, older]);
    assert_eq!(id_found(&usual(), all).await.as_deref(), Some("3"));
    let no_number = json!([by_email, other]);
    assert_eq!(id_found(&usual(), no_number).await.as_deref(), Some("1"));
    assert_eq!(
        id_found(&usual(), json!([other])).await.as_deref(),
        Some("2")
    );
    let stranger = contact("5", &json!({"email": "maria@example.com.evil.org"}));
    assert_eq!(id_found(&usual(), json!([stranger])).await, None);
}

#[tokio::test]
async fn the_search_is_read_to_its_end() {
    let strangers = json!([with_phone("1", "3055550183")]);
    let script = vec![
        page(&strangers, &json!("50")),
        page(&strangers, &json!(100)),
        found(&json!([with_phone("7", "3055550182")])),
    ];
    let (result, asked) = take(&usual(), script).await;
    assert_eq!(result.unwrap(), Some(Record::new("7")));
    let after: Vec<Value> = asked
        .iter()
        .map(|(_, body)| body.as_ref().unwrap()["after"].clone())
        .collect();
    assert_eq!(after, [Value::Null, json!("50"), json!("100")]);
}

#[tokio::test]
async fn a_search_without_an_end_proves_nothing() {
    let stranger = json!([with_phone("1", "3055550183")]);
    let pages = (0..MOST_PAGES).map(|n| page(&stranger, &json!(n.to_string())));
    let (result, _) = take(&usual(), pages.collect()).await;
    assert_eq!(told(&result), "not_done lookup_incomplete");
    let stuck = vec![page(&stranger, &json!("5")), page(&stranger, &json!("5"))];
    let (result, _) = take(&usual(), stuck).await;
    assert_eq!(told(&result), "not_done lookup_incomplete");
}

#[tokio::test]
async fn a_failed_search_is_an_error_and_never_nobody() {
    for (script, expected) in [
        (say(500, &json!({})), "not_done http_500"),
        (say(200, &json!({"total": 0})), "not_done invalid_json"),
        (say(200, &json!({"results": [{}]})), "not_done invalid_json"),
        (say(401, &json!({})), "auth http_401"),
        (say(423, &json!({})), "not_done http_423"),
        (say(404, &json!({})), "rejected http_404"),
    ] {
        let (result, _) = take(&usual(), vec![script]).await;
        assert_eq!(told(&result), expected);
    }
}

#[tokio::test]
async fn a_caller_who_left_nothing_is_looked_for_nowhere() {
    let lead = lead_with(|payload| {
        payload["contact"] = json!({"first_name": "Maria", "phone": "no idea"});
    });
    let (result, asked) = take(&scene(lead, deal_mode()), Vec::new()).await;
    assert_eq!(result.unwrap(), None);
    assert!(asked.is_empty());
}

#[tokio::test]
async fn a_page_is_told_only_if_it_is_hubspots() {
    for (url, told) in [
        ("https://app.hubspot.com/contacts/1/record/0-1/7", true),
        ("https://app-eu1.hubspot.com/contacts/1/record/0-1/7", true),
        ("http://app.hubspot.com/contacts/1", false),
        ("https://app.hubspot.com.evil.org/7", false),
        ("https://evil@app.hubspot.com/7", false),
        ("javascript:alert(1)", false),
    ] {
        let mut known = with_phone("7", "3055550182");
        known["url"] = json!(url);
        let (result, _) = take(&usual(), vec![found(&json!([known]))]).await;
        let record = result.unwrap().unwrap();
        assert_eq!(record.url.as_deref(), Some(url).filter(|_| told), "{url}");
    }
}

#[tokio::test]
async fn a_lost_contact_is_found_by_reference_then_address_then_marker() {
    let by_ref = vec![say(200, &json!({"id": "31"}))];
    let scene_with_ref = scene(lead_with(|_| {}), with_ref(deal_mode()));
    let (result, asked) = look(&scene_with_ref, StepKey::CUSTOMER_CREATE, by_ref).await;
    assert_eq!(result.unwrap(), ["31"]);
    let path = "GET /crm/objects/2026-03/contacts/lr-7f3k2m9q?idProperty=leadrail_ref";
    assert_eq!(asked[0].0, path);

    let by_email = vec![
        not_there(),
        found(&json!([contact(
            "32",
            &json!({"email": "maria@example.com"})
        )])),
    ];
    let (result, asked) = look(&scene_with_ref, StepKey::CUSTOMER_CREATE, by_email).await;
    assert_eq!(result.unwrap(), ["32"]);
    let body = asked[1].1.as_ref().unwrap();
    assert_eq!(body["idProperty"], "email");
    assert_eq!(body["inputs"], json!([{"id": "maria@example.com"}]));

    let marked = |id: &str, message: &str| contact(id, &json!({"message": message}));
    let by_marker = vec![
        in_part("OBJECT_NOT_FOUND"),
        page(
            &json!([marked("35", "LR-7F3K2M9Q"), marked("9", "lr-7f3k2m9r")]),
            &json!("2"),
        ),
        found(&json!([
            marked("34", "lr-7f3k2m9q"),
            marked("35", "lr-7f3k2m9q")
        ])),
    ];
    let (result, asked) = look(&usual(), StepKey::CUSTOMER_CREATE, by_marker).await;
    assert_eq!(result.unwrap(), ["34", "35"], "the oldest first, each once");
    let filter = &asked[1].1.as_ref().unwrap()["filterGroups"][0]["filters"][0];
    assert_eq!(
        *filter,
        json!({"propertyName": "message", "operator": "EQ", "value": "lr-7f3k2m9q"})
    );
}

#[tokio::test]
async fn a_caller_without_number_and_address_is_found_by_the_marker_alone() {
    let lead = lead_with(|payload| {
        payload["contact"]["phone"] = Value::Null;
        payload["contact"]["email"] = Value::Null;
    });
    let script = vec![found(&json!([contact(
        "3",
        &json!({"message": "lr-7f3k2m9q"})
    )]))];
    let (result, _) = look(&scene(lead, deal_mode()), StepKey::CUSTOMER_CREATE, script).await;
    assert_eq!(result.unwrap(), ["3"]);
}

#[tokio::test]
async fn a_lost_deal_or_lead_is_found_among_those_of_the_contact() {
    for (settings, kind, property) in [
        (deal_mode(), "deals", "description"),
        (lead_mode(), "leads", "hs_lead_name"),
    ] {
        let object = |id: &str, text: &str| json!({"id": id, "properties": {property: text}});
        let script = vec![
            linked(&[12, 9, 12], Some("3")),
            linked(&[10, 9], None),
            found(&json!([
                object("12", "No heat. Ref: lr-7f3k2m9q"),
                object("10", "another call"),
                object("9", "HVAC - Maria [LR-7f3k2m9q]"),
            ])),
        ];
        let scene = scene(lead_with(|_| {}), settings);
        let (result, asked) = look(&scene, StepKey::LEAD_CREATE, script).await;
        assert_eq!(result.unwrap(), ["9", "12"], "the oldest first");
        let path = format!("POST /crm/associations/2026-03/contacts/{kind}/batch/read");
        assert_eq!(asked[0].0, path);
        assert_eq!(asked[0].1, Some(json!({"inputs": [{"id": "700"}]})));
        assert_eq!(
            asked[1].1,
            Some(json!({"inputs": [{"id": "700", "after": "3"}]}))
        );
        assert_eq!(
            asked[2].0,
            format!("POST /crm/objects/2026-03/{kind}/batch/read")
        );
        let ids = json!([{"id": "12"}, {"id": "9"}, {"id": "10"}]);
        let body = json!({"inputs": ids, "properties": [property]});
        assert_eq!(asked[2].1, Some(body));
    }
}

#[tokio::test]
async fn a_reference_is_believed_before_anything_is_listed() {
    let scene = scene(lead_with(|_| {}), with_ref(lead_mode()));
    let (result, asked) = look(
        &scene,
        StepKey::LEAD_CREATE,
        vec![say(200, &json!({"id": "5"}))],
    )
    .await;
    assert_eq!(result.unwrap(), ["5"]);
    assert_eq!(
        asked[0].0,
        "GET /crm/objects/2026-03/leads/lr-7f3k2m9q?idProperty=leadrail_ref"
    );
    // The setting may be younger than the lead.
    let script = vec![not_there(), in_part("OBJECT_NOT_FOUND")];
    let (result, _) = look(&scene, StepKey::LEAD_CREATE, script).await;
    assert!(result.unwrap().is_empty());
}

#[tokio::test]
async fn a_lost_note_is_found_under_the_deal_or_under_the_contact_of_a_lead() {
    for (settings, path) in [
        (
            deal_mode(),
            "POST /crm/associations/2026-03/deals/notes/batch/read",
        ),
        (
            lead_mode(),
            "POST /crm/associations/2026-03/contacts/notes/batch/read",
        ),
    ] {
        let note = |id: &str, text: &str| json!({"id": id, "properties": {"hs_note_body": text}});
        let script = vec![
            linked(&[4, 3], None),
            found(&json!([
                note("4", "<p>Hi<br>Ref: lr-7f3k2m9q</p>"),
                note("3", "Ref: lr-00000000")
            ])),
        ];
        let scene = scene(lead_with(|_| {}), settings);
        let (result, asked) = look(&scene, StepKey::NOTE_ATTACH, script).await;
        assert_eq!(result.unwrap(), ["4"]);
        assert_eq!(asked[0].0, path);
    }
}

#[tokio::test]
async fn a_part_that_failed_proves_nothing() {
    let failed = || in_part("INTERNAL_ERROR");
    let uncounted = || say(207, &json!({"results": [], "numErrors": 1}));
    for script in [
        vec![failed()],
        vec![uncounted()],
        vec![linked(&[1], None), failed()],
    ] {
        let (result, _) = look(&usual(), StepKey::LEAD_CREATE, script).await;
        assert_eq!(told(&result), "not_done batch_in_part");
    }
    let (result, _) = look(&usual(), StepKey::CUSTOMER_CREATE, vec![failed()]).await;
    assert_eq!(told(&result), "not_done batch_in_part");
}

#[tokio::test]
async fn every_failure_of_a_look_is_an_error() {
    let failing = [
        (say(500, &json!({})), "not_done http_500"),
        (say(404, &json!({})), "rejected http_404"),
        (say(200, &json!([])), "not_done invalid_json"),
        (say(429, &json!({})), "throttled http_429"),
    ];
    for (script, expected) in failing {
        let scene = scene(lead_with(|_| {}), with_ref(deal_mode()));
        let (result, _) = look(&scene, StepKey::CUSTOMER_CREATE, vec![script]).await;
        assert_eq!(told(&result), expected);
    }
    let settings = Settings::default();
    let (result, _) = look(
        &scene(lead_with(|_| {}), settings),
        StepKey::LEAD_CREATE,
        Vec::new(),
    )
    .await;
    assert_eq!(told(&result), "setup setting_missing");
}

#[tokio::test]
async fn associations_without_an_end_prove_nothing() {
    let pages = (0..MOST_PAGES).map(|n| linked(&[n.into()], Some(&n.to_string())));
    let (result, _) = look(&usual(), StepKey::LEAD_CREATE, pages.collect()).await;
    assert_eq!(told(&result), "not_done lookup_incomplete");
    let stuck = vec![linked(&[1], Some("1")), linked(&[2], Some("1"))];
    let (result, _) = look(&usual(), StepKey::LEAD_CREATE, stuck).await;
    assert_eq!(told(&result), "not_done lookup_incomplete");
}

#[tokio::test]
async fn many_notes_are_read_in_parts() {
    let ids: Vec<u64> = (1..=70).collect();
    let script = vec![
        linked(&ids, None),
        Script::Flood,
        nobody(),
        nobody(),
        nobody(),
    ];
    let (result, asked) = look(&usual(), StepKey::NOTE_ATTACH, script).await;
    assert!(result.unwrap().is_empty());
    let sizes: Vec<usize> = asked[1..]
        .iter()
        .map(|(_, body)| body.as_ref().unwrap()["inputs"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [50, 25, 25, 20]);
}
