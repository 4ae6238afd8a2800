//! How clients, properties, requests and notes are found in Jobber, and strangers are not.

use leadrail_lead::Lead;
use serde_json::{Value, json};

use super::Jobber;
use crate::http::cut::MOST_PAGES;
use crate::scripted_crm::{Scene, ScriptedCrm, lead_with, say};
use crate::{Record, Slot, StepKey, Verb};

const SITE_LOOKUP: StepKey = StepKey::new(Verb::Find, Slot::Site);
const SITE_CREATE: StepKey = StepKey::new(Verb::Make, Slot::Site);

fn list(nodes: &Value, next: Option<&str>) -> Value {
    json!({
        "nodes": nodes,
        "pageInfo": {"hasNextPage": next.is_some(), "endCursor": next},
    })
}

fn numbers(nodes: &Value, next: Option<&str>) -> Value {
    json!({"clientPhones": list(nodes, next)})
}

fn number(client: &str, normalized: &str, at: &str) -> Value {
    json!({
        "normalizedPhoneNumber": normalized,
        "client": {
            "id": client, "isArchived": false, "createdAt": at,
            "jobberWebUri": format!("https://secure.getjobber.com/clients/{client}"),
        },
    })
}

fn archived(mut number: Value) -> Value {
    number["client"]["isArchived"] = json!(true);
    number
}

/// What a step finds or its look finds, by id, and the variables of what was asked.
async fn answers(
    scene: &Scene,
    key: StepKey,
    pages: Vec<Value>,
) -> (Result<Vec<String>, String>, Vec<Value>) {
    let pages = pages
        .into_iter()
        .map(|data| say(200, &json!({"data": data})));
    let crm = ScriptedCrm::start(pages).await;
    let session = crm.session_of(&Jobber);
    let found = match key.verb {
        Verb::Find => {
            let found = scene.take(&Jobber, key, &session).await;
            found.map(|record| record.into_iter().map(|record| record.id).collect())
        }
        Verb::Make | Verb::Upsert => scene.look(&Jobber, key, &session).await,
    };
    assert!(crm.is_over(), "every page was asked for");
    let asked = crm
        .seen()
        .into_iter()
        .map(|seen| seen.body.unwrap()["variables"].clone());
    let found = found.map_err(|error| format!("{} {}", error.kind(), error.reason()));
    (found, asked.collect())
}

async fn found_client(lead: &Lead, pages: Vec<Value>) -> Vec<String> {
    let scene = Scene::of(lead.clone());
    answers(&scene, StepKey::DEDUP_LOOKUP, pages)
        .await
        .0
        .unwrap()
}

#[tokio::test]
async fn a_stranger_that_the_fuzzy_search_returns_never_gets_the_lead() {
    let lead = lead_with(|_| {});
    let strangers = [
        "+14155550182",
        "3055550182",
        "+443055550182",
        "+1305555018",
        "",
    ];
    for stranger in strangers {
        let page = numbers(
            &json!([number("c1", stranger, "2026-01-01T00:00:00Z")]),
            None,
        );
        assert!(
            found_client(&lead, vec![page]).await.is_empty(),
            "{stranger}"
        );
    }
    let mut unknown = number("c1", "", "2026-01-01T00:00:00Z");
    unknown["normalizedPhoneNumber"] = Value::Null;
    assert!(
        found_client(&lead, vec![numbers(&json!([unknown]), None)])
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn the_newest_active_client_of_the_number_wins() {
    let page = numbers(
        &json!([
            number("old", "+13055550182", "2024-01-01T00:00:00Z"),
            archived(number("away", "+13055550182", "2026-05-01T00:00:00Z")),
            number("new", "+13055550182", "2026-01-01T00:00:00-05:00"),
            number("undated", "+13055550182", "some day"),
            number("stranger", "+14155550182", "2026-06-01T00:00:00Z"),
        ]),
        None,
    );
    assert_eq!(found_client(&lead_with(|_| {}), vec![page]).await, ["new"]);
}

#[tokio::test]
async fn a_number_of_archived_clients_only_is_new() {
    let away = archived(number("away", "+13055550182", "2026-05-01T00:00:00Z"));
    let page = numbers(&json!([away]), None);
    let scene = Scene::new();
    for key in [StepKey::DEDUP_LOOKUP, StepKey::CUSTOMER_CREATE] {
        let found = answers(&scene, key, vec![page.clone()]).await.0;
        assert_eq!(found, Ok(vec![]), "{key}");
    }
}

#[tokio::test]
async fn the_search_goes_on_to_the_last_page() {
    let stranger = json!([number("stranger", "+14155550182", "2026-01-01T00:00:00Z")]);
    let caller = json!([number("c1", "+13055550182", "2026-01-01T00:00:00Z")]);
    let pages = vec![numbers(&stranger, Some("MQ")), numbers(&caller, None)];
    let (found, asked) = answers(&Scene::new(), StepKey::DEDUP_LOOKUP, pages).await;
    assert_eq!(found, Ok(vec!["c1".to_owned()]));
    assert_eq!(asked[0], json!({"number": "+13055550182", "first": 10}));
    assert_eq!(
        asked[1],
        json!({"number": "+13055550182", "first": 10, "after": "MQ"})
    );
}

#[tokio::test]
async fn a_foreign_caller_is_found_like_any_other() {
    let lead = lead_with(|payload| payload["contact"] = json!({"phone": "+442079460958"}));
    let page = numbers(
        &json!([number("c1", "+442079460958", "2026-01-01T00:00:00Z")]),
        None,
    );
    assert_eq!(found_client(&lead, vec![page]).await, ["c1"]);
}

#[tokio::test]
async fn a_list_that_never_ends_or_loses_its_thread_proves_nothing() {
    let never = vec![numbers(&json!([]), Some("MQ")); MOST_PAGES as usize];
    let mut lost = numbers(&json!([]), Some("MQ"));
    lost["clientPhones"]["pageInfo"]["endCursor"] = Value::Null;
    for pages in [never, vec![lost]] {
        let (found, _) = answers(&Scene::new(), StepKey::DEDUP_LOOKUP, pages).await;
        assert_eq!(found, Err("not_done lookup_incomplete".to_owned()));
    }
}

#[tokio::test]
async fn a_created_client_is_found_by_its_number_once_and_oldest_first() {
    let page = numbers(
        &json!([
            number("c2", "+13055550182", "2026-05-26T14:34:00Z"),
            number("c1", "+13055550182", "2026-05-26T14:33:00Z"),
            number("c2", "+13055550182", "2026-05-26T14:34:00Z"),
        ]),
        None,
    );
    let found = answers(&Scene::new(), StepKey::CUSTOMER_CREATE, vec![page])
        .await
        .0;
    assert_eq!(found, Ok(vec!["c1".to_owned(), "c2".to_owned()]));
}

/// Jobber tells times in whole seconds and lists what was last changed first.
#[tokio::test]
async fn of_two_clients_made_in_the_same_second_the_later_one_in_the_list_is_older() {
    let twins = json!([
        number("c2", "+13055550182", "2026-05-26T14:33:00Z"),
        number("c1", "+13055550182", "2026-05-26T14:33:00Z"),
    ]);
    for (key, expected) in [
        (
            StepKey::CUSTOMER_CREATE,
            vec!["c1".to_owned(), "c2".to_owned()],
        ),
        (StepKey::DEDUP_LOOKUP, vec!["c2".to_owned()]),
    ] {
        let page = numbers(&twins, None);
        let found = answers(&Scene::new(), key, vec![page]).await.0;
        assert_eq!(found, Ok(expected), "{key}");
    }
}

#[tokio::test]
async fn of_several_properties_at_the_address_the_last_changed_one_is_taken() {
    let scene = Scene::new().for_customer("c1");
    let twins = json!([
        property("p2", "1420 NW 7th Ave", None, None),
        property("p1", "1420 NW 7th Ave", None, None),
    ]);
    for (key, expected) in [
        (SITE_CREATE, vec!["p1".to_owned(), "p2".to_owned()]),
        (SITE_LOOKUP, vec!["p2".to_owned()]),
    ] {
        let page = properties(&twins, None);
        let found = answers(&scene, key, vec![page]).await.0;
        assert_eq!(found, Ok(expected), "{key}");
    }
}

#[tokio::test]
async fn a_found_record_says_where_people_open_it() {
    let page = numbers(
        &json!([number("c1", "+13055550182", "2026-01-01T00:00:00Z")]),
        None,
    );
    let crm = ScriptedCrm::start([say(200, &json!({"data": page}))]).await;
    let session = crm.session_of(&Jobber);
    let scene = Scene::new();
    let found = scene.take(&Jobber, StepKey::DEDUP_LOOKUP, &session);
    let expected = Record {
        url: Some("https://secure.getjobber.com/clients/c1".to_owned()),
        ..Record::new("c1")
    };
    assert_eq!(found.await.unwrap(), Some(expected));
}

fn properties(nodes: &Value, next: Option<&str>) -> Value {
    json!({"client": {"clientProperties": list(nodes, next)}})
}

fn property(id: &str, street: &str, city: Option<&str>, code: Option<&str>) -> Value {
    json!({"id": id, "address": {"street": street, "city": city, "postalCode": code}})
}

#[tokio::test]
async fn a_property_is_recognized_however_it_is_written() {
    let scene = Scene::new().for_customer("c1");
    for (street, city, code, same) in [
        ("1420 NW 7th Ave", Some("Miami"), Some("33136"), true),
        (
            "1420 n.w. 7th ave.\n",
            Some("miami "),
            Some("33136-2210"),
            true,
        ),
        ("1420 NW 7th Ave", Some("Miami Beach"), Some("33136"), true),
        ("1420 NW 7th Ave", Some("Miami"), None, true),
        ("1420 NW 7th Ave", None, Some(" "), true),
        ("1420 NW 7th Ave", Some("Tampa"), None, false),
        ("1420 NW 7th Ave", Some("Miami"), Some("33137"), false),
        (
            "1420 NW 7th Ave\nApt 2",
            Some("Miami"),
            Some("33136"),
            false,
        ),
        ("142 NW 7th Ave", Some("Miami"), Some("33136"), false),
        ("", None, None, false),
    ] {
        let page = properties(&json!([property("p1", street, city, code)]), None);
        let expected: Vec<String> = same.then(|| "p1".to_owned()).into_iter().collect();
        for key in [SITE_LOOKUP, SITE_CREATE] {
            let found = answers(&scene, key, vec![page.clone()]).await.0;
            assert_eq!(
                found,
                Ok(expected.clone()),
                "{key} {street:?} {city:?} {code:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_properties_of_the_lead_s_client_are_read_to_the_last_page() {
    let scene = Scene::new().for_customer("c1");
    let other = json!([property("p0", "1 Main St", None, None)]);
    let ours = json!([property("p1", "1420 NW 7th Ave", None, None)]);
    let pages = vec![properties(&other, Some("MQ")), properties(&ours, None)];
    let (found, asked) = answers(&scene, SITE_LOOKUP, pages).await;
    assert_eq!(found, Ok(vec!["p1".to_owned()]));
    assert_eq!(asked[0], json!({"client": "c1", "first": 25}));
    assert_eq!(
        asked[1],
        json!({"client": "c1", "first": 25, "after": "MQ"})
    );
}

#[tokio::test]
async fn without_an_address_there_is_no_site_to_look_for_or_to_make() {
    for address in [Value::Null, json!({"city": "Miami", "zip": "33136"})] {
        let lead = lead_with(|payload| payload["contact"]["address"] = address);
        let scene = Scene::of(lead).for_customer("c1");
        let crm = ScriptedCrm::start([]).await;
        let session = crm.session_of(&Jobber);
        for key in [SITE_LOOKUP, SITE_CREATE] {
            assert_eq!(scene.take(&Jobber, key, &session).await.unwrap(), None);
        }
        assert!(crm.seen().is_empty());
    }
}

#[tokio::test]
async fn filed_requests_are_found_by_the_marker_in_their_title_oldest_first() {
    let scene = Scene::new().for_customer("c1");
    let request =
        |id: &str, title: Value, at: &str| json!({"id": id, "title": title, "createdAt": at});
    let page = |nodes: Value, next| json!({"requests": list(&nodes, next)});
    let first = page(
        json!([
            request(
                "r3",
                json!("AC repair [lr-7f3k2m9q]"),
                "2026-05-26T15:00:00Z"
            ),
            request(
                "r2",
                json!("AC repair [lr-00000000]"),
                "2026-05-26T14:50:00Z"
            ),
            request("r0", Value::Null, "2026-05-26T14:50:00Z"),
        ]),
        Some("Mw"),
    );
    let second = page(
        json!([request(
            "r1",
            json!("Urgent! ac repair LR-7F3K2M9Q"),
            "2026-05-26T14:33:00Z"
        )]),
        None,
    );
    let (found, asked) = answers(&scene, StepKey::LEAD_CREATE, vec![first, second]).await;
    assert_eq!(found, Ok(vec!["r1".to_owned(), "r3".to_owned()]));
    let filter = json!({"clientId": "c1", "createdAt": {"after": "2026-06-09T09:00:00Z"}});
    assert_eq!(asked[0], json!({"filter": filter, "first": 20}));
    assert_eq!(
        asked[1],
        json!({"filter": filter, "first": 20, "after": "Mw"})
    );
}

#[tokio::test]
async fn a_note_is_found_by_its_marker_among_the_notes_of_its_request() {
    let mut scene = Scene::new();
    scene.made.lead = Some(Record::new("r1"));
    let nodes = json!([
        {"__typename": "ClientNote"},
        {"__typename": "RequestNote", "id": "n0", "message": "Call back.", "createdAt": null},
        {"__typename": "RequestNote", "id": "n1", "message": "Phone call\nRef: lr-7f3k2m9q"},
    ]);
    let page = json!({"request": {"notes": list(&nodes, None)}});
    let (found, asked) = answers(&scene, StepKey::NOTE_ATTACH, vec![page]).await;
    assert_eq!(found, Ok(vec!["n1".to_owned()]));
    assert_eq!(asked[0], json!({"request": "r1", "first": 10}));
}

#[tokio::test]
async fn a_record_that_is_gone_is_no_empty_list() {
    let mut scene = Scene::new().for_customer("c1");
    scene.made.lead = Some(Record::new("r1"));
    for (key, gone) in [
        (SITE_LOOKUP, json!({"client": null})),
        (SITE_CREATE, json!({"client": null})),
        (StepKey::NOTE_ATTACH, json!({"request": null})),
    ] {
        let found = answers(&scene, key, vec![gone]).await.0;
        assert_eq!(found, Err("rejected record_gone".to_owned()), "{key}");
    }
}

#[tokio::test]
async fn a_look_up_that_fails_is_an_error_and_not_an_empty_list() {
    let mut scene = Scene::new().for_customer("c1");
    scene.made.lead = Some(Record::new("r1"));
    let failures = [
        (429, json!({})),
        (503, json!({})),
        (200, json!({"errors": [{"message": "x"}]})),
        (200, json!({"data": {}})),
        (200, json!({"data": null})),
    ];
    for (status, body) in failures {
        for key in [
            StepKey::CUSTOMER_CREATE,
            SITE_CREATE,
            StepKey::LEAD_CREATE,
            StepKey::NOTE_ATTACH,
        ] {
            let crm = ScriptedCrm::start([say(status, &body)]).await;
            let session = crm.session_of(&Jobber);
            assert!(
                scene.look(&Jobber, key, &session).await.is_err(),
                "{key} {body}"
            );
        }
    }
}
