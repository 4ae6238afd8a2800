//! How persons, leads, deals and notes are found in Pipedrive, and strangers are not.

use leadrail_lead::Lead;
use serde_json::{Value, json};

use super::Pipedrive;
use crate::http::cut::MOST_PAGES;
use crate::scripted_crm::{Scene, ScriptedCrm, lead_with, say};
use crate::{Record, Session, Settings, StepKey};

const EXACT: &str =
    "/api/v2/persons/search?term=%2B13055550182&fields=phone&exact_match=true&limit=50";
const DIGITS: &str =
    "/api/v2/persons/search?term=3055550182&fields=phone&exact_match=false&limit=50";
const LOCAL: &str = "/api/v2/persons/search?term=555-0182&fields=phone&exact_match=false&limit=50";
const EMAIL: &str =
    "/api/v2/persons/search?term=maria%40example.com&fields=email&exact_match=true&limit=50";

fn open(crm: &ScriptedCrm) -> Session {
    crm.session_of(&Pipedrive)
}

/// What a search finds, as the document has it.
fn hits(persons: &[Value], next: Option<&str>) -> Value {
    let items = persons
        .iter()
        .map(|person| json!({"result_score": 0.4, "item": person}));
    json!({"success": true, "data": {"items": items.collect::<Vec<_>>()},
           "additional_data": {"next_cursor": next}})
}

fn hit(id: u64, phone: &str, email: &str) -> Value {
    json!({"id": id, "type": "person", "name": "Ann", "phones": [phone], "emails": [email],
           "visible_to": 3, "owner": {"id": 1}, "organization": null, "custom_fields": [], "notes": []})
}

async fn found_by(lead: &Lead, pages: Vec<Value>) -> (Option<String>, Vec<String>) {
    let crm = ScriptedCrm::start(pages.iter().map(|page| say(200, page))).await;
    let scene = Scene::of(lead.clone());
    let session = open(&crm);
    let found = scene
        .take(&Pipedrive, StepKey::DEDUP_LOOKUP, &session)
        .await;
    assert!(crm.is_over(), "every page was asked for");
    let asked = crm.seen().into_iter().map(|seen| seen.target).collect();
    (found.unwrap().map(|person| person.id), asked)
}

#[tokio::test]
async fn the_caller_is_searched_for_in_four_ways_until_somebody_is_found() {
    let caller = hit(7, "(305) 555-0182", "");
    let none = hits(&[], None);
    let ways = [EXACT, DIGITS, LOCAL, EMAIL];
    for found_at in 0..3 {
        let mut pages = vec![none.clone(); found_at];
        pages.push(hits(std::slice::from_ref(&caller), None));
        let (found, asked) = found_by(&lead_with(|_| {}), pages).await;
        assert_eq!(found.as_deref(), Some("7"));
        assert_eq!(asked, ways[..=found_at]);
    }
    let (found, asked) = found_by(&lead_with(|_| {}), vec![none; 4]).await;
    assert_eq!((found, asked), (None, ways.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn a_stranger_that_a_search_returns_never_gets_the_lead() {
    for stranger in [
        "+1 305 555 0183",
        "305-555-0182 x9",
        "+44 3055550182",
        "555-0182",
        "",
        "3055550182@sip.example",
    ] {
        let page = hits(&[hit(9, stranger, "other@example.com")], None);
        let (found, _) = found_by(&lead_with(|_| {}), vec![page; 4]).await;
        assert_eq!(found, None, "{stranger}");
    }
}

#[tokio::test]
async fn a_number_is_recognized_however_it_is_written_and_in_both_shapes() {
    for written in [
        "+13055550182",
        "3055550182",
        "+1 (305) 555-0182",
        "1-305-555-0182",
        "0013055550182",
        "011 1 305 555 0182",
    ] {
        let mut known = hit(7, "", "");
        for phones in [
            json!(["1", written]),
            json!([{"value": written, "primary": true}]),
        ] {
            known["phones"] = phones;
            let page = hits(std::slice::from_ref(&known), None);
            let (found, _) = found_by(&lead_with(|_| {}), vec![page]).await;
            assert_eq!(found.as_deref(), Some("7"), "{written}");
        }
    }
}

#[tokio::test]
async fn the_newest_of_several_matches_on_all_pages_wins() {
    let number = "+13055550182";
    let pages = vec![
        hits(
            &[hit(900, number, ""), hit(9_999, "+12125550100", "")],
            Some("c 1"),
        ),
        hits(&[hit(1_000, number, ""), hit(99, number, "")], None),
    ];
    let (found, asked) = found_by(&lead_with(|_| {}), pages).await;
    assert_eq!(found.as_deref(), Some("1000"), "ids are numbers");
    assert_eq!(asked, [EXACT.to_owned(), format!("{EXACT}&cursor=c+1")]);
}

#[tokio::test]
async fn an_e_mail_address_is_compared_whole_and_without_case() {
    for (known, expected) in [
        (" Maria@Example.com", Some("7")),
        ("ana.maria@example.com", None),
        ("maria@example.com.evil.example", None),
    ] {
        let none = hits(&[], None);
        let page = hits(&[hit(7, "+12125550100", known)], None);
        let pages = vec![none.clone(), none.clone(), none, page];
        let (found, _) = found_by(&lead_with(|_| {}), pages).await;
        assert_eq!(found.as_deref(), expected, "{known}");
    }
}

#[tokio::test]
async fn a_caller_from_abroad_is_known_by_the_whole_number_only() {
    let lead = lead_with(|payload| payload["contact"] = json!({"phone": "+442079460018"}));
    for (written, expected) in [
        ("+44 20 7946 0018", Some("7")),
        ("0044 2079460018", Some("7")),
        ("2079460018", None),
        ("020 7946 0018", None),
    ] {
        let page = hits(&[hit(7, written, "")], None);
        let pages = if expected.is_some() {
            vec![page]
        } else {
            vec![page; 2]
        };
        let (found, _) = found_by(&lead, pages).await;
        assert_eq!(found.as_deref(), expected, "{written}");
    }
    let (_, asked) = found_by(&lead, vec![hits(&[], None); 2]).await;
    assert!(asked[0].contains("term=%2B442079460018&") && asked[1].contains("term=442079460018&"));
}

#[tokio::test]
async fn a_caller_who_cannot_be_searched_for_is_not_searched_for() {
    let lead = lead_with(|payload| {
        payload["contact"] = json!({"first_name": "Ann", "address": {"street": "1 A St"}})
    });
    let (found, asked) = found_by(&lead, vec![]).await;
    assert_eq!((found, asked.len()), (None, 0));
}

#[tokio::test]
async fn a_list_that_never_ends_proves_nothing() {
    let page = hits(&[hit(9, "+12125550100", "")], Some("again"));
    let crm = ScriptedCrm::start((0..MOST_PAGES).map(|_| say(200, &page))).await;
    let session = open(&crm);
    let found = Scene::new()
        .take(&Pipedrive, StepKey::DEDUP_LOOKUP, &session)
        .await;
    let error = found.unwrap_err();
    assert_eq!(
        (error.kind(), error.reason()),
        ("not_done", "lookup_incomplete")
    );
}

fn person(id: u64, phone: &str, added: &str) -> Value {
    json!({"id": id, "name": "Ann", "phones": [{"value": phone, "primary": true}], "emails": [],
           "add_time": added, "custom_fields": {}})
}

fn listed(items: &[Value]) -> Value {
    json!({"success": true, "data": items, "additional_data": {"next_cursor": null}})
}

async fn looked(scene: &Scene, key: StepKey, pages: Vec<Value>) -> (Vec<String>, Vec<String>) {
    let crm = ScriptedCrm::start(pages.iter().map(|page| say(200, page))).await;
    let found = scene.look(&Pipedrive, key, &open(&crm)).await.unwrap();
    assert!(crm.is_over(), "every page was asked for");
    (
        found,
        crm.seen().into_iter().map(|seen| seen.target).collect(),
    )
}

#[tokio::test]
async fn created_persons_are_found_among_the_newest_back_to_when_the_step_began() {
    let number = "+13055550182";
    let mut page = listed(&[
        person(33, number, "2026-06-10T09:30:00Z"),
        person(32, "+12125550100", "2026-06-10T09:10:00Z"),
        person(31, number, "not a time"),
        person(30, number, "2026-06-09T08:59:59Z"),
    ]);
    page["additional_data"]["next_cursor"] = json!("more");
    let (found, asked) = looked(&Scene::new(), StepKey::CUSTOMER_CREATE, vec![page]).await;
    assert_eq!(
        found,
        ["31", "33"],
        "oldest first, and none from before the step"
    );
    assert_eq!(
        asked,
        ["/api/v2/persons?sort_by=add_time&sort_direction=desc&limit=100"]
    );
}

#[tokio::test]
async fn a_created_person_is_known_by_the_field_the_address_or_the_name() {
    let field = "c".repeat(40);
    let mut marked = person(2, "+12125550100", "2026-06-10T09:30:00Z");
    let mut scene = Scene::new();
    scene.settings = Settings::default().with("person_field", field.as_str());
    let other = person(3, "+13055550182", "2026-06-10T09:30:00Z");
    for value in [
        json!("lr-7f3k2m9q"),
        json!({"type": "varchar", "value": "LR-7F3K2M9Q"}),
    ] {
        marked["custom_fields"] = json!({field.as_str(): value});
        let page = listed(&[other.clone(), marked.clone()]);
        let (found, _) = looked(&scene, StepKey::CUSTOMER_CREATE, vec![page]).await;
        assert_eq!(found, ["2"], "the mark decides");
    }
    let page = listed(std::slice::from_ref(&other));
    let (found, _) = looked(&scene, StepKey::CUSTOMER_CREATE, vec![page]).await;
    assert_eq!(found, ["3"], "made before there was a field");

    let with = |contact: Value| Scene::of(lead_with(|payload| payload["contact"] = contact));
    let mut by_email = person(4, "", "2026-06-10T09:30:00Z");
    by_email["emails"] = json!([{"value": "ann@example.com"}]);
    let mut by_name = person(5, "", "2026-06-10T09:30:00Z");
    by_name["name"] = json!("Ann [lr-7f3k2m9q]");
    let page = listed(&[by_email, by_name]);
    let address = with(json!({"first_name": "Ann", "email": "ann@example.com"}));
    let (found, _) = looked(&address, StepKey::CUSTOMER_CREATE, vec![page.clone()]).await;
    assert_eq!(found, ["4"]);
    let name = with(json!({"first_name": "Ann", "address": {"street": "1 A St"}}));
    let (found, _) = looked(&name, StepKey::CUSTOMER_CREATE, vec![page]).await;
    assert_eq!(found, ["5"]);
}

fn v1(items: &Value, more: Value) -> Value {
    let mut list = json!({"success": true, "data": items});
    list["additional_data"]["pagination"] = more;
    list
}

#[tokio::test]
async fn leads_are_found_by_origin_or_title_among_all_and_archived_ones() {
    let scene = Scene::new().for_customer("700");
    let event_id = scene.lead.event_id.to_string();
    let filed = |id: &str, origin: Value, title: &str, added: &str| json!({"id": id, "origin_id": origin, "title": title, "add_time": added});
    let first = v1(
        &json!([
            filed("ld-4", json!(event_id), "x", "2026-06-10T09:40:00.123Z"),
            filed(
                "ld-x",
                json!("other"),
                "HVAC [lr-00000000]",
                "2026-06-10T09:30:00Z"
            ),
        ]),
        json!({"start": 0, "limit": 50, "more_items_in_collection": true, "next_start": 2}),
    );
    let second = v1(
        &json!([
            filed("ld-4", json!(event_id), "x", "2026-06-10T09:40:00.123Z"),
            filed(
                "ld-2",
                Value::Null,
                "HVAC [LR-7F3K2M9Q]",
                "2026-06-10T09:20:00Z"
            ),
            filed("ld-0", json!(event_id), "x", "2026-06-09T08:00:00Z"),
        ]),
        json!({"more_items_in_collection": true}),
    );
    let archived = v1(
        &json!([filed("ld-3", json!(event_id), "x", "2026-06-10T09:30:00Z")]),
        json!({"more_items_in_collection": false}),
    );
    let (found, asked) = looked(&scene, StepKey::LEAD_CREATE, vec![first, second, archived]).await;
    assert_eq!(found, ["ld-2", "ld-3", "ld-4"], "each once, oldest first");
    let list = "person_id=700&sort=add_time+DESC&limit=50";
    assert_eq!(
        asked,
        [
            format!("/api/v1/leads?{list}"),
            format!("/api/v1/leads?{list}&start=2"),
            format!("/api/v1/leads/archived?{list}"),
        ]
    );
}

#[tokio::test]
async fn an_empty_list_of_v1_is_null_and_a_full_page_that_says_nothing_is_not_the_last() {
    let scene = Scene::new().for_customer("700");
    let none = v1(&Value::Null, json!({"more_items_in_collection": false}));
    let (found, _) = looked(&scene, StepKey::LEAD_CREATE, vec![none.clone(); 2]).await;
    assert!(found.is_empty());
    let strangers: Vec<Value> = (0..50).map(|n| json!({"id": format!("ld-{n}")})).collect();
    let full = json!({"success": true, "data": strangers});
    let last = json!({"success": true, "data": [{"id": "ld-x"}]});
    let (_, asked) = looked(&scene, StepKey::LEAD_CREATE, vec![full, last, none]).await;
    assert!(asked[1].ends_with("&limit=50&start=50"), "{asked:?}");
}

#[tokio::test]
async fn deals_are_found_by_title_or_field() {
    let field = "d".repeat(40);
    let mut scene = Scene::new().for_customer("700");
    scene.settings = Settings::default()
        .with("mode", "deal")
        .with("deal_field", field.as_str());
    let at = "2026-06-10T09:30:00Z";
    let page = listed(&[
        json!({"id": 12, "title": "HVAC: Ann [lr-7f3k2m9q]", "add_time": at}),
        json!({"id": 11, "title": "HVAC", "add_time": at, "custom_fields": {field.as_str(): "lr-7f3k2m9q"}}),
        json!({"id": 10, "title": "HVAC", "add_time": at, "custom_fields": {field.as_str(): null}}),
    ]);
    let pages = vec![page, listed(&[])];
    let (found, asked) = looked(&scene, StepKey::LEAD_CREATE, pages).await;
    assert_eq!(found, ["11", "12"]);
    let list = "person_id=700&sort_by=add_time&sort_direction=desc&limit=50";
    assert_eq!(
        asked,
        [
            format!("/api/v2/deals?{list}"),
            format!("/api/v2/deals/archived?{list}")
        ]
    );
}

#[tokio::test]
async fn notes_are_found_by_their_last_line() {
    for (mode, parent) in [("lead", "lead_id"), ("deal", "deal_id")] {
        let mut scene = Scene::new();
        scene.settings = Settings::default().with("mode", mode);
        scene.made.lead = Some(Record::new("800"));
        let page = v1(
            &json!([
                {"id": 3, "content": "Call<br>Ref: lr-7f3k2m9q"},
                {"id": 2, "content": "Ref: lr-00000000"},
                {"id": 1, "content": "<p>ref: LR-7F3K2M9Q</p>"},
            ]),
            json!({"more_items_in_collection": false}),
        );
        let (found, asked) = looked(&scene, StepKey::NOTE_ATTACH, vec![page]).await;
        assert_eq!(found, ["1", "3"]);
        assert_eq!(
            asked,
            [format!(
                "/api/v1/notes?{parent}=800&sort=add_time+DESC&limit=50"
            )]
        );
    }
}

#[tokio::test]
async fn a_look_up_that_fails_is_an_error_and_not_an_empty_list() {
    for mode in ["lead", "deal"] {
        let mut scene = Scene::new().for_customer("700");
        scene.settings = Settings::default().with("mode", mode);
        scene.made.lead = Some(Record::new("800"));
        for status in [402, 404, 429, 500, 503] {
            for key in [
                StepKey::CUSTOMER_CREATE,
                StepKey::LEAD_CREATE,
                StepKey::NOTE_ATTACH,
            ] {
                let crm = ScriptedCrm::start([say(status, &json!({"success": false}))]).await;
                assert!(
                    scene.look(&Pipedrive, key, &open(&crm)).await.is_err(),
                    "{key} {status}"
                );
            }
        }
    }
}
