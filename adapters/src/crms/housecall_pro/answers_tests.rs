//! What Housecall Pro's own answers lead to, against a scripted server.

use leadrail_lead::Marker;
use proptest::prelude::*;
use serde_json::json;

use super::HousecallPro;
use super::refusal::refusal;
use super::wire::{CustomerPage, LeadPage};
use crate::hostile::any_json;
use crate::scripted_crm::{KEY, Scene, ScriptedCrm, say, session_with};
use crate::{
    AdapterError, AdapterResult, CrmAdapter, Failure, Links, Record, Session, Settings, StepKey,
    preview,
};

async fn file(session: &Session) -> AdapterResult<Option<Record>> {
    let scene = Scene::new().for_customer("cus_a1");
    scene
        .take(&HousecallPro, StepKey::LEAD_CREATE, session)
        .await
}

async fn look(session: &Session) -> AdapterResult<Option<Record>> {
    Scene::new()
        .take(&HousecallPro, StepKey::DEDUP_LOOKUP, session)
        .await
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

#[tokio::test]
async fn every_answer_to_a_new_lead_leads_to_one_decision() {
    let lead = json!({ "id": "lea_1", "number": 7, "tags": ["x"], "status": "open" });
    let rows = [
        (say(201, &lead), "done"),
        (say(200, &lead), "done"),
        (say(201, &json!({})), "ambiguous invalid_json"),
        (say(201, &json!({ "id": "" })), "ambiguous invalid_json"),
        (say(201, &json!({ "id": 7 })), "ambiguous invalid_json"),
        (say(400, &json!({ "message": "bad" })), "rejected http_400"),
        (say(401, &json!({})), "auth http_401"),
        (say(403, &json!({})), "forbidden forbidden"),
        (
            say(404, &json!({ "error": { "message": "no" } })),
            "rejected record_gone",
        ),
        (say(422, &json!({ "errors": {} })), "rejected http_422"),
        (
            say(422, &json!({ "errors": { "address_id": ["is invalid"] } })),
            "rejected record_gone",
        ),
        (
            say(
                422,
                &json!({ "errors": { "address_id": ["?"], "note": ["?"] } }),
            ),
            "rejected http_422",
        ),
        (say(429, &json!({})), "throttled http_429"),
        (say(500, &json!({})), "ambiguous http_500"),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        let crm = ScriptedCrm::start([script]).await;
        let session = crm.session_of(&HousecallPro);
        let filed = file(&session).await;
        assert_eq!(told(&filed, &session), expected, "row {number}");
    }
}

#[tokio::test]
async fn a_list_that_is_no_list_proves_nothing() {
    let rows = [
        json!({ "customers": null }),
        json!({ "error": "sorry" }),
        json!([]),
    ];
    for body in rows {
        let crm = ScriptedCrm::start([say(200, &body)]).await;
        let session = crm.session_of(&HousecallPro);
        let found = look(&session).await;
        assert_eq!(told(&found, &session), "not_done invalid_json", "{body}");
    }
}

#[tokio::test]
async fn a_wrong_key_and_a_missing_plan_park_the_connection() {
    let crm = ScriptedCrm::start([
        say(401, &json!({ "message": "Unauthorized" })),
        say(403, &json!({ "message": "Forbidden" })),
    ])
    .await;
    let wrong_key = HousecallPro
        .check(&crm.session_of(&HousecallPro))
        .await
        .err()
        .unwrap();
    assert_eq!((wrong_key.kind(), wrong_key.reason()), ("auth", "http_401"));
    let no_plan = HousecallPro
        .check(&crm.session_of(&HousecallPro))
        .await
        .err()
        .unwrap();
    assert_eq!(
        (no_plan.kind(), no_plan.reason()),
        ("forbidden", "forbidden")
    );
    assert!(no_plan.detail().contains("MAX plan"), "{no_plan}");
}

#[tokio::test]
async fn a_refusal_names_the_fields_but_not_their_values() {
    for body in [
        json!({ "errors": { "email": ["maria@example.com is taken"], "+13055550182": ["?"] } }),
        json!({ "message": "maria@example.com", "email": "maria@example.com" }),
    ] {
        let crm = ScriptedCrm::start([say(422, &body)]).await;
        let error = file(&crm.session_of(&HousecallPro)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "Housecall Pro rejected the request (HTTP 422); it names email"
        );
        assert!(!format!("{error:?}").contains("maria"));
    }
}

#[tokio::test]
async fn a_conflict_resolves_to_the_record_that_exists() {
    let scene = Scene::new();
    let marker = &scene.marker;
    let leads = json!({ "total_pages": 1, "leads": [
        { "id": "lea_new", "tags": [marker] }, { "id": "lea_old", "tags": [marker] },
    ] });
    let crm = ScriptedCrm::start([say(409, &json!({})), say(200, &leads)]).await;
    let filed = file(&crm.session_of(&HousecallPro)).await.unwrap();
    assert_eq!(filed, Some(Record::new("lea_old")));

    let customers = json!({ "total_pages": 1, "customers": [
        { "id": "cus_9", "mobile_number": "3055550182" },
    ] });
    let crm = ScriptedCrm::start([say(409, &json!({})), say(200, &customers)]).await;
    let session = crm.session_of(&HousecallPro);
    let created = scene.take(&HousecallPro, StepKey::CUSTOMER_CREATE, &session);
    assert_eq!(created.await.unwrap(), Some(Record::new("cus_9")));
}

#[tokio::test]
async fn a_conflict_whose_record_is_not_found_stays_ambiguous() {
    for second in [
        say(503, &json!({})),
        say(200, &json!({ "total_pages": 1, "leads": [] })),
    ] {
        let crm = ScriptedCrm::start([say(409, &json!({})), second]).await;
        let error = file(&crm.session_of(&HousecallPro)).await.unwrap_err();
        assert_eq!((error.kind(), error.reason()), ("ambiguous", "http_409"));
        assert!(crm.is_over());
    }
}

#[tokio::test]
async fn the_check_says_whose_account_it_is() {
    let crm = ScriptedCrm::start([
        say(
            200,
            &json!({ "id": "cmp_1", "name": "Acme\u{0} Heating", "time_zone": "x" }),
        ),
        say(200, &json!({ "id": "cmp_1" })),
    ])
    .await;
    let account = HousecallPro
        .check(&crm.session_of(&HousecallPro))
        .await
        .unwrap();
    assert_eq!(
        (account.id.as_deref(), account.name.as_str()),
        (Some("cmp_1"), "Acme Heating")
    );
    assert!(
        HousecallPro
            .check(&crm.session_of(&HousecallPro))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_lead_without_a_customer_is_never_sent() {
    let crm = ScriptedCrm::start([]).await;
    let session = crm.session_of(&HousecallPro);
    let filed = Scene::new()
        .take(&HousecallPro, StepKey::LEAD_CREATE, &session)
        .await;
    assert_eq!(filed.unwrap_err().reason(), "step_out_of_order");
    assert!(crm.seen().is_empty());
}

#[tokio::test]
async fn a_preview_is_what_is_really_sent() {
    let address = json!({ "id": "adr_1", "street": "1420 NW 7th Ave", "city": "Miami",
                          "state": "FL", "zip": "33136" });
    let created = json!({ "id": "cus_a1", "addresses": [address] });
    let filed = json!({ "id": "lea_1" });
    let none = json!({ "total_pages": 1, "customers": [] });
    let settings = Settings::default()
        .with("lead_source", "Radio")
        .with("tag", "ai");
    let crm = ScriptedCrm::start([say(200, &none), say(201, &created), say(201, &filed)]).await;
    let url = format!("{}/hcp/", crm.url);
    let session = session_with(&HousecallPro, &url, settings.clone());
    let mut scene = Scene::new();
    scene.settings = settings.clone();
    for key in HousecallPro.plan(&settings).keys() {
        scene.marker = Marker::new(scene.lead.event_id, key.label());
        let record = scene.take(&HousecallPro, key, &session).await.unwrap();
        scene.made.set(key.slot, record);
    }

    let target = crate::scripted_crm::target(&HousecallPro, &url).with_settings(settings);
    let mut preview = preview(&HousecallPro, &target, &scene.lead, Links::WORDS, None);
    let body = preview[2].body.as_mut().unwrap();
    for (field, slot, id) in [
        ("customer_id", "customer", "cus_a1"),
        ("address_id", "site", "adr_1"),
    ] {
        assert_eq!(body[field], format!("(id of the {slot} created before)"));
        body[field] = json!(id);
    }

    let seen = crm.seen();
    assert_eq!(preview.len(), seen.len());
    for (planned, seen) in preview.into_iter().zip(seen) {
        assert_eq!(planned.method, seen.method);
        assert_eq!(planned.url, format!("{}{}", crm.url, seen.target));
        assert_eq!(planned.body, seen.body);
        let mut headers = seen.headers;
        headers.remove("host");
        headers.remove("content-length");
        assert_eq!(headers["authorization"], format!("Token {KEY}"));
        headers.insert("authorization".into(), "Token ********".into());
        assert_eq!(planned.headers, headers);
    }
}

/// Names that the answers have.
const NAMES: &str = "errors|error|message|email|customers|leads|tags|id|total_pages|.{0,4}";

proptest! {
    #[test]
    fn no_answer_can_make_the_reader_stumble(answer in any_json(NAMES, "")) {
        let body = answer.to_string();
        let _ = serde_json::from_str::<CustomerPage>(&body);
        let _ = serde_json::from_str::<LeadPage>(&body);
        let failure = Failure::new("http_422", "Refused").with_status(422);
        let refused = refusal(AdapterError::Rejected(failure), body.as_bytes());
        prop_assert_eq!((refused.kind(), refused.reason()), ("rejected", "http_422"));
        let detail = refused.detail();
        prop_assert!(detail == "Refused" || detail.starts_with("Refused; it names "));
    }
}
