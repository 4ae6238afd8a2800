//! What ServiceTitan's own answers lead to, against a scripted server.

use leadrail_lead::Marker;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::mapping_tests::{booking_mode, job_mode, lead_mode, scene};
use super::refusal::refusal;
use super::wire::{
    Booking, Contact, CreatedCustomer, Customer, Entry, JobNote, Location, Note, Page, Summarized,
};
use super::{SERVICETITAN, ServiceTitan};
use crate::scripted_crm::{KEY, Scene, Script, ScriptedCrm, lead_with, say, session_with, target};
use crate::{
    AdapterError, AdapterResult, Answer, CrmAdapter, Effect, Failure, Links, RECORD_GONE, Record,
    Session, Settings, Slot, StepKey, Verb, preview,
};

const SITE_CREATE: StepKey = StepKey::new(Verb::Make, Slot::Site);

fn problem(title: &str, errors: &Value) -> Value {
    json!({
        "type": "https://x", "title": title, "status": 400, "traceId": "t", "errors": errors,
        "data": {},
    })
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

async fn outcome(settings: Settings, key: StepKey, script: Script) -> String {
    let crm = ScriptedCrm::start([script]).await;
    let session = session_with(&ServiceTitan, &crm.url, settings.clone());
    let scene = scene(lead_with(|_| {}), settings);
    told(&scene.take(&ServiceTitan, key, &session).await, &session)
}

#[tokio::test]
async fn every_answer_to_a_new_record_leads_to_one_decision() {
    let record = json!({ "id": 900, "status": "New", "locations": [], "text": "x" });
    let rows = [
        (say(200, &record), "done"),
        (say(201, &record), "done"),
        (say(200, &json!([])), "ambiguous invalid_json"),
        (say(400, &problem("bad", &json!({}))), "rejected http_400"),
        (
            say(401, &problem("Unauthorized", &json!({}))),
            "auth http_401",
        ),
        (say(403, &problem("no", &json!({}))), "forbidden http_403"),
        (say(408, &json!({})), "ambiguous http_408"),
        (say(429, &problem("slow", &json!({}))), "throttled http_429"),
        (say(500, &json!({})), "ambiguous http_500"),
        (say(504, &json!({})), "ambiguous http_504"),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        let again = |script: &Script| match script {
            Script::Say(status, body) => Script::Say(*status, body.clone()),
            _ => unreachable!(),
        };
        for (settings, key) in [
            (booking_mode(), StepKey::LEAD_CREATE),
            (job_mode(), StepKey::CUSTOMER_CREATE),
            (job_mode(), SITE_CREATE),
            (job_mode(), StepKey::LEAD_CREATE),
            (job_mode(), StepKey::NOTE_ATTACH),
            (lead_mode(), StepKey::CUSTOMER_CREATE),
            (lead_mode(), SITE_CREATE),
            (lead_mode(), StepKey::LEAD_CREATE),
            (lead_mode(), StepKey::NOTE_ATTACH),
        ] {
            let told = outcome(settings, key, again(&script)).await;
            assert_eq!(told, expected, "row {number} of {key}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_a_usable_id_proves_nothing() {
    for body in [
        json!({}),
        json!({ "id": 0 }),
        json!({ "id": "900" }),
        json!({ "id": -1 }),
    ] {
        for (settings, key) in [
            (booking_mode(), StepKey::LEAD_CREATE),
            (lead_mode(), StepKey::LEAD_CREATE),
            (lead_mode(), StepKey::NOTE_ATTACH),
        ] {
            let told = outcome(settings, key, say(200, &body)).await;
            assert_eq!(told, "ambiguous invalid_json", "{body}");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_means_the_connection_the_customer_or_the_job() {
    let not_found = || say(404, &problem("not found", &json!({})));
    let conflict = || say(409, &problem("conflict", &json!({})));
    let rows = [
        (
            booking_mode(),
            StepKey::LEAD_CREATE,
            not_found(),
            "setup http_404",
        ),
        (
            booking_mode(),
            StepKey::DEDUP_LOOKUP,
            not_found(),
            "setup http_404",
        ),
        (
            job_mode(),
            StepKey::LEAD_CREATE,
            not_found(),
            "setup http_404",
        ),
        (
            job_mode(),
            StepKey::NOTE_ATTACH,
            not_found(),
            "rejected record_gone",
        ),
        (
            lead_mode(),
            StepKey::LEAD_CREATE,
            not_found(),
            "setup http_404",
        ),
        (
            lead_mode(),
            StepKey::NOTE_ATTACH,
            not_found(),
            "rejected record_gone",
        ),
        (
            lead_mode().with("note_on", "customer"),
            StepKey::NOTE_ATTACH,
            not_found(),
            "rejected record_gone",
        ),
        (
            lead_mode(),
            StepKey::LEAD_CREATE,
            say(400, &problem("bad", &json!({ "customerId": ["gone"] }))),
            "rejected record_gone",
        ),
        (
            lead_mode(),
            StepKey::LEAD_CREATE,
            conflict(),
            "ambiguous http_409",
        ),
        (job_mode(), SITE_CREATE, conflict(), "rejected record_gone"),
        (
            booking_mode(),
            StepKey::LEAD_CREATE,
            conflict(),
            "ambiguous http_409",
        ),
        (
            job_mode(),
            StepKey::LEAD_CREATE,
            conflict(),
            "ambiguous http_409",
        ),
    ];
    for (number, (settings, key, script, expected)) in rows.into_iter().enumerate() {
        assert_eq!(
            outcome(settings, key, script).await,
            expected,
            "row {number}"
        );
    }
}

#[tokio::test]
async fn a_list_that_is_no_list_proves_nothing() {
    for body in [
        json!({ "hasMore": false, "data": null }),
        json!({ "data": [] }),
        json!([]),
    ] {
        let told = outcome(booking_mode(), StepKey::DEDUP_LOOKUP, say(200, &body)).await;
        assert_eq!(told, "not_done invalid_json", "{body}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_fields_but_not_their_values() {
    let errors = json!({
        "Locations[0].Address.Zip": ["33136 of maria@example.com is wrong"],
        "Contacts[0].Value": ["+13055550182"],
        "$.campaignId": ["?"],
        "maria@example.com": ["?"],
        "Name.maria": ["?"],
    });
    let crm = ScriptedCrm::start([say(400, &problem("maria@example.com", &errors))]).await;
    let scene = scene(lead_with(|_| {}), job_mode());
    let session = session_with(&ServiceTitan, &crm.url, job_mode());
    let refused = scene
        .take(&ServiceTitan, StepKey::CUSTOMER_CREATE, &session)
        .await;
    let error = refused.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ServiceTitan rejected the request (HTTP 400); it names campaignId, contacts.value, \
         locations.address.zip"
    );
    assert!(!format!("{error:?}").contains("maria"));
}

#[tokio::test]
async fn a_missing_application_key_is_told_from_a_wrong_token() {
    for (title, expected) in [
        ("The ST-App-Key header is missing.", "application key"),
        ("Unauthorized", "no longer accepts our credentials"),
    ] {
        let crm = ScriptedCrm::start([say(401, &problem(title, &json!({})))]).await;
        let session = session_with(&ServiceTitan, &crm.url, booking_mode());
        let error = ServiceTitan.check(&session).await.err().unwrap();
        assert_eq!((error.kind(), error.reason()), ("auth", "http_401"));
        assert!(error.detail().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn the_check_proves_token_application_and_tenant_by_one_call() {
    let units = json!({ "hasMore": true, "data": [{ "id": 22, "name": "Acme\u{0} HVAC" }] });
    let none = json!({ "hasMore": false, "data": [] });
    let crm = ScriptedCrm::start([say(200, &units), say(200, &none)]).await;
    let session = session_with(&ServiceTitan, &crm.url, booking_mode());
    let account = ServiceTitan.check(&session).await.unwrap();
    assert_eq!(account.id.as_deref(), Some("4829"));
    assert_eq!(account.name, "Acme HVAC (tenant 4829)");
    assert_eq!(
        ServiceTitan.check(&session).await.unwrap().name,
        "tenant 4829"
    );
    let seen = &crm.seen()[0];
    assert_eq!(
        seen.target,
        "/settings/v2/tenant/4829/business-units?pageSize=1"
    );
    assert_eq!(seen.headers["st-app-key"], KEY);
    assert_eq!(seen.headers["authorization"], format!("Bearer {KEY}"));
}

#[tokio::test]
async fn the_check_refuses_a_job_type_that_the_business_unit_does_not_do() {
    let units = json!({ "hasMore": false, "data": [{ "id": 22, "name": "HVAC" }] });
    let types = |data: Value| say(200, &json!({ "hasMore": false, "data": data }));
    let foreign = "does not belong to its business unit";
    let gone = "has no active job type with the id";
    let rows = [
        (
            types(json!([{ "id": 33, "businessUnitIds": [22, 23] }])),
            None,
        ),
        (types(json!([{ "id": 33, "businessUnitIds": [] }])), None),
        (
            types(json!([{ "id": 33, "businessUnitIds": [23] }])),
            Some(foreign),
        ),
        (types(json!([])), Some(gone)),
        (
            types(json!([{ "id": 34, "businessUnitIds": [22] }])),
            Some(gone),
        ),
        (types(json!([{ "id": 33, "active": false }])), Some(gone)),
        // Whoever may not read job types may still make jobs.
        (say(403, &problem("no", &json!({}))), None),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        let crm = ScriptedCrm::start([say(200, &units), script]).await;
        let session = session_with(&ServiceTitan, &crm.url, job_mode());
        let checked = ServiceTitan.check(&session).await;
        assert_eq!(
            crm.seen()[1].target,
            "/jpm/v2/tenant/4829/job-types?ids=33&pageSize=50&page=1"
        );
        match (expected, checked) {
            (None, checked) => assert!(checked.is_ok(), "row {number}"),
            (Some(words), Err(error)) => {
                assert_eq!((error.kind(), error.reason()), ("setup", "setting_invalid"));
                assert!(error.detail().contains(words), "row {number}: {error}");
            }
            (Some(_), Ok(_)) => panic!("row {number} was not refused"),
        }
    }
    let crm = ScriptedCrm::start([say(200, &units), say(503, &json!({}))]).await;
    let session = session_with(&ServiceTitan, &crm.url, job_mode());
    assert!(
        ServiceTitan.check(&session).await.is_err(),
        "nothing is proven"
    );
}

async fn options(settings: Settings, setting: &str, script: Vec<Value>) -> (Value, Vec<String>) {
    let crm = ScriptedCrm::start(script.iter().map(|body| say(200, body))).await;
    let session = session_with(&ServiceTitan, &crm.url, settings);
    let found = ServiceTitan.options(&session, setting).await.unwrap();
    assert!(crm.is_over());
    let asked = crm.seen().into_iter().map(|seen| seen.target).collect();
    (serde_json::to_value(found).unwrap(), asked)
}

#[tokio::test]
async fn a_setting_that_names_a_thing_of_the_account_lists_what_there_is() {
    for (setting, path) in [
        ("business_unit", "/settings/v2/tenant/4829/business-units"),
        ("job_type", "/jpm/v2/tenant/4829/job-types"),
        ("campaign", "/marketing/v2/tenant/4829/campaigns"),
        ("call_reason", "/jbce/v2/tenant/4829/call-reasons"),
        (
            "booking_provider",
            "/crm/v2/tenant/4829/booking-provider-tags",
        ),
    ] {
        let name = if setting == "booking_provider" {
            "tagName"
        } else {
            "name"
        };
        let script = vec![
            json!({ "hasMore": true, "data": [{ "id": 1, name: "One" }] }),
            json!({ "hasMore": false, "data": [
                { "id": 2, name: "Two", "active": true }, { "id": 3, name: "Old", "active": false },
                { "id": 4, name: null },
            ] }),
        ];
        let (found, asked) = options(booking_mode(), setting, script).await;
        assert_eq!(
            found,
            json!([{ "id": "1", "title": "One" }, { "id": "2", "title": "Two" },
                   { "id": "4", "title": "4" }])
        );
        assert_eq!(asked[0], format!("{path}?pageSize=50&page=1"));
    }
    for setting in ["mode", "tenant_id", "source", "no_such"] {
        assert_eq!(options(booking_mode(), setting, vec![]).await.0, json!([]));
    }
}

#[tokio::test]
async fn every_setting_that_promises_a_list_has_one() {
    for info in SERVICETITAN.settings {
        let list = super::requests::entries(&booking_mode(), info.name);
        let promised = matches!(info.kind, crate::SettingKind::Number { options: true });
        assert_eq!(list.is_some(), promised, "{}", info.name);
    }
}

#[tokio::test]
async fn job_types_are_those_of_the_chosen_business_unit() {
    let types = json!({ "hasMore": false, "data": [
        { "id": 33, "name": "AC", "businessUnitIds": [22] },
        { "id": 34, "name": "Drain", "businessUnitIds": [23] },
        { "id": 35, "name": "Any", "businessUnitIds": [] },
    ] });
    let (found, _) = options(job_mode(), "job_type", vec![types]).await;
    assert_eq!(
        found,
        json!([{ "id": "33", "title": "AC" }, { "id": "35", "title": "Any" }])
    );
}

#[tokio::test]
async fn call_reasons_are_those_that_a_lead_may_have() {
    let reasons = json!({ "hasMore": false, "data": [
        { "id": 51, "name": "Price", "isLead": true },
        { "id": 52, "name": "Wrong number", "isLead": false },
    ] });
    let (found, _) = options(lead_mode(), "call_reason", vec![reasons]).await;
    assert_eq!(found, json!([{ "id": "51", "title": "Price" }]));
}

#[tokio::test]
async fn a_connection_that_lacks_a_setting_waits_and_sends_nothing() {
    let rows = [
        (Settings::default(), "tenant_id"),
        (Settings::default().with("tenant_id", "x/../1"), "tenant_id"),
        (
            Settings::default().with("tenant_id", "4829"),
            "booking_provider",
        ),
        (job_mode().with("campaign", Value::Null), "campaign"),
        (job_mode().with("business_unit", "0"), "business_unit"),
        (lead_mode().with("campaign", Value::Null), "campaign"),
        (lead_mode().with("call_reason", Value::Null), "call_reason"),
        (
            job_mode().with("application_guid", "no-guid"),
            "application_guid",
        ),
    ];
    let crm = ScriptedCrm::start([]).await;
    for (settings, lacking) in rows {
        let session = session_with(&ServiceTitan, &crm.url, settings.clone());
        let scene = scene(lead_with(|_| {}), settings);
        for step in ServiceTitan.plan(&scene.settings).steps {
            let ran = step.run(&session, &scene.filing()).await;
            let error = ran.unwrap_err();
            assert_eq!(error.kind(), "setup", "{step:?}");
            assert!(error.detail().contains(lacking), "{error}");
            if step.class().is_some() {
                let looked = step.look(&session, &scene.filing()).await;
                assert_eq!(looked.unwrap_err().kind(), "setup");
            }
        }
    }
    let session = session_with(&ServiceTitan, &crm.url, Settings::default());
    assert_eq!(
        ServiceTitan.check(&session).await.err().unwrap().kind(),
        "setup"
    );
    assert!(ServiceTitan.options(&session, "campaign").await.is_err());
    assert!(crm.seen().is_empty());
}

#[test]
fn each_mode_requires_its_own_settings() {
    let check = |given: Value| {
        let given = given.as_object().unwrap().clone();
        Settings::check(&SERVICETITAN, &given).map_err(|faults| faults.0)
    };
    let booking = json!({ "tenant_id": 4829, "booking_provider": "99" });
    assert_eq!(check(booking).unwrap(), booking_mode());
    let job = json!({ "tenant_id": 4829, "mode": "job", "business_unit": 22, "job_type": 33,
                      "campaign": 11 });
    assert_eq!(check(job).unwrap(), job_mode());
    let lead = json!({ "tenant_id": 4829, "mode": "lead", "campaign": 11, "call_reason": 51 });
    assert_eq!(check(lead).unwrap(), lead_mode());
    assert_eq!(
        check(json!({ "tenant_id": 4829, "mode": "lead" })).unwrap_err(),
        [
            "campaign is required unless mode is booking",
            "call_reason is required when mode is lead"
        ]
    );
    assert_eq!(
        check(json!({})).unwrap_err(),
        [
            "tenant_id is required",
            "booking_provider is required when mode is booking"
        ]
    );
    let faults = check(json!({ "tenant_id": "4829x", "mode": "job" })).unwrap_err();
    assert_eq!(faults.len(), 4, "{faults:?}");
}

#[tokio::test]
async fn a_step_without_what_it_builds_on_is_never_sent() {
    let crm = ScriptedCrm::start([]).await;
    for settings in [job_mode(), lead_mode()] {
        let session = session_with(&ServiceTitan, &crm.url, settings.clone());
        let mut scene = Scene::new();
        scene.settings = settings;
        for key in [
            StepKey::new(Verb::Find, Slot::Site),
            SITE_CREATE,
            StepKey::LEAD_CREATE,
            StepKey::NOTE_ATTACH,
        ] {
            let taken = scene.take(&ServiceTitan, key, &session).await;
            assert_eq!(taken.unwrap_err().reason(), "step_out_of_order", "{key}");
        }
    }
    assert!(crm.seen().is_empty());
}

/// Takes all steps of a plan, as a workflow does, and shows that the preview said the same.
async fn a_preview_is_what_is_sent(settings: Settings, script: Vec<Script>, words: &[(&str, u64)]) {
    let crm = ScriptedCrm::start(script).await;
    let url = format!("{}/st/", crm.url);
    let session = session_with(&ServiceTitan, &url, settings.clone());
    let mut scene = Scene::new();
    scene.settings = settings.clone();
    for key in ServiceTitan.plan(&settings).keys() {
        if scene.made.get(key.slot).is_none() {
            scene.marker = Marker::new(scene.lead.event_id, key.label());
            let record = scene.take(&ServiceTitan, key, &session).await.unwrap();
            scene.made.set(key.slot, record);
        }
    }
    assert!(crm.is_over());

    let target = target(&ServiceTitan, &url).with_settings(settings);
    let preview = preview(&ServiceTitan, &target, &scene.lead, Links::WORDS, None);
    let seen = crm.seen();
    assert_eq!(preview.len(), seen.len());
    for (planned, seen) in preview.into_iter().zip(seen) {
        let mut planned = serde_json::to_string(&planned).unwrap();
        for (slot, id) in words {
            let words = format!("(id of the {slot} created before)");
            planned = planned.replace(&format!("\"{words}\""), &id.to_string());
            planned = planned.replace(&words.replace(' ', "%20"), &id.to_string());
        }
        let planned: Value = serde_json::from_str(&planned).unwrap();
        assert_eq!(planned["method"], seen.method.as_str());
        assert_eq!(planned["url"], format!("{}{}", crm.url, seen.target));
        assert_eq!(planned["body"], seen.body.unwrap_or_default());
        let mut headers = seen.headers;
        headers.remove("host");
        headers.remove("content-length");
        headers.insert("authorization".into(), "Bearer ********".into());
        assert_eq!(
            headers
                .insert("st-app-key".into(), "********".into())
                .unwrap(),
            KEY
        );
        assert_eq!(planned["headers"], json!(headers));
    }
}

#[tokio::test]
async fn a_preview_is_what_is_really_sent_in_every_mode() {
    let nobody = || say(200, &json!({ "hasMore": false, "data": [] }));
    let booked = vec![nobody(), say(200, &json!({ "id": 900 }))];
    a_preview_is_what_is_sent(booking_mode(), booked, &[]).await;
    let words = [("customer", 700), ("site", 800), ("lead", 900)];
    for settings in [job_mode(), lead_mode()] {
        for note_on in ["lead", "customer"] {
            let made = vec![
                nobody(),
                say(200, &json!({ "id": 700, "locations": [{ "id": 800 }] })),
                say(200, &json!({ "id": 900 })),
                say(200, &json!({ "id": 950, "text": "x" })),
            ];
            let settings = settings.clone().with("note_on", note_on);
            a_preview_is_what_is_sent(settings, made, &words).await;
        }
    }
}

#[tokio::test]
async fn a_note_is_known_by_its_id_and_a_jobs_by_its_marker() {
    let crm = ScriptedCrm::start([say(200, &json!({ "text": "x", "isPinned": false }))]).await;
    let session = session_with(&ServiceTitan, &crm.url, job_mode());
    let scene = scene(lead_with(|_| {}), job_mode());
    let noted = scene
        .take(&ServiceTitan, StepKey::NOTE_ATTACH, &session)
        .await;
    assert_eq!(noted.unwrap(), Some(Record::new("lr-7f3k2m9q")));
    assert_eq!(crm.seen()[0].target, "/jpm/v2/tenant/4829/jobs/900/notes");

    for settings in [lead_mode(), job_mode().with("note_on", "customer")] {
        let crm = ScriptedCrm::start([say(200, &json!({ "id": 950, "text": "x" }))]).await;
        let session = session_with(&ServiceTitan, &crm.url, settings.clone());
        let scene = self::scene(lead_with(|_| {}), settings);
        let noted = scene
            .take(&ServiceTitan, StepKey::NOTE_ATTACH, &session)
            .await;
        assert_eq!(noted.unwrap(), Some(Record::new("950")));
    }
}

/// Any JSON, nested and named like the answers that adapters look into.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let name = "errors|title|name|email|data|hasMore|id|customerId|memo|address|\\$\\.name|.{0,4}";
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_answer_can_make_the_reader_stumble(answer in any_json()) {
        let body = answer.to_string();
        let _ = serde_json::from_str::<Page<Customer>>(&body);
        let _ = serde_json::from_str::<Page<Contact>>(&body);
        let _ = serde_json::from_str::<Page<Location>>(&body);
        let _ = serde_json::from_str::<Page<Booking>>(&body);
        let _ = serde_json::from_str::<Page<Summarized>>(&body);
        let _ = serde_json::from_str::<Page<Note>>(&body);
        let _ = serde_json::from_str::<Page<JobNote>>(&body);
        let _ = serde_json::from_str::<Page<Entry>>(&body);
        let _ = serde_json::from_str::<CreatedCustomer>(&body);
        let failure = Failure::new("http_400", "Refused").with_status(400);
        let answer = Answer {
            effect: Effect::Write,
            head: None,
            fault: None,
            names: None,
            body: body.as_bytes(),
        };
        let refused = refusal(AdapterError::Rejected(failure), &answer);
        prop_assert_eq!(refused.kind(), "rejected");
        let detail = refused.detail();
        let fits = match refused.reason() {
            RECORD_GONE => detail.starts_with("ServiceTitan no longer has"),
            "http_400" => detail == "Refused" || detail.starts_with("Refused; it names "),
            _ => false,
        };
        prop_assert!(fits, "{}", detail);
    }
}
