//! How records are found in ServiceTitan, and strangers are not.

use leadrail_lead::Lead;
use serde_json::{Value, json};

use super::ServiceTitan;
use super::mapping_tests::{GUID, booking_mode, job_mode, lead_mode, scene};
use crate::http::cut::MOST_PAGES;
use crate::scripted_crm::{Scene, Script, ScriptedCrm, lead_with, say, session_with};
use crate::{AdapterResult, CrmAdapter, Record, Session, Settings, Slot, StepKey, Verb};

const SITE_LOOKUP: StepKey = StepKey::new(Verb::Find, Slot::Site);
const SITE_CREATE: StepKey = StepKey::new(Verb::Make, Slot::Site);

/// A list as ServiceTitan answers it.
fn list(data: &Value) -> Script {
    pages(data, false)
}

fn pages(data: &Value, has_more: bool) -> Script {
    let envelope = json!({
        "page": 1, "pageSize": 50, "hasMore": has_more, "totalCount": null, "data": data,
    });
    say(200, &envelope)
}

fn customer(id: u64) -> Value {
    json!({
        "id": id, "active": true, "name": "John", "type": "Residential", "address": {},
        "balance": 0.0, "mergedToId": null, "createdOn": "2026-05-20T10:00:00Z",
    })
}

fn merged(id: u64, into: &Value) -> Value {
    json!({ "id": id, "active": false, "mergedToId": into })
}

fn contact(owner: u64, value: &str) -> Value {
    json!({ "id": 1, "type": "Phone", "value": value, "memo": null, "customerId": owner })
}

fn location(id: u64, street: &str, zip: &str) -> Value {
    json!({
        "id": id, "customerId": 700, "active": true, "name": "Home", "createdOn": "2026-05-20",
        "address": { "street": street, "unit": null, "city": "Miami", "state": "FL", "zip": zip },
    })
}

async fn open(crm: &ScriptedCrm, settings: &Settings) -> Session {
    session_with(&ServiceTitan, &crm.url, settings.clone())
}

/// What a step finds, and the requests' paths without the tenant's.
async fn take(
    scene: &Scene,
    key: StepKey,
    script: Vec<Script>,
) -> (AdapterResult<Option<String>>, Vec<String>) {
    let crm = ScriptedCrm::start(script).await;
    let session = open(&crm, &scene.settings).await;
    let found = scene.take(&ServiceTitan, key, &session).await;
    assert!(crm.is_over(), "everything was asked for");
    (
        found.map(|found| found.map(|record| record.id)),
        asked(&crm),
    )
}

async fn look(
    scene: &Scene,
    key: StepKey,
    script: Vec<Script>,
) -> (AdapterResult<Vec<String>>, Vec<String>) {
    let crm = ScriptedCrm::start(script).await;
    let session = open(&crm, &scene.settings).await;
    let found = scene.look(&ServiceTitan, key, &session).await;
    assert!(crm.is_over(), "everything was asked for");
    (found, asked(&crm))
}

fn asked(crm: &ScriptedCrm) -> Vec<String> {
    let seen = crm.seen().into_iter();
    seen.map(|seen| seen.target.replace("/v2/tenant/4829", ""))
        .collect()
}

fn caller(settings: Settings) -> Scene {
    let mut scene = Scene::new();
    scene.settings = settings;
    scene
}

fn at_site(lead: Lead) -> Scene {
    let mut scene = scene(lead, job_mode());
    scene.made.site = None;
    scene
}

#[tokio::test]
async fn a_stranger_that_the_search_returns_is_never_the_caller() {
    for stranger in [
        "3055550183",
        "2125550182",
        "5550182",
        "",
        "3055550182 ext 9",
        "3055550182@x",
    ] {
        let script = vec![
            list(&json!([customer(1)])),
            list(&json!([contact(1, stranger), contact(2, "3055550182")])),
        ];
        let (found, _) = take(&caller(booking_mode()), StepKey::DEDUP_LOOKUP, script).await;
        assert_eq!(found.unwrap(), None, "{stranger}");
    }
}

#[tokio::test]
async fn a_number_is_recognized_however_it_is_written_and_the_newest_match_wins() {
    for number in [
        "3055550182",
        "+1 (305) 555-0182",
        "1-305-555-0182",
        "305.555.0182",
    ] {
        let script = vec![
            list(&json!([customer(9), customer(8), customer(7)])),
            list(&json!([
                contact(7, number),
                contact(8, number),
                contact(9, "2125550100")
            ])),
        ];
        let (found, asked) = take(&caller(job_mode()), StepKey::DEDUP_LOOKUP, script).await;
        assert_eq!(found.unwrap().as_deref(), Some("8"), "{number}");
        assert_eq!(
            asked,
            [
                "/crm/customers?phone=3055550182&active=Any&sort=-CreatedOn&pageSize=50&page=1",
                "/crm/customers/contacts?customerIds=9%2C8%2C7&pageSize=500&page=1",
            ]
        );
    }
}

#[tokio::test]
async fn a_search_without_a_match_goes_on_to_the_last_page() {
    let script = vec![
        pages(&json!([customer(9)]), true),
        list(&json!([contact(9, "2125550100")])),
        list(&json!([customer(8)])),
        pages(&json!([contact(8, "2125550100")]), true),
        list(&json!([contact(8, "3055550182")])),
    ];
    let (found, _) = take(&caller(booking_mode()), StepKey::DEDUP_LOOKUP, script).await;
    assert_eq!(found.unwrap().as_deref(), Some("8"));
    let script = vec![list(&json!([]))];
    let (found, _) = take(&caller(booking_mode()), StepKey::DEDUP_LOOKUP, script).await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn a_merged_customer_is_followed_to_the_one_that_is_left() {
    let ours = || list(&json!([contact(9, "3055550182"), contact(7, "3055550182")]));
    let rows = [
        (vec![say(200, &customer(12))], Some("12")),
        (
            vec![say(200, &merged(12, &json!(13))), say(200, &customer(13))],
            Some("13"),
        ),
        (vec![say(404, &json!({}))], Some("7")),
        (vec![say(200, &merged(12, &Value::Null))], Some("7")),
    ];
    for (number, (then, expected)) in rows.into_iter().enumerate() {
        let known = json!([merged(9, &json!(12)), customer(7)]);
        let script = [list(&known), ours()].into_iter().chain(then).collect();
        let (found, asked) = take(&caller(job_mode()), StepKey::DEDUP_LOOKUP, script).await;
        assert_eq!(found.unwrap().as_deref(), expected, "row {number}");
        assert_eq!(asked[2], "/crm/customers/12");
    }
}

#[tokio::test]
async fn a_deactivated_customer_is_nobody_and_mergers_do_not_go_round() {
    let script = vec![
        list(&json!([merged(9, &Value::Null)])),
        list(&json!([contact(9, "3055550182")])),
    ];
    let (found, _) = take(&caller(job_mode()), StepKey::DEDUP_LOOKUP, script).await;
    assert_eq!(found.unwrap(), None);
    let round = [9, 8, 9].map(|id| say(200, &merged(id, &json!(17 - id))));
    let start = [
        list(&json!([merged(8, &json!(9))])),
        list(&json!([contact(8, "3055550182")])),
    ];
    let script = start.into_iter().chain(round).collect();
    let (found, _) = take(&caller(job_mode()), StepKey::DEDUP_LOOKUP, script).await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn a_caller_who_cannot_be_searched_for_is_not_searched_for() {
    let mut scene = caller(booking_mode());
    scene.lead = lead_with(|payload| {
        payload["contact"] = json!({ "phone": "+442079460958", "email": "ann@example.com" });
    });
    let (found, asked) = take(&scene, StepKey::DEDUP_LOOKUP, vec![]).await;
    assert_eq!((found.unwrap(), asked.len()), (None, 0));
}

#[tokio::test]
async fn evidence_tells_no_number() {
    let crm = ScriptedCrm::start([list(&json!([]))]).await;
    let scene = caller(booking_mode());
    let session = open(&crm, &scene.settings).await;
    let found = scene
        .take(&ServiceTitan, StepKey::DEDUP_LOOKUP, &session)
        .await;
    assert_eq!(found.unwrap(), None);
    let exchanges = session.take_exchanges();
    assert!(exchanges[0].url.contains("phone=[10 characters]"));
    assert!(!exchanges[0].url.contains("3055550182"));
}

#[tokio::test]
async fn a_list_that_never_ends_proves_nothing() {
    let script = (0..MOST_PAGES).map(|_| pages(&json!([{ "id": 1, "externalId": "x" }]), true));
    let scene = caller(booking_mode());
    let (found, _) = look(&scene, StepKey::LEAD_CREATE, script.collect()).await;
    let error = found.unwrap_err();
    assert_eq!(
        (error.kind(), error.reason()),
        ("not_done", "lookup_incomplete")
    );
}

#[tokio::test]
async fn bookings_are_found_by_the_events_id_and_compared() {
    let id = "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10";
    let script = vec![
        pages(
            &json!([{ "id": 901, "externalId": id }, { "id": 902, "externalId": "x" }]),
            true,
        ),
        list(
            &json!([{ "id": 901, "externalId": id }, { "id": 903, "externalId": id }, { "id": 4 }]),
        ),
    ];
    let scene = caller(booking_mode());
    let (found, asked) = look(&scene, StepKey::LEAD_CREATE, script).await;
    assert_eq!(
        found.unwrap(),
        ["901", "903"],
        "none twice, though a page moved"
    );
    let url =
        format!("/crm/booking-provider/99/bookings?externalId={id}&sort=%2BId&pageSize=50&page=1");
    assert_eq!(asked[0], url);
}

#[tokio::test]
async fn the_location_with_the_callers_address_is_found_however_it_is_written() {
    let lead = || lead_with(|_| {});
    for (street, unit, zip) in [
        ("1420 NW 7th Ave", "", "33136"),
        ("1420  nw 7th ave.", "", "33136-1234"),
        ("1420 NW", "7th Ave", "33136"),
    ] {
        let mut same = location(2, street, zip);
        same["address"]["unit"] = json!(unit);
        let known = json!([
            location(3, "1 Other St", "33136"),
            same,
            location(1, street, "90210")
        ]);
        let (found, asked) = take(&at_site(lead()), SITE_LOOKUP, vec![list(&known)]).await;
        assert_eq!(found.unwrap().as_deref(), Some("2"), "{street}");
        assert_eq!(
            asked,
            ["/crm/locations?customerId=700&sort=-CreatedOn&pageSize=50&page=1"]
        );
    }
    let elsewhere =
        json!([location(1, "14 20 NW 7th Ave", "33136"), { "id": 5, "customerId": 700 }]);
    let (found, _) = take(&at_site(lead()), SITE_LOOKUP, vec![list(&elsewhere)]).await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn a_caller_without_a_street_means_the_only_location_there_is() {
    let lead = || lead_with(|payload| payload["contact"] = json!({ "phone": "+13055550182" }));
    let one = json!([location(1, "1 Main St", "33136")]);
    let (found, _) = take(&at_site(lead()), SITE_LOOKUP, vec![list(&one)]).await;
    assert_eq!(found.unwrap().as_deref(), Some("1"));
    let two = json!([
        location(2, "2 Main St", "33136"),
        location(1, "1 Main St", "33136")
    ]);
    let (found, _) = take(&at_site(lead()), SITE_LOOKUP, vec![list(&two)]).await;
    assert_eq!(found.unwrap(), None, "either may be meant");
    let nowhere = json!([
        location(3, "Not given", "Not given"),
        location(1, "1 Main St", "33136")
    ]);
    let (found, _) = take(&at_site(lead()), SITE_LOOKUP, vec![list(&nowhere)]).await;
    assert_eq!(found.unwrap().as_deref(), Some("3"), "the one that says so");
}

#[tokio::test]
async fn created_locations_are_found_by_address_oldest_first() {
    let known = json!([
        location(3, "1420 NW 7th Ave", "33136"),
        location(2, "1 Other St", "33136"),
        location(1, "1420 NW 7th Ave", "33136"),
    ]);
    let (found, _) = look(&at_site(lead_with(|_| {})), SITE_CREATE, vec![list(&known)]).await;
    assert_eq!(found.unwrap(), ["1", "3"]);
}

#[tokio::test]
async fn created_customers_are_found_by_the_memo_of_a_contact_since_the_step() {
    let marked =
        |owner: u64, memo: &str| json!({ "customerId": owner, "value": "x", "memo": memo });
    let script = vec![
        pages(
            &json!([
                marked(1000, "Ref: lr-7f3k2m9q"),
                marked(5, "Ref: lr-00000000")
            ]),
            true,
        ),
        list(
            &json!([marked(1000, "Ref: lr-7f3k2m9q"), marked(999, "work, ref: LR-7F3K2M9Q"),
            { "customerId": 6, "memo": null }]),
        ),
    ];
    let scene = caller(job_mode());
    let (found, asked) = look(&scene, StepKey::CUSTOMER_CREATE, script).await;
    assert_eq!(found.unwrap(), ["999", "1000"], "oldest first, none twice");
    assert_eq!(
        asked[0],
        "/crm/customers/contacts?modifiedOnOrAfter=2026-06-09T09%3A00%3A00Z&pageSize=500&page=1"
    );
}

#[tokio::test]
async fn created_customers_without_contacts_are_found_by_their_locations_name() {
    let mut scene = caller(job_mode());
    scene.lead = lead_with(|payload| payload["contact"] = json!({ "phone": "+442079460958" }));
    let named = |owner: u64, name: &str| json!({ "id": 1, "customerId": owner, "name": name });
    let known = json!([named(700, "Caller (lr-7f3k2m9q)"), named(701, "Caller")]);
    let (found, asked) = look(&scene, StepKey::CUSTOMER_CREATE, vec![list(&known)]).await;
    assert_eq!(found.unwrap(), ["700"]);
    assert!(asked[0].starts_with("/crm/locations?createdOnOrAfter=2026-06-09T09%3A00%3A00Z"));
}

#[tokio::test]
async fn jobs_are_found_by_the_marker_in_their_summary() {
    let known = json!([
        { "id": 41, "summary": "<p>No heat. Ref: lr-7f3k2m9q</p>" },
        { "id": 42, "summary": "Ref: lr-00000000" },
        { "id": 43, "summary": null },
    ]);
    let scene = scene(lead_with(|_| {}), job_mode());
    let (found, asked) = look(&scene, StepKey::LEAD_CREATE, vec![list(&known)]).await;
    assert_eq!(found.unwrap(), ["41"]);
    assert_eq!(
        asked,
        [
            "/jpm/jobs?customerId=700&createdOnOrAfter=2026-06-09T09%3A00%3A00Z&sort=%2BId\
          &pageSize=50&page=1"
        ]
    );
}

#[tokio::test]
async fn leads_are_found_among_the_customers_by_the_marker_in_their_summary() {
    let known = || {
        json!([
            { "id": 41, "status": "Converted", "summary": "No heat. Ref: LR-7F3K2M9Q" },
            { "id": 42, "status": "Open", "summary": "Ref: lr-00000000" },
            { "id": 43, "status": "Open", "summary": null },
        ])
    };
    let scene = scene(lead_with(|_| {}), lead_mode());
    let script = vec![pages(&known(), true), list(&json!([known()[0]]))];
    let (found, asked) = look(&scene, StepKey::LEAD_CREATE, script).await;
    assert_eq!(found.unwrap(), ["41"], "none twice, though a page moved");
    assert_eq!(
        asked[0],
        "/crm/leads?customerId=700&createdOnOrAfter=2026-06-09T09%3A00%3A00Z&sort=%2BId\
         &pageSize=50&page=1"
    );
}

#[tokio::test]
async fn a_lead_of_a_known_customer_without_a_street_makes_no_location() {
    let lead = lead_with(|payload| payload["contact"] = json!({ "phone": "+13055550182" }));
    let mut scene = at_site(lead);
    scene.settings = lead_mode();
    let (made, asked) = take(&scene, SITE_CREATE, vec![]).await;
    assert_eq!((made.unwrap(), asked.len()), (None, 0));
    scene.lead = lead_with(|_| {});
    let script = vec![say(200, &json!({ "id": 801 }))];
    let (made, _) = take(&scene, SITE_CREATE, script).await;
    assert_eq!(made.unwrap().as_deref(), Some("801"));
}

#[tokio::test]
async fn a_note_is_looked_for_where_it_is_wanted_and_then_where_it_may_have_been() {
    let note = |id: u64, text: &str| json!({ "id": id, "text": text, "isPinned": false });
    let ours = |id: u64| note(id, "Phone call\nRef: lr-7f3k2m9q");
    let of_lead = "/crm/leads/900/notes?pageSize=50&page=1";
    let of_customer = "/crm/customers/700/notes?createdOnOrAfter=2026-06-09T09%3A00%3A00Z\
                       &pageSize=50&page=1";
    let elsewhere = lead_mode().with("note_on", "customer");
    for (settings, first, second) in [
        (lead_mode(), of_lead, of_customer),
        (elsewhere, of_customer, of_lead),
    ] {
        let scene = scene(lead_with(|_| {}), settings);
        let script = vec![list(&json!([ours(12), note(11, "Ref: lr-0"), ours(10)]))];
        let (found, asked) = look(&scene, StepKey::NOTE_ATTACH, script).await;
        assert_eq!(found.unwrap(), ["10", "12"], "oldest first");
        assert_eq!(asked, [first]);
        let script = vec![list(&json!([])), list(&json!([ours(13)]))];
        let (found, asked) = look(&scene, StepKey::NOTE_ATTACH, script).await;
        assert_eq!(found.unwrap(), ["13"]);
        assert_eq!(asked, [first, second]);
    }
    let job = scene(lead_with(|_| {}), job_mode().with("note_on", "customer"));
    let script = vec![list(&json!([])), list(&json!([ours(1)]))];
    let (found, asked) = look(&job, StepKey::NOTE_ATTACH, script).await;
    assert_eq!(found.unwrap(), ["lr-7f3k2m9q"], "a job's has no id");
    assert_eq!(
        asked,
        [of_customer, "/jpm/jobs/900/notes?pageSize=50&page=1"]
    );
}

#[tokio::test]
async fn external_data_is_asked_first_and_what_was_made_without_is_still_found() {
    let settings = job_mode().with("application_guid", GUID);
    let marked = list(&json!([{ "id": 5 }, { "id": 6 }]));
    let job = scene(lead_with(|_| {}), settings.clone());
    let (found, asked) = look(&job, StepKey::LEAD_CREATE, vec![marked]).await;
    assert_eq!(found.unwrap(), ["5", "6"]);
    let filter = format!(
        "externalDataApplicationGuid={GUID}&externalDataKey=leadrail_ref\
         &externalDataValues=lr-7f3k2m9q"
    );
    assert!(
        asked[0].starts_with(&format!("/jpm/jobs?{filter}&")),
        "{asked:?}"
    );

    let script = vec![
        list(&json!([])),
        list(&json!([{ "id": 7, "summary": "lr-7f3k2m9q" }])),
    ];
    let (found, _) = look(&job, StepKey::LEAD_CREATE, script).await;
    assert_eq!(found.unwrap(), ["7"]);

    let (found, asked) = look(
        &caller(settings),
        StepKey::CUSTOMER_CREATE,
        vec![list(&json!([{ "id": 5 }]))],
    )
    .await;
    assert_eq!(found.unwrap(), ["5"]);
    assert!(
        asked[0].starts_with(&format!("/crm/customers?active=Any&{filter}&")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn notes_are_found_by_their_text_and_counted_once() {
    let note = |text: &str, at: &str| json!({ "text": text, "isPinned": false, "createdOn": at });
    let ours = note("Phone call\nRef: lr-7f3k2m9q", "2026-05-26T14:33:00Z");
    let script = vec![
        pages(&json!([ours, note("Ref: lr-00000000", "x")]), true),
        list(&json!([ours])),
    ];
    let scene = scene(lead_with(|_| {}), job_mode());
    let (found, asked) = look(&scene, StepKey::NOTE_ATTACH, script).await;
    assert_eq!(found.unwrap(), ["lr-7f3k2m9q"]);
    assert_eq!(asked[0], "/jpm/jobs/900/notes?pageSize=50&page=1");
    let again = note("Phone call\nRef: lr-7f3k2m9q", "2026-05-26T14:40:00Z");
    let (found, _) = look(
        &scene,
        StepKey::NOTE_ATTACH,
        vec![list(&json!([ours, again]))],
    )
    .await;
    assert_eq!(found.unwrap().len(), 2, "the same note twice is two");
}

#[tokio::test]
async fn a_look_up_that_fails_is_an_error_and_not_an_empty_list() {
    let noted_on_customer = lead_mode().with("note_on", "customer");
    for settings in [booking_mode(), job_mode(), lead_mode(), noted_on_customer] {
        let scene = scene(lead_with(|_| {}), settings);
        for status in [404, 429, 500, 503] {
            for step in ServiceTitan.plan(&scene.settings).steps {
                let crm = ScriptedCrm::start([say(status, &json!({}))]).await;
                let session = open(&crm, &scene.settings).await;
                let failed = match step.class() {
                    None => step.run(&session, &scene.filing()).await.is_err(),
                    Some(_) => step.look(&session, &scene.filing()).await.is_err(),
                };
                assert!(failed, "{step:?} {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_new_customer_brings_its_location_and_a_job_its_page() {
    let created = json!({ "id": 700, "locations": [{ "id": 800, "name": "x" }], "contacts": [] });
    let crm = ScriptedCrm::start([say(200, &created), say(200, &json!({ "id": 900 }))]).await;
    let mut scene = caller(job_mode());
    let session = open(&crm, &scene.settings).await;
    let customer = scene
        .take(&ServiceTitan, StepKey::CUSTOMER_CREATE, &session)
        .await;
    scene.made.set(Slot::Customer, customer.unwrap());
    assert_eq!(scene.made.site, Some(Record::new("800")));
    let job = scene
        .take(&ServiceTitan, StepKey::LEAD_CREATE, &session)
        .await;
    let page = job.unwrap().unwrap().url.unwrap();
    assert_eq!(page, "https://go.servicetitan.com/#/Job/Index/900");
}
