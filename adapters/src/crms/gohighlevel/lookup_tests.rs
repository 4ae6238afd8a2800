//! How contacts, opportunities and notes are found in GoHighLevel, and strangers are not.

use leadrail_lead::Lead;
use serde_json::{Value, json};

use super::GoHighLevel;
use crate::http::cut::{FEW, MOST_PAGES};
use crate::scripted_crm::{Scene, Script, ScriptedCrm, lead_with, say};
use crate::{AdapterResult, Record, Settings, StepKey};

fn scene(lead: Lead) -> Scene {
    let mut scene = Scene::of(lead);
    scene.settings = Settings::default()
        .with("location_id", "loc_1")
        .with("pipeline", "pip_1");
    scene
}

/// A contact as GoHighLevel's document describes one.
fn contact(id: &str, phone: &str) -> Value {
    json!({
        "id": id, "locationId": "loc_1", "firstName": "john", "phone": phone,
        "email": null, "additionalPhones": [], "additionalEmails": [], "tags": ["vip"],
        "customFields": [{"id": "cf_9", "value": "x"}], "dateAdded": "2026-06-10T09:30:00.000Z",
    })
}

async fn found_by(
    lead: Lead,
    answers: Vec<Script>,
) -> (AdapterResult<Option<Record>>, Vec<String>) {
    let crm = ScriptedCrm::start(answers).await;
    let scene = scene(lead);
    let session = crm.session_of(&GoHighLevel);
    let found = scene
        .take(&GoHighLevel, StepKey::DEDUP_LOOKUP, &session)
        .await;
    assert!(crm.is_over(), "everything was asked for");
    let asked = crm.seen().into_iter().map(|seen| seen.target).collect();
    (found, asked)
}

fn by_number() -> Lead {
    lead_with(|payload| payload["contact"]["email"] = Value::Null)
}

#[tokio::test]
async fn a_caller_is_known_by_number_and_then_by_address() {
    let known = say(
        200,
        &json!({"contact": contact("con_1", "+13055550182"), "traceId": "t"}),
    );
    let (found, asked) = found_by(lead_with(|_| {}), vec![known]).await;
    let page = "https://app.gohighlevel.com/v2/location/loc_1/contacts/detail/con_1";
    let found = found.unwrap().unwrap();
    assert_eq!(
        (found.id.as_str(), found.url.as_deref()),
        ("con_1", Some(page))
    );
    assert_eq!(
        asked,
        ["/contacts/search/duplicate?locationId=loc_1&number=%2B13055550182"]
    );

    let mut other = contact("con_2", "+12125550100");
    other["email"] = json!("Maria@Example.COM ");
    let answers = vec![
        say(200, &json!({"contact": null})),
        say(200, &json!({"contact": other})),
    ];
    let (found, asked) = found_by(lead_with(|_| {}), answers).await;
    assert_eq!(found.unwrap().unwrap().id, "con_2");
    assert!(
        asked[1].ends_with("&email=maria%40example.com"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn nobody_is_said_in_many_ways() {
    for nobody in [
        Script::Say(200, String::new()),
        Script::Say(204, String::new()),
        say(200, &json!({})),
        say(200, &json!({"contact": null, "traceId": "t"})),
        say(200, &json!({"contact": {}})),
        say(200, &json!([])),
    ] {
        let (found, _) = found_by(by_number(), vec![nobody]).await;
        assert_eq!(found.unwrap(), None);
    }
}

#[tokio::test]
async fn what_is_no_contact_proves_nothing() {
    for odd in [
        say(200, &json!({"contact": {"phone": "+13055550182"}})),
        say(200, &json!({"contact": "con_1"})),
        Script::Say(200, "<html>".to_owned()),
    ] {
        let (found, _) = found_by(by_number(), vec![odd]).await;
        let error = found.unwrap_err();
        assert_eq!((error.kind(), error.reason()), ("not_done", "invalid_json"));
    }
}

#[tokio::test]
async fn a_stranger_never_gets_the_lead() {
    for phone in [
        "+13055550183",
        "+443055550182",
        "13055550182 ext 9",
        "+3055550182",
        "",
    ] {
        let known = say(200, &json!({"contact": contact("con_1", phone)}));
        let (found, _) = found_by(by_number(), vec![known]).await;
        assert_eq!(found.unwrap(), None, "{phone}");
    }
}

#[tokio::test]
async fn a_number_is_recognized_however_it_is_written_and_wherever_it_stands() {
    for phone in ["+1 (305) 555-0182", "3055550182", "1-305-555-0182"] {
        let known = say(200, &json!({"contact": contact("con_1", phone)}));
        let (found, _) = found_by(by_number(), vec![known]).await;
        assert!(found.unwrap().is_some(), "{phone}");
    }
    for more in [
        json!(["+13055550182"]),
        json!([{"phone": "+13055550182", "phoneLabel": null}]),
    ] {
        let mut known = contact("con_1", "+12125550100");
        known["additionalPhones"] = more;
        let (found, _) = found_by(by_number(), vec![say(200, &json!({"contact": known}))]).await;
        assert!(found.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_caller_who_cannot_be_searched_for_is_not_searched_for() {
    let lead = lead_with(|payload| payload["contact"] = json!({"address": {"street": "1 A St"}}));
    let (found, asked) = found_by(lead.clone(), vec![]).await;
    assert_eq!((found.unwrap(), asked.len()), (None, 0));
    let mut unusable = lead.clone();
    unusable.contact.email = Some("maria at example.com".to_owned());
    for lead in [lead, unusable] {
        let crm = ScriptedCrm::start([]).await;
        let scene = scene(lead);
        let step = super::PLANS[0].step(StepKey::CUSTOMER_CREATE).unwrap();
        let session = crm.session_of(&GoHighLevel);
        let looked = step.look(&session, &scene.filing()).await.unwrap();
        assert!(looked.is_none(), "nobody can know, so a person is asked");
    }
}

#[tokio::test]
async fn a_contact_that_is_too_long_to_read_is_looked_for_in_pages() {
    let page = json!({"contacts": [contact("con_old", "+13055550182")], "total": 1});
    let answers = vec![Script::Flood, Script::Flood, say(200, &page)];
    let crm = ScriptedCrm::start(answers).await;
    let scene = scene(by_number());
    let session = crm.session_of(&GoHighLevel);
    let found = scene.take(&GoHighLevel, StepKey::DEDUP_LOOKUP, &session);
    assert_eq!(found.await.unwrap().unwrap().id, "con_old");
    let asked = crm.seen();
    assert_eq!(
        asked[2].body,
        Some(json!({
            "locationId": "loc_1", "page": 1, "pageLimit": FEW / 2,
            "filters": [{"field": "phone", "operator": "eq", "value": "+13055550182"}],
        }))
    );
}

async fn looked(scene: &Scene, key: StepKey, answers: Vec<Script>) -> AdapterResult<Vec<String>> {
    let crm = ScriptedCrm::start(answers).await;
    let session = crm.session_of(&GoHighLevel);
    let found = scene.look(&GoHighLevel, key, &session).await;
    assert!(crm.is_over(), "everything was asked for");
    found
}

#[tokio::test]
async fn created_contacts_are_those_of_the_number_oldest_first_and_each_once() {
    let dated = |id: &str, at: &Value| {
        let mut known = contact(id, "+13055550182");
        known["dateAdded"] = at.clone();
        known
    };
    let page = json!({"total": 3, "contacts": [
        dated("con_2", &json!("2026-06-10T09:30:00Z")),
        contact("con_stranger", "+13055550183"),
        dated("con_1", &json!(1_781_000_000_000_u64)),
    ]});
    let direct = json!({"contact": dated("con_2", &json!("2026-06-10T09:30:00Z"))});
    let scene = scene(by_number());
    let answers = vec![say(200, &page), say(200, &direct)];
    let ids = looked(&scene, StepKey::CUSTOMER_CREATE, answers).await;
    assert_eq!(ids.unwrap(), ["con_1", "con_2"]);
}

#[tokio::test]
async fn a_contact_that_the_search_does_not_show_yet_is_found_directly() {
    let none = json!({"contacts": [], "total": 0});
    let direct = json!({"contact": contact("con_1", "+13055550182")});
    let scene = scene(by_number());
    let answers = vec![say(200, &none), say(200, &direct)];
    let ids = looked(&scene, StepKey::CUSTOMER_CREATE, answers).await;
    assert_eq!(ids.unwrap(), ["con_1"]);
}

#[tokio::test]
async fn contacts_that_bear_the_marker_come_before_others() {
    for value in [
        json!({"id": "cf_1", "value": "LR-7F3K2M9Q "}),
        json!({"id": "cf_1", "fieldValue": ["lr-7f3k2m9q"]}),
    ] {
        let mut ours = contact("con_2", "+13055550182");
        ours["customFields"] = json!([value]);
        let page = json!({"contacts": [contact("con_1", "+13055550182"), ours], "total": 2});
        let scene = scene(by_number());
        let answers = vec![say(200, &page), say(200, &json!({}))];
        let ids = looked(&scene, StepKey::CUSTOMER_CREATE, answers).await;
        assert_eq!(ids.unwrap(), ["con_2"]);
    }
}

fn opportunity(id: &str, name: &str, at: &str) -> Value {
    json!({"id": id, "name": name, "contactId": "con_1", "pipelineId": "pip_1",
           "customFields": [], "createdAt": at})
}

#[tokio::test]
async fn opportunities_are_found_by_marker_over_all_pages_oldest_first() {
    let filler =
        (0..FEW - 2).map(|n| opportunity(&format!("o{n}"), "Roof", "2026-01-01T00:00:00Z"));
    let mut first: Vec<Value> = filler.collect();
    first.push(opportunity(
        "opp_3",
        "Ann - Roof [LR-7F3K2M9Q]",
        "2026-06-10T09:03:00Z",
    ));
    let mut renamed = opportunity("opp_2", "Roof", "2026-06-10T09:02:00Z");
    renamed["customFields"] = json!([{"id": "cf", "fieldValueString": "lr-7f3k2m9q"}]);
    first.push(renamed.clone());
    let mut stranger = opportunity("opp_x", "[lr-7f3k2m9q]", "2026-06-10T09:00:00Z");
    stranger["contactId"] = json!("con_2");
    let second = json!([
        renamed,
        stranger,
        opportunity("opp_1", "lr-7f3k2m9q", "2026-06-10T09:01:00Z")
    ]);
    let total = FEW + 2;
    let answers = vec![
        say(
            200,
            &json!({"opportunities": first, "meta": {"total": total}}),
        ),
        say(
            200,
            &json!({"opportunities": second, "meta": {"total": total}}),
        ),
    ];
    let crm = ScriptedCrm::start(answers).await;
    let scene = scene(by_number()).for_customer("con_1");
    let session = crm.session_of(&GoHighLevel);
    let ids = scene.look(&GoHighLevel, StepKey::LEAD_CREATE, &session);
    assert_eq!(ids.await.unwrap(), ["opp_1", "opp_2", "opp_3"]);
    assert_eq!(
        crm.seen()[1].target,
        "/opportunities/search?location_id=loc_1&contact_id=con_1&status=all&page=2&limit=50"
    );
}

#[tokio::test]
async fn the_opportunity_that_stood_in_the_way_is_not_gone() {
    let mut scene = scene(by_number()).for_customer("con_1");
    scene.made.lead = Some(Record::new("opp_old"));
    let page = json!({"opportunities": [opportunity("opp_old", "Roof", "2026-01-01T00:00:00Z")]});
    let ids = looked(&scene, StepKey::LEAD_CREATE, vec![say(200, &page)]).await;
    assert_eq!(ids.unwrap(), ["opp_old"]);
}

#[tokio::test]
async fn notes_are_found_by_marker_whatever_is_written_around_it() {
    let note = |id: &str, body: &str, at: &str| json!({"id": id, "body": body, "dateAdded": at});
    let notes = json!({"notes": [
        note("n_2", "<p>No heat.</p><p>Ref: lr-7f3k2m9q</p>", "2026-06-10T09:02:00Z"),
        note("n_x", "Ref: lr-00000000", "2026-06-10T09:00:00Z"),
        note("n_1", "Ref: LR-7F3K2M9Q", "2026-06-10T09:01:00Z"),
        {"id": "n_empty"},
    ]});
    let scene = scene(by_number()).for_customer("con_1");
    let ids = looked(&scene, StepKey::NOTE_ATTACH, vec![say(200, &notes)]).await;
    assert_eq!(ids.unwrap(), ["n_1", "n_2"]);
}

#[tokio::test]
async fn a_list_that_never_ends_proves_nothing() {
    let page = |n: u32| {
        let items: Vec<Value> = (0..FEW)
            .map(|place| opportunity(&format!("o{n}_{place}"), "Roof", ""))
            .collect();
        say(200, &json!({"opportunities": items}))
    };
    let same = || page(0);
    let scene = scene(by_number()).for_customer("con_1");
    for pages in [
        (0..MOST_PAGES).map(page).collect::<Vec<_>>(),
        (0..MOST_PAGES).map(|_| same()).collect(),
    ] {
        let error = looked(&scene, StepKey::LEAD_CREATE, pages)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.reason()),
            ("not_done", "lookup_incomplete")
        );
    }
}

#[tokio::test]
async fn a_look_up_that_fails_is_an_error_and_not_an_empty_list() {
    let scene = scene(by_number()).for_customer("con_1");
    for status in [429, 500, 503] {
        for key in [
            StepKey::LEAD_CREATE,
            StepKey::CUSTOMER_CREATE,
            StepKey::NOTE_ATTACH,
        ] {
            let failed = looked(&scene, key, vec![say(status, &json!({}))]).await;
            assert!(failed.is_err(), "{key} {status}");
        }
        let (found, _) = found_by(by_number(), vec![say(status, &json!({}))]).await;
        assert!(found.is_err(), "{status}");
    }
}
