//! Who is found in Workiz's lists, what is found again, and what is not.

use serde_json::{Value, json};

use super::Workiz;
use crate::scripted_crm::{Scene, Script, ScriptedCrm, Seen, lead_with, say};
use crate::{AdapterResult, Record, Settings, StepKey};

fn scene() -> Scene {
    scene_of(|_| {})
}

fn scene_of(change: impl FnOnce(&mut Value)) -> Scene {
    let mut scene = Scene::of(lead_with(change));
    scene.settings = Settings::default().with("time_zone", "America/New_York");
    scene
}

async fn find(scene: &Scene, crm: &ScriptedCrm) -> AdapterResult<Option<Record>> {
    let session = crm.session_of(&Workiz);
    scene.take(&Workiz, StepKey::DEDUP_LOOKUP, &session).await
}

async fn look(scene: &Scene, crm: &ScriptedCrm) -> AdapterResult<Vec<String>> {
    let session = crm.session_of(&Workiz);
    scene.look(&Workiz, StepKey::LEAD_CREATE, &session).await
}

/// A page as Workiz has it.
fn page(rows: &[Value], has_more: bool) -> Script {
    let found = rows.len();
    say(
        200,
        &json!({ "flag": true, "data": rows, "has_more": has_more, "found": found, "code": 200 }),
    )
}

fn stranger(uuid: &str) -> Value {
    json!({ "UUID": uuid, "ClientId": "7", "Phone": "3055550199", "Email": "x@example.com",
            "LeadNotes": "", "Comments": "" })
}

fn strangers(prefix: &str, count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| stranger(&format!("{prefix}{n}")))
        .collect()
}

fn ours(uuid: &str, created: &str) -> Value {
    json!({ "UUID": uuid, "CreatedDate": created, "LeadNotes": "No heat\nRef: lr-7f3k2m9q" })
}

fn offsets(seen: &[Seen]) -> Vec<&str> {
    let offset = |seen: &'_ Seen| {
        let (_, rest) = seen.target.split_once("offset=").unwrap();
        let end = rest.find('&').unwrap();
        seen.target.len() - rest.len()..seen.target.len() - rest.len() + end
    };
    seen.iter().map(|seen| &seen.target[offset(seen)]).collect()
}

#[tokio::test]
async fn a_caller_is_known_by_the_same_number_however_it_is_written() {
    let known = [
        json!("3055550182"),
        json!("(305) 555-0182"),
        json!("+1 305 555 0182"),
        json!(3_055_550_182_u64),
    ];
    for phone in known {
        for field in ["Phone", "SecondPhone"] {
            let mut row = stranger("A1");
            row["ClientId"] = json!(1002);
            row[field] = phone.clone();
            let crm = ScriptedCrm::start([page(&[stranger("B2"), row], false)]).await;
            let found = find(&scene(), &crm).await.unwrap();
            assert_eq!(found, Some(Record::new("1002")), "{phone} in {field}");
        }
    }
}

#[tokio::test]
async fn a_stranger_is_nobody_and_a_lead_without_a_client_names_none() {
    for row in [
        json!({ "UUID": "A", "ClientId": "7", "Phone": "2125550182" }),
        json!({ "UUID": "A", "ClientId": "7", "Phone": "5550182" }),
        json!({ "UUID": "A", "ClientId": "7", "Phone": "" }),
        json!({ "UUID": "A", "ClientId": "7", "Phone": null, "Email": "maria@example.com" }),
        json!({ "UUID": "A", "ClientId": "", "Phone": "3055550182" }),
        json!({ "UUID": "A", "ClientId": 0, "Phone": "3055550182" }),
        json!({ "UUID": "A", "Phone": "3055550182" }),
    ] {
        let crm = ScriptedCrm::start([page(std::slice::from_ref(&row), false)]).await;
        assert_eq!(find(&scene(), &crm).await.unwrap(), None, "{row}");
    }
}

#[tokio::test]
async fn of_several_the_newest_is_taken_and_nobody_reads_on() {
    let of = |uuid: &str, client: &str| json!({ "UUID": uuid, "ClientId": client, "Phone": "3055550182" });
    let rows = [stranger("B"), of("N", "2002"), of("O", "1001")];
    let crm = ScriptedCrm::start([page(&rows, true)]).await;
    let found = find(&scene(), &crm).await.unwrap();
    assert_eq!(found, Some(Record::new("2002")));
    let asked = crm.seen();
    let asked = asked[0].target.split_once("/lead/").unwrap().1.to_owned();
    assert_eq!(
        asked,
        "all/?start_date=2026-05-11&only_open=false&offset=0&records=100"
    );
}

#[tokio::test]
async fn whoever_has_no_american_number_is_known_by_the_e_mail() {
    let scene = scene_of(|payload| payload["contact"]["phone"] = json!("+442079460958"));
    let row = json!({ "UUID": "A", "ClientId": "7", "Phone": "", "Email": " Maria@Example.com" });
    let crm = ScriptedCrm::start([page(&[row], false)]).await;
    assert_eq!(find(&scene, &crm).await.unwrap(), Some(Record::new("7")));

    let nobody = scene_of(|payload| payload["contact"] = json!({ "phone": "+442079460958" }));
    let crm = ScriptedCrm::start([]).await;
    assert_eq!(find(&nobody, &crm).await.unwrap(), None);
    assert!(crm.seen().is_empty());
}

#[tokio::test]
async fn in_a_busy_account_nobody_is_found_and_the_lead_goes_on() {
    let pages = ["A", "B", "C"].map(|page_of| page(&strangers(page_of, 100), true));
    let crm = ScriptedCrm::start(pages).await;
    assert_eq!(find(&scene(), &crm).await.unwrap(), None);
    assert!(crm.is_over());
}

#[tokio::test]
async fn an_offset_may_count_pages() {
    let first = strangers("A", 100);
    let mut second = strangers("B", 99);
    second.push(ours("OURS", "2026-06-10 05:00:00"));
    let last = strangers("C", 3);
    let crm =
        ScriptedCrm::start([page(&first, true), page(&second, true), page(&last, false)]).await;
    assert_eq!(look(&scene(), &crm).await.unwrap(), ["OURS"]);
    assert_eq!(offsets(&crm.seen()), ["0", "1", "2"]);
}

#[tokio::test]
async fn an_offset_may_count_rows() {
    let all: Vec<Value> = strangers("A", 250)
        .into_iter()
        .chain([ours("OURS", "2026-06-10 05:00:00")])
        .collect();
    let part = |from: usize, more: bool| {
        let rows = all[from..].iter().take(100).cloned();
        page(&rows.collect::<Vec<_>>(), more)
    };
    let script = [
        part(0, true),
        part(1, true),
        part(100, true),
        part(200, false),
    ];
    let crm = ScriptedCrm::start(script).await;
    assert_eq!(look(&scene(), &crm).await.unwrap(), ["OURS"]);
    assert_eq!(offsets(&crm.seen()), ["0", "1", "100", "200"]);
}

#[tokio::test]
async fn a_page_that_is_too_long_is_read_in_parts_whatever_an_offset_counts() {
    let huge = || Script::SayWith(200, Vec::new(), " ".repeat(3 * 1024 * 1024));
    let rows = strangers("A", 51);
    let script = [
        huge(),
        page(&rows[..50], true),
        page(&rows[1..], true),
        page(&rows[50..], false),
        page(&[], false),
    ];
    let crm = ScriptedCrm::start(script).await;
    assert!(look(&scene(), &crm).await.unwrap().is_empty());
    assert_eq!(offsets(&crm.seen()), ["0", "0", "1", "50", "0"]);
}

#[tokio::test]
async fn what_was_made_is_found_once_each_the_oldest_first_from_days_before_the_step() {
    let rows = [
        ours("NEW", "2026-06-10 05:03:00"),
        stranger("B"),
        ours("OLD", "2026-06-10 05:00:00"),
        ours("NEW", "2026-06-10 05:03:00"),
    ];
    let crm = ScriptedCrm::start([page(&rows, false)]).await;
    assert_eq!(look(&scene(), &crm).await.unwrap(), ["OLD", "NEW"]);
    let asked = &crm.seen()[0].target;
    assert!(
        asked.contains("/lead/all/?start_date=2026-06-06&only_open=false&"),
        "{asked}"
    );
}

#[tokio::test]
async fn of_one_second_the_lower_number_is_older() {
    let with = |uuid: &str, serial: Value| {
        let mut row = ours(uuid, "2026-06-10 05:00:00");
        row["SerialId"] = serial;
        row
    };
    let rows = [with("NEW", json!("10")), with("OLD", json!(9))];
    let crm = ScriptedCrm::start([page(&rows, false)]).await;
    assert_eq!(look(&scene(), &crm).await.unwrap(), ["OLD", "NEW"]);
}

#[tokio::test]
async fn the_marker_is_found_in_notes_and_comments_of_any_shape() {
    for (field, value) in [
        ("LeadNotes", json!("x Ref: lr-7f3k2m9q (called back)")),
        ("Comments", json!("Ref: lr-7f3k2m9q")),
        ("Comments", json!([{ "Comment": "Ref: lr-7f3k2m9q" }])),
        ("Comments", json!(["Ref: lr-7f3k2m9q"])),
    ] {
        let crm = ScriptedCrm::start([say(200, &json!([{ "UUID": "A", field: value }]))]).await;
        assert_eq!(
            look(&scene(), &crm).await.unwrap(),
            ["A"],
            "{field} {value}"
        );
    }
    let nameless = json!([{ "LeadNotes": "Ref: lr-7f3k2m9q" }]);
    let crm = ScriptedCrm::start([say(200, &nameless)]).await;
    assert_eq!(look(&scene(), &crm).await.unwrap(), ["lr-7f3k2m9q"]);
}

#[tokio::test]
async fn a_lead_that_became_a_job_is_found_among_the_jobs() {
    let job = json!([{ "flag": true, "data": { "UUID": "JOB", "ClientId": 7,
                       "JobNotes": "Ref: lr-7f3k2m9q" } }]);
    let crm = ScriptedCrm::start([page(&[], false), say(200, &job)]).await;
    assert_eq!(look(&scene(), &crm).await.unwrap(), ["JOB"]);
    assert!(
        crm.seen()[1]
            .target
            .contains("/job/all/?start_date=2026-06-06&")
    );
}

#[tokio::test]
async fn every_way_of_saying_that_there_is_nothing_is_an_empty_list() {
    let nothing = [
        say(200, &json!([])),
        say(200, &json!({ "flag": true, "data": [] })),
        say(
            200,
            &json!({ "flag": false, "code": 404, "msg": "No leads" }),
        ),
        say(
            404,
            &json!({ "error": true, "code": 404, "msg": "No leads" }),
        ),
        Script::Say(204, String::new()),
    ];
    for leads in nothing {
        let crm = ScriptedCrm::start([leads, say(200, &json!([]))]).await;
        assert!(look(&scene(), &crm).await.unwrap().is_empty());
        assert!(crm.is_over(), "the jobs were asked for too");
    }
}

#[tokio::test]
async fn every_failure_of_a_look_is_an_error_and_never_nothing() {
    let rows = [
        (say(200, &json!({ "flag": true })), "not_done invalid_json"),
        (
            say(200, &json!({ "flag": true, "data": null })),
            "not_done invalid_json",
        ),
        (
            say(200, &json!({ "padding": "x" })),
            "not_done invalid_json",
        ),
        (say(200, &json!("no")), "not_done invalid_json"),
        (
            say(200, &json!({ "flag": false, "msg": "busy" })),
            "not_done flag_false",
        ),
        (
            say(200, &json!({ "error": true, "code": 500 })),
            "not_done http_500",
        ),
        (
            say(200, &json!({ "error": true, "code": 429 })),
            "throttled http_429",
        ),
        (Script::Say(404, "<html>".into()), "setup http_404"),
        (
            say(401, &json!({ "error": true, "code": 401 })),
            "auth http_401",
        ),
        (say(429, &json!({})), "throttled http_429"),
        (say(500, &json!({})), "not_done http_500"),
        (Script::BreakOff(200), "not_done connection_lost"),
        (Script::Hang, "not_done timeout"),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        let crm = ScriptedCrm::start([script]).await;
        let error = look(&scene(), &crm).await.unwrap_err();
        assert_eq!(
            format!("{} {}", error.kind(), error.reason()),
            expected,
            "row {number}"
        );
    }
}

#[tokio::test]
async fn a_list_that_never_ends_proves_nothing() {
    let pages = (0..40).map(|n| page(&strangers(&format!("{n}-"), 100), true));
    let crm = ScriptedCrm::start(pages).await;
    let error = look(&scene(), &crm).await.unwrap_err();
    assert!(error.is_incomplete_lookup(), "{error}");
    assert!(crm.is_over());
}

#[tokio::test]
async fn a_list_that_only_repeats_itself_ends() {
    let rows = strangers("A", 100);
    let again = || page(&rows, true);
    let crm = ScriptedCrm::start([again(), again(), again(), page(&[], false)]).await;
    assert!(look(&scene(), &crm).await.unwrap().is_empty());
    assert!(crm.is_over());
}

#[tokio::test]
async fn without_a_time_zone_nothing_is_asked() {
    let mut scene = scene();
    scene.settings = Settings::default();
    let crm = ScriptedCrm::start([]).await;
    for error in [
        find(&scene, &crm).await.unwrap_err(),
        look(&scene, &crm).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.reason()), ("setup", "setting_missing"));
    }
    assert!(crm.seen().is_empty());
}
