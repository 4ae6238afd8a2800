//! What a person is told who connects a ServiceTitan account: the check, the lists, and what is lacking.

use serde_json::{Value, json};

use super::answers_tests::problem;
use super::mapping_tests::{booking_mode, job_mode, lead_mode, scene};
use super::{SERVICETITAN, ServiceTitan};
use crate::scripted_crm::{KEY, ScriptedCrm, lead_with, say, session_with};
use crate::{CrmAdapter, Settings};

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
