//! Housecall Pro's second mode: what a call becomes as a job, what each answer leads to, and how what
//! was made is found again.

use leadrail_lead::{Lead, Marker};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::requests::{customer_create, job_create, note_create, site_create};
use super::{HOUSECALL_PRO, HousecallPro};
use crate::http::cut::MOST_PAGES;
use crate::scripted_crm::{KEY, Scene, ScriptedCrm, lead_with, say, session_with, target};
use crate::{AdapterResult, Links, Record, Session, Settings, Slot, StepKey, Verb, preview};

const FIND_SITE: StepKey = StepKey::new(Verb::Find, Slot::Site);
const MAKE_SITE: StepKey = StepKey::new(Verb::Make, Slot::Site);

/// Every step that makes something and whose records are found by a list.
const MAKES: [StepKey; 3] = [MAKE_SITE, StepKey::LEAD_CREATE, StepKey::NOTE_ATTACH];

/// A lead at any step of the mode: with customer, address and job.
fn scene_of(lead: Lead) -> Scene {
    let mut scene = Scene::of(lead).for_customer("cus_a1");
    scene.settings = Settings::default().with("mode", "job");
    scene.made.site = Some(Record::new("adr_1"));
    scene.made.lead = Some(Record::new("job_1"));
    scene
}

fn scene() -> Scene {
    scene_of(lead_with(|_| {}))
}

fn open(crm: &ScriptedCrm) -> Session {
    let url = format!("{}/", crm.url);
    session_with(&HousecallPro, &url, Settings::default().with("mode", "job"))
}

async fn take(scene: &Scene, key: StepKey, session: &Session) -> AdapterResult<Option<String>> {
    let taken = scene.take(&HousecallPro, key, session).await?;
    Ok(taken.map(|record| record.id))
}

fn job_of(scene: &Scene) -> Value {
    let request = job_create(&scene.filing()).expect("a job");
    request.json_body().expect("JSON").clone()
}

fn address_of(lead: &Lead) -> Value {
    let scene = scene_of(lead.clone());
    let request = site_create(&scene.filing()).expect("an address");
    request.json_body().expect("JSON").clone()
}

fn note_of(lead: &Lead) -> String {
    let scene = scene_of(lead.clone());
    let request = note_create(&scene.filing()).expect("a note");
    let body = request.json_body().expect("JSON");
    body["content"].as_str().expect("a text").to_owned()
}

fn at(address: Value) -> Lead {
    lead_with(|payload| payload["contact"]["address"] = address)
}

fn addresses(list: &Value) -> Value {
    json!({ "page": 1, "page_size": 50, "total_pages": 1, "total_items": 9, "addresses": list })
}

fn jobs(list: &Value) -> Value {
    json!({ "page": 1, "page_size": 50, "total_pages": 1, "total_items": 9, "jobs": list })
}

#[test]
fn a_call_becomes_a_job_at_an_address_with_our_tag() {
    let lead = lead_with(|payload| payload["routing"]["assigned_to"] = json!("pro_77"));
    assert_eq!(
        job_of(&scene_of(lead)),
        json!({
            "customer_id": "cus_a1",
            "address_id": "adr_1",
            "assigned_employee_ids": ["pro_77"],
            "lead_source": "Phone call",
            "tags": ["lr-7f3k2m9q"],
        })
    );
}

#[test]
fn a_connection_chooses_source_and_tag_of_its_jobs() {
    let mut scene = scene();
    let settings = scene.settings.clone();
    scene.settings = settings.with("lead_source", "Radio").with("tag", "ai call");
    let job = job_of(&scene);
    assert_eq!(job["lead_source"], "Radio");
    assert_eq!(job["tags"], json!(["lr-7f3k2m9q", "ai call"]));
}

#[test]
fn a_time_that_can_be_believed_is_the_schedule_and_any_other_is_none() {
    let since = Scene::new().since;
    let rfc = |days: i64| (since + chrono::TimeDelta::days(days)).to_rfc3339();
    let local = (since + chrono::TimeDelta::days(1)).format("%Y-%m-%dT08:00:00");
    for (wanted, offset) in [
        (format!("{local}-04:00"), Some("-04:00")),
        (format!(" {local}Z "), Some("Z")),
        (local.to_string(), None),
        ("weekday mornings".to_owned(), None),
        (rfc(-1), None),
        (rfc(400), None),
        (since.to_rfc3339(), None),
        ("+262142-12-31T23:59:59Z".to_owned(), None),
        (String::new(), None),
    ] {
        let mut lead = lead_with(|_| {});
        lead.service_request.preferred_schedule = Some(wanted.clone());
        let expected = offset.map(|offset| {
            let day = local.to_string().replace("T08:00:00", "");
            json!({
                "scheduled_start": format!("{day}T08:00:00{offset}"),
                "scheduled_end": format!("{day}T09:00:00{offset}"),
            })
        });
        let job = job_of(&scene_of(lead));
        assert_eq!(job.get("schedule"), expected.as_ref(), "{wanted}");
    }
}

#[test]
fn an_address_says_what_was_not_said_of_it() {
    let given = |street: &str, city: &str, state: &str, zip: &str, country: &str| json!({ "street": street, "city": city, "state": state, "zip": zip, "country": country });
    let not = "Not given";
    for (said, sent) in [
        (
            json!({ "street": "1 A St", "city": "Miami", "state": "FL", "zip": "33136",
                    "country": "CA" }),
            given("1 A St", "Miami", "FL", "33136", "CA"),
        ),
        (
            json!({ "street": "1 A St" }),
            given("1 A St", not, not, not, "US"),
        ),
        (
            json!({ "city": "Miami", "zip": "33136" }),
            given(not, "Miami", not, "33136", "US"),
        ),
        (json!({ "street": "--" }), given(not, not, not, not, "US")),
        (Value::Null, given(not, not, not, not, "US")),
    ] {
        assert_eq!(address_of(&at(said.clone())), sent, "{said}");
    }
}

#[test]
fn the_note_of_a_job_tells_it_all_and_ends_with_our_reference() {
    let note = note_of(&lead_with(|payload| {
        payload["service_request"]["preferred_schedule"] = json!("2026-05-27T08:00:00");
    }));
    for part in [
        "Caller: Maria Gonzalez\n",
        "Phone: +13055550182\n",
        "Preferred time: 2026-05-27T08:00:00\n",
        "(our link to the recording)",
    ] {
        assert!(note.contains(part), "{note}");
    }
    assert!(note.ends_with("Ref: lr-7f3k2m9q"), "{note}");
}

#[tokio::test]
async fn every_answer_to_what_is_made_leads_to_one_decision() {
    let made = json!({ "id": "x_1", "content": "x", "tags": [], "notes": [] });
    for key in MAKES {
        let rows = [
            (say(201, &made), "done"),
            (say(200, &made), "done"),
            (say(201, &json!({})), "ambiguous invalid_json"),
            (say(201, &json!({ "id": "" })), "ambiguous invalid_json"),
            (say(400, &json!({ "message": "bad" })), "rejected http_400"),
            (say(401, &json!({})), "auth http_401"),
            (say(403, &json!({})), "forbidden forbidden"),
            (
                say(404, &json!({ "error": { "message": "no" } })),
                "rejected record_gone",
            ),
            (say(422, &json!({ "errors": {} })), "rejected http_422"),
            (
                say(422, &json!({ "errors": { "address_id": ["?"] } })),
                "rejected record_gone",
            ),
            (say(429, &json!({})), "throttled http_429"),
            (say(500, &json!({})), "ambiguous http_500"),
        ];
        for (script, expected) in rows {
            let crm = ScriptedCrm::start([script]).await;
            let told = match take(&scene(), key, &open(&crm)).await {
                Ok(id) => {
                    assert_eq!(id.as_deref(), Some("x_1"));
                    "done".to_owned()
                }
                Err(error) => format!("{} {}", error.kind(), error.reason()),
            };
            assert_eq!(told, expected, "{key}");
        }
    }
}

#[tokio::test]
async fn a_refused_job_names_the_fields_but_not_their_values() {
    let body = json!({ "errors": { "schedule": ["maria@example.com"], "+13055550182": ["?"] } });
    let crm = ScriptedCrm::start([say(422, &body)]).await;
    let error = take(&scene(), StepKey::LEAD_CREATE, &open(&crm)).await;
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Housecall Pro rejected the request (HTTP 422); it names schedule"
    );
    assert!(!format!("{error:?}").contains("maria"));
}

#[tokio::test]
async fn a_conflict_resolves_to_the_job_that_exists() {
    let scene = scene();
    let marker = &scene.marker;
    let known = jobs(&json!([
        { "id": "job_new", "tags": [marker] }, { "id": "job_old", "tags": [marker] },
    ]));
    let crm = ScriptedCrm::start([say(409, &json!({})), say(200, &known)]).await;
    let filed = take(&scene, StepKey::LEAD_CREATE, &open(&crm)).await;
    assert_eq!(filed.unwrap().as_deref(), Some("job_old"));

    let crm = ScriptedCrm::start([say(409, &json!({})), say(200, &jobs(&json!([])))]).await;
    let error = take(&scene, StepKey::LEAD_CREATE, &open(&crm)).await;
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.reason()), ("ambiguous", "http_409"));
}

#[tokio::test]
async fn a_step_without_what_it_builds_on_sends_nothing() {
    let crm = ScriptedCrm::start([]).await;
    let mut scene = Scene::new();
    scene.settings = Settings::default().with("mode", "job");
    for key in [
        FIND_SITE,
        MAKE_SITE,
        StepKey::LEAD_CREATE,
        StepKey::NOTE_ATTACH,
    ] {
        let error = take(&scene, key, &open(&crm)).await.unwrap_err();
        assert_eq!(error.reason(), "step_out_of_order", "{key}");
    }
    scene.made.customer = Some(Record::new("cus_a1"));
    let error = take(&scene, StepKey::LEAD_CREATE, &open(&crm)).await;
    assert!(error.unwrap_err().detail().contains("no site"));
    assert!(crm.seen().is_empty());
}

#[tokio::test]
async fn the_address_that_the_caller_means_is_found_and_no_other() {
    let oak = json!({ "id": "adr_1", "street": "4521 OAK RIDGE dr.", "city": "Phoenix",
                      "zip": "85016-1234" });
    let elm = json!({ "id": "adr_2", "street": "9 Elm St", "zip": "85016" });
    let unsaid = json!({ "id": "adr_3", "street": "Not given", "city": "Not given" });
    let nameless = json!({ "id": null, "street": "4521 Oak Ridge Dr", "zip": "85016" });
    let said = json!({ "street": "4521 Oak Ridge Dr", "city": "Phoenix", "zip": "85016" });
    for (said, known, found) in [
        (&said, json!([elm, oak]), Some("adr_1")),
        (&said, json!([elm]), None),
        (&said, json!([nameless]), None),
        (&said, json!([]), None),
        (&Value::Null, json!([elm]), Some("adr_2")),
        (&Value::Null, json!([elm, oak]), None),
        (&Value::Null, json!([elm, unsaid, oak]), Some("adr_3")),
        (&Value::Null, json!([]), None),
    ] {
        let crm = ScriptedCrm::start([say(200, &addresses(&known))]).await;
        let id = take(&scene_of(at(said.clone())), FIND_SITE, &open(&crm)).await;
        assert_eq!(id.unwrap().as_deref(), found, "{said} {known}");
        assert_eq!(
            crm.seen()[0].target,
            "/customers/cus_a1/addresses?sort_by=created_at&sort_direction=desc&page=1\
             &page_size=50"
        );
    }
}

#[tokio::test]
async fn an_address_whose_answer_was_lost_is_found_whatever_was_said() {
    for said in [
        json!({ "street": "1 A St", "zip": "33136" }),
        json!({ "street": "1 A St" }),
        json!({ "city": "Miami" }),
        json!({ "street": "👩‍🔧" }),
        Value::Null,
    ] {
        let lead = at(said.clone());
        let mut ours = address_of(&lead);
        ours["id"] = json!("adr_9");
        let mut again = ours.clone();
        again["id"] = json!("adr_10");
        let list = json!([again, ours, ours, { "id": "adr_0", "street": "2 B St" }]);
        let crm = ScriptedCrm::start([say(200, &addresses(&list))]).await;
        let scene = scene_of(lead);
        let session = open(&crm);
        let found = scene.look(&HousecallPro, MAKE_SITE, &session).await;
        assert_eq!(found.unwrap(), ["adr_9", "adr_10"], "{said}");
    }
}

#[tokio::test]
async fn jobs_are_found_by_tag_on_all_pages_oldest_first_and_each_once() {
    let page = |list: Value| {
        let mut page = jobs(&list);
        page["total_pages"] = json!(2);
        page
    };
    let crm = ScriptedCrm::start([
        say(
            200,
            &page(
                json!([{ "id": "job_3", "tags": ["a", "LR-7f3k2m9q "] }, { "id": "job_x" },
                         { "id": "job_y", "tags": ["lr-7f3k2m9qq"] }]),
            ),
        ),
        say(
            200,
            &page(json!([{ "id": "job_3", "tags": ["lr-7f3k2m9q"] },
                         { "id": "job_1", "tags": ["lr-7f3k2m9q"] }])),
        ),
    ])
    .await;
    let (scene, session) = (scene(), open(&crm));
    let found = scene.look(&HousecallPro, StepKey::LEAD_CREATE, &session);
    assert_eq!(found.await.unwrap(), ["job_1", "job_3"]);
    let seen = crm.seen();
    assert!(seen[0].target.starts_with("/jobs?customer_id=cus_a1&"));
    assert!(seen[1].target.contains("page=2"));
}

#[tokio::test]
async fn what_is_older_than_the_step_is_not_read() {
    let scene = scene();
    let before = scene.filing().earliest() - chrono::TimeDelta::seconds(1);
    let mut list = jobs(&json!([
        { "id": "job_2", "tags": [scene.marker], "created_at": scene.since },
        { "id": "job_1", "tags": [scene.marker], "created_at": before },
    ]));
    list["total_pages"] = json!(1_000);
    let crm = ScriptedCrm::start([say(200, &list)]).await;
    let session = open(&crm);
    let found = scene.look(&HousecallPro, StepKey::LEAD_CREATE, &session);
    assert_eq!(found.await.unwrap(), ["job_2"]);
}

#[tokio::test]
async fn a_note_is_found_among_those_of_its_job() {
    let job = json!({ "id": "job_1", "notes": [
        { "id": "nte_1", "content": "Gate 4" }, { "id": "nte_2", "content": null },
        { "id": "nte_3", "content": "No heat.\nRef: LR-7F3K2M9Q" },
    ] });
    let crm = ScriptedCrm::start([say(200, &job)]).await;
    let (scene, session) = (scene(), open(&crm));
    let found = scene.look(&HousecallPro, StepKey::NOTE_ATTACH, &session);
    assert_eq!(found.await.unwrap(), ["nte_3"]);
    assert_eq!(crm.seen()[0].target, "/jobs/job_1");
}

#[tokio::test]
async fn a_look_up_that_fails_or_shows_nothing_proves_nothing() {
    for (status, body) in [
        (429, json!({})),
        (503, json!({})),
        (200, json!({ "id": "job_1" })),
        (200, json!({ "id": "job_1", "notes": null })),
        (200, json!([])),
    ] {
        for key in MAKES {
            let crm = ScriptedCrm::start([say(status, &body)]).await;
            let (scene, session) = (scene(), open(&crm));
            assert!(scene.look(&HousecallPro, key, &session).await.is_err());
        }
    }
    for (key, name) in [(MAKE_SITE, "addresses"), (StepKey::LEAD_CREATE, "jobs")] {
        let endless = json!({ "total_pages": 1_000, name: [{ "id": "x" }] });
        let crm = ScriptedCrm::start((0..MOST_PAGES).map(|_| say(200, &endless))).await;
        let (scene, session) = (scene(), open(&crm));
        let found = scene.look(&HousecallPro, key, &session).await;
        assert_eq!(found.unwrap_err().reason(), "lookup_incomplete", "{key}");
    }
}

/// A caller whose address comes with the customer, and one who leaves none.
#[tokio::test]
async fn a_preview_of_a_job_is_what_is_really_sent() {
    let address = json!({ "id": "adr_1", "street": "1420 NW 7th Ave", "city": "Miami",
                          "state": "FL", "zip": "33136" });
    let nobody = json!({ "total_pages": 1, "customers": [] });
    let created = json!({ "id": "cus_a1", "addresses": [address] });
    let bare = json!({ "id": "cus_a1", "addresses": [] });
    let (job, note) = (json!({ "id": "job_1" }), json!({ "id": "nte_1" }));
    let with_address = vec![
        say(200, &nobody),
        say(201, &created),
        say(201, &job),
        say(201, &note),
    ];
    let without = vec![
        say(200, &nobody),
        say(201, &bare),
        say(200, &addresses(&json!([]))),
        say(200, &address),
        say(201, &job),
        say(201, &note),
    ];
    for (lead, script) in [
        (lead_with(|_| {}), with_address),
        (at(Value::Null), without),
    ] {
        let settings = Settings::default().with("mode", "job").with("tag", "ai");
        let crm = ScriptedCrm::start(script).await;
        let url = format!("{}/hcp/", crm.url);
        let session = session_with(&HousecallPro, &url, settings.clone());
        let mut scene = Scene::of(lead);
        scene.settings = settings.clone();
        for step in super::PLANS[1].steps {
            let key = step.key();
            if scene.made.get(key.slot).is_some() {
                continue;
            }
            scene.marker = Marker::new(scene.lead.event_id, key.label());
            let record = scene.take(&HousecallPro, key, &session).await.unwrap();
            scene.made.set(key.slot, record);
        }
        let target = target(&HousecallPro, &url).with_settings(settings);
        let planned = preview(&HousecallPro, &target, &scene.lead, Links::WORDS, None);
        let seen = crm.seen();
        assert_eq!(planned.len(), seen.len());
        for (planned, seen) in planned.into_iter().zip(seen) {
            assert_eq!(planned.method, seen.method);
            assert_eq!(
                with_ids(&planned.url),
                format!("{}{}", crm.url, seen.target)
            );
            let body = planned.body.map(|body| with_ids(&body.to_string()));
            assert_eq!(body, seen.body.map(|body| body.to_string()));
            assert_eq!(seen.headers["authorization"], format!("Token {KEY}"));
            assert_eq!(planned.headers["authorization"], "Token ********");
        }
    }
}

/// A planned request with the ids of what the script made.
fn with_ids(text: &str) -> String {
    let made = [("customer", "cus_a1"), ("site", "adr_1"), ("lead", "job_1")];
    made.into_iter().fold(text.to_owned(), |text, (slot, id)| {
        let words = format!("(id of the {slot} created before)");
        text.replace(&words, id)
            .replace(&words.replace(' ', "%20"), id)
    })
}

proptest! {
    #[test]
    fn no_text_breaks_a_job_its_address_or_its_note(
        texts in prop::collection::vec("(?s).{0,40}|[a\u{301}]{0,900}|[\u{0}-\u{1f}\u{202e}]{0,40}", 9),
    ) {
        let mut lead = lead_with(|_| {});
        let mut next = texts.into_iter();
        let address = lead.contact.address.as_mut().unwrap();
        address.street = next.next();
        address.city = next.next();
        address.state = next.next();
        address.zip = next.next();
        address.country = next.next();
        lead.service_request.preferred_schedule = next.next();
        lead.service_request.issue_description = next.next();
        lead.routing.assigned_to = next.next();
        lead.call.transcript_summary = next.next();

        let job = job_of(&scene_of(lead.clone()));
        prop_assert_eq!(&job["address_id"], "adr_1");
        for (field, text) in address_of(&lead).as_object().unwrap() {
            let limit = HOUSECALL_PRO.limit(&format!("address.{field}"));
            let text = text.as_str().unwrap();
            prop_assert!(!text.is_empty() && text.chars().count() <= limit, "{}", field);
            prop_assert!(!text.contains(char::is_control), "{} has controls", field);
        }
        let note = note_of(&lead);
        prop_assert!(note.chars().count() <= 10_000 && note.ends_with("Ref: lr-7f3k2m9q"));
        let customer = customer_create(&scene_of(lead).filing());
        prop_assert!(customer.json_body().is_some());
    }
}
