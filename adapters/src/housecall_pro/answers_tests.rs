//! What every answer of Housecall Pro leads to, against a scripted server.

use leadrail_lead::{Lead, Marker};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::wire::{CustomerPage, LeadPage};
use super::{HousecallPro, refusal};
use crate::scripted_crm::{
    KEY, Script, ScriptedCrm, hangs_up, lead_with, nobody, say, session, session_with,
    speaks_plainly,
};
use crate::{
    AdapterError, AdapterResult, CrmAdapter, CustomerRef, Exchange, Failure, HeaderValue, LeadRef,
    LinkState, Session, Settings, activity,
};

fn example() -> Lead {
    lead_with(|_| {})
}

fn marker(lead: &Lead) -> Marker {
    Marker::new(lead.event_id, activity::LEAD_CREATE)
}

fn known() -> CustomerRef {
    CustomerRef {
        id: "cus_a1".into(),
    }
}

async fn file(session: &Session) -> AdapterResult<LeadRef> {
    let lead = example();
    HousecallPro
        .create_lead(session, &lead, &known(), &marker(&lead), LinkState::Fresh)
        .await
}

async fn look(session: &Session) -> AdapterResult<Option<CustomerRef>> {
    HousecallPro.find_customer(session, &example()).await
}

/// The outcome as a word and a reason, with the only exchange that was recorded.
fn told<T>(result: AdapterResult<T>, session: &Session) -> (String, Exchange) {
    let mut exchanges = session.take_exchanges();
    assert_eq!(exchanges.len(), 1, "every call is recorded once");
    let exchange = exchanges.remove(0);
    let told = match result {
        Ok(_) => "done".to_owned(),
        Err(error) => {
            assert_eq!(exchange.error.as_deref(), Some(error.reason()));
            format!("{} {}", error.kind(), error.reason())
        }
    };
    (told, exchange)
}

#[tokio::test]
async fn every_answer_to_a_write_leads_to_one_decision() {
    let lead = json!({ "id": "lea_1", "number": 7, "tags": ["x"], "status": "open" });
    let rows = [
        (say(201, &lead), "done"),
        (say(200, &lead), "done"),
        (say(201, &json!({})), "ambiguous invalid_json"),
        (say(201, &json!({ "id": "" })), "ambiguous invalid_json"),
        (say(201, &json!({ "id": null })), "ambiguous invalid_json"),
        (say(201, &json!({ "id": 7 })), "ambiguous invalid_json"),
        (Script::Say(201, String::new()), "ambiguous invalid_json"),
        (
            Script::Say(200, "<html>Log in</html>".into()),
            "ambiguous invalid_json",
        ),
        (
            Script::Say(201, r#"{"id":"a","id":"b"}"#.into()),
            "ambiguous invalid_json",
        ),
        (
            Script::Say(201, "[".repeat(100_000)),
            "ambiguous invalid_json",
        ),
        (
            Script::Say(201, r#"{"id":"a","n":NaN}"#.into()),
            "ambiguous invalid_json",
        ),
        (say(400, &json!({ "message": "bad" })), "rejected http_400"),
        (
            say(404, &json!({ "error": { "message": "no" } })),
            "rejected http_404",
        ),
        (say(408, &json!({})), "ambiguous http_408"),
        (say(422, &json!({ "errors": {} })), "rejected http_422"),
        (say(500, &json!({})), "ambiguous http_500"),
        (Script::Say(502, "<html>".into()), "ambiguous http_502"),
        (say(503, &json!({})), "ambiguous http_503"),
        (Script::Hang, "ambiguous timeout"),
        (Script::Drip, "ambiguous timeout"),
        (Script::Flood, "ambiguous body_too_large"),
        (Script::BreakOff(201), "ambiguous connection_lost"),
        (Script::BreakOff(422), "rejected http_422"),
        (redirect(302), "rejected redirect"),
        (redirect(307), "rejected redirect"),
        (redirect(303), "ambiguous redirect"),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        let crm = ScriptedCrm::start([script]).await;
        let session = crm.session();
        let (told, _) = told(file(&session).await, &session);
        assert_eq!(told, expected, "row {number}");
        assert_eq!(
            crm.seen().len(),
            1,
            "row {number}: sent once, redirects not followed"
        );
    }
}

#[tokio::test]
async fn no_answer_to_a_read_is_ever_ambiguous() {
    let none = json!({ "page": 1, "total_pages": 0, "customers": [] });
    let rows = [
        (say(200, &none), "done"),
        (
            say(200, &json!({ "customers": null })),
            "not_done invalid_json",
        ),
        (
            say(200, &json!({ "error": "sorry" })),
            "not_done invalid_json",
        ),
        (
            Script::Say(200, "<html>Log in</html>".into()),
            "not_done invalid_json",
        ),
        (say(500, &none), "not_done http_500"),
        (say(404, &json!({})), "rejected http_404"),
        (Script::Hang, "not_done timeout"),
        (Script::Drip, "not_done timeout"),
        (Script::Flood, "not_done body_too_large"),
        (Script::BreakOff(200), "not_done connection_lost"),
        (redirect(301), "not_done redirect"),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        let crm = ScriptedCrm::start([script]).await;
        let session = crm.session();
        assert_eq!(
            told(look(&session).await, &session).0,
            expected,
            "row {number}"
        );
    }
}

fn redirect(status: u16) -> Script {
    Script::SayWith(
        status,
        vec![("location", "http://127.0.0.1:1/customers".into())],
        "".into(),
    )
}

#[tokio::test]
async fn a_connection_that_never_was_needs_no_look_up_but_a_broken_one_does() {
    let refused = session(&nobody().await);
    assert_eq!(told(file(&refused).await, &refused).0, "not_done connect");
    let unknown = session("https://no-such-host.invalid");
    assert_eq!(told(file(&unknown).await, &unknown).0, "not_done dns");
    let broken = session(&hangs_up().await);
    assert_eq!(
        told(file(&broken).await, &broken).0,
        "ambiguous connection_lost"
    );
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_not_trusted_and_got_nothing() {
    let crm = ScriptedCrm::start([]).await;
    let session = session(&crm.url.replace("http://", "https://"));
    let (told, exchange) = told(file(&session).await, &session);
    assert!(
        ["not_done tls", "not_done connect"].contains(&told.as_str()),
        "{told}"
    );
    assert_eq!(exchange.status, None);
    assert!(crm.seen().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_not_tls_is_told_from_no_answer() {
    let plain = session(&speaks_plainly().await);
    assert_eq!(told(file(&plain).await, &plain).0, "not_done tls");
    let broken = session(&hangs_up().await.replace("http://", "https://"));
    assert_eq!(told(file(&broken).await, &broken).0, "not_done connect");
}

#[tokio::test]
async fn throttling_waits_as_long_as_the_crm_asks() {
    let slow = Script::SayWith(429, vec![("retry-after", "17".into())], "{}".into());
    let crm = ScriptedCrm::start([slow]).await;
    let error = file(&crm.session()).await.unwrap_err();
    let AdapterError::Throttled { retry_after, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(retry_after.map(|wait| wait.as_secs()), Some(17));
}

#[tokio::test]
async fn a_wrong_key_and_a_missing_plan_park_the_connection() {
    let crm = ScriptedCrm::start([
        say(401, &json!({ "message": "Unauthorized" })),
        say(403, &json!({ "message": "Forbidden" })),
    ])
    .await;
    let wrong_key = HousecallPro.check(&crm.session()).await.err().unwrap();
    assert_eq!((wrong_key.kind(), wrong_key.reason()), ("auth", "http_401"));
    let no_plan = HousecallPro.check(&crm.session()).await.err().unwrap();
    assert_eq!((no_plan.kind(), no_plan.reason()), ("auth", "forbidden"));
    assert!(no_plan.detail().contains("MAX plan"), "{no_plan}");
}

#[tokio::test]
async fn a_refusal_names_the_fields_but_not_their_values() {
    for body in [
        json!({ "errors": { "email": ["maria@example.com is taken"], "+13055550182": ["?"] } }),
        json!({ "message": "maria@example.com", "email": "maria@example.com" }),
    ] {
        let crm = ScriptedCrm::start([say(422, &body)]).await;
        let error = file(&crm.session()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "Housecall Pro rejected the request (HTTP 422); it names email"
        );
        assert!(!format!("{error:?}").contains("maria"));
    }
}

#[tokio::test]
async fn a_conflict_resolves_to_the_record_that_exists() {
    let lead = example();
    let marker = marker(&lead);
    let leads = json!({ "total_pages": 1, "leads": [
        { "id": "lea_new", "tags": [marker] }, { "id": "lea_old", "tags": [marker] },
    ] });
    let crm = ScriptedCrm::start([say(409, &json!({})), say(200, &leads)]).await;
    assert_eq!(file(&crm.session()).await.unwrap().id, "lea_old");

    let customers = json!({ "total_pages": 1, "customers": [
        { "id": "cus_9", "mobile_number": "3055550182" },
    ] });
    let crm = ScriptedCrm::start([say(409, &json!({})), say(200, &customers)]).await;
    let created = HousecallPro
        .create_customer(&crm.session(), &lead, &marker)
        .await;
    assert_eq!(created.unwrap().id, "cus_9");
}

#[tokio::test]
async fn a_conflict_whose_record_is_not_found_stays_ambiguous() {
    for second in [
        say(503, &json!({})),
        say(200, &json!({ "total_pages": 1, "leads": [] })),
    ] {
        let crm = ScriptedCrm::start([say(409, &json!({})), second]).await;
        let error = file(&crm.session()).await.unwrap_err();
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
    let account = HousecallPro.check(&crm.session()).await.unwrap();
    assert_eq!(
        (account.id.as_deref(), account.name.as_str()),
        (Some("cmp_1"), "Acme Heating")
    );
    assert!(HousecallPro.check(&crm.session()).await.is_ok());
}

#[tokio::test]
async fn a_secret_that_the_crm_repeats_is_not_kept() {
    let crm = ScriptedCrm::start([Script::Echo]).await;
    let session = crm.session();
    let account = HousecallPro.check(&session).await.unwrap();
    assert_eq!(account.name, "Acme");
    let seen = crm.seen().remove(0);
    assert_eq!(
        seen.headers["authorization"],
        format!("Token {KEY}"),
        "it was really sent"
    );
    let kept = serde_json::to_string(&session.take_exchanges()).unwrap();
    assert!(!kept.contains("canary"), "{kept}");
    assert!(kept.contains("[secret]"), "the answer itself is kept");
}

#[tokio::test]
async fn the_evidence_tells_what_was_sent_without_naming_the_caller_in_the_url() {
    let none = json!({ "total_pages": 1, "customers": [] });
    let crm = ScriptedCrm::start([say(200, &none)]).await;
    let session = crm.session();
    assert_eq!(look(&session).await.unwrap(), None);
    let exchange = session.take_exchanges().remove(0);
    assert_eq!(
        (exchange.activity.as_str(), exchange.method.as_str()),
        ("dedup_lookup", "GET")
    );
    assert!(crm.seen()[0].target.contains("q=3055550182"));
    assert_eq!(
        exchange.url,
        format!(
            "{}/customers?q=[10 characters]&sort_by=created_at&sort_direction=desc&page=1\
             &page_size=200",
            crm.url
        )
    );
    let shape = HeaderValue::Redacted {
        redacted: true,
        len: "Token ".len() + KEY.len(),
    };
    assert!(
        exchange
            .request_headers
            .contains(&("authorization".into(), shape))
    );
    assert_eq!((exchange.status, exchange.error), (Some(200), None));
    assert!(
        session.take_exchanges().is_empty(),
        "evidence is handed over once"
    );
}

#[tokio::test]
async fn an_answer_as_large_as_we_read_is_read_and_a_larger_one_is_not() {
    let lead = r#"{ "id": "lea_1" }"#;
    let limit = crate::MAX_RESPONSE_BODY;
    for (bytes, expected) in [(limit, "done"), (limit + 1, "ambiguous body_too_large")] {
        let body = lead.to_owned() + &" ".repeat(bytes - lead.len());
        let crm = ScriptedCrm::start([Script::Say(201, body)]).await;
        let session = crm.session();
        let (told, _) = told(file(&session).await, &session);
        assert_eq!(told, expected, "{bytes} bytes");
    }
}

#[tokio::test]
async fn a_flood_is_kept_in_small() {
    let crm = ScriptedCrm::start([Script::Flood]).await;
    let session = crm.session();
    let (_, exchange) = told(file(&session).await, &session);
    let answer = exchange.response_body.unwrap();
    assert_eq!(
        (answer.text.len(), answer.truncated),
        (crate::KEPT_RESPONSE_BODY, true)
    );
    assert_eq!(answer.bytes, crate::MAX_RESPONSE_BODY);
    let sent: Value = serde_json::from_str(&exchange.request_body.unwrap().text).unwrap();
    assert_eq!(sent["customer_id"], "cus_a1");
}

#[tokio::test]
async fn an_error_never_tells_who_called() {
    let lead = example();
    let personal = [
        "Maria",
        "Gonzalez",
        "3055550182",
        "maria@example.com",
        "NW 7th",
        "Furnace",
    ];
    for script in [
        Script::Hang,
        say(500, &json!(lead)),
        say(422, &json!(lead)),
        Script::BreakOff(201),
    ] {
        let crm = ScriptedCrm::start([script]).await;
        let error = file(&crm.session()).await.unwrap_err();
        let printed = format!("{error} {error:?} {}", error.detail());
        for canary in personal.iter().chain(&[KEY]) {
            assert!(!printed.contains(canary), "{printed}");
        }
    }
}

#[tokio::test]
async fn a_preview_is_what_is_really_sent() {
    let created = json!({ "id": "cus_a1" });
    let filed = json!({ "id": "lea_1" });
    let none = json!({ "total_pages": 1, "customers": [] });
    let settings = Settings::default()
        .with("lead_source", "Radio")
        .with("tag", "ai");
    let crm = ScriptedCrm::start([say(200, &none), say(201, &created), say(201, &filed)]).await;
    let session = session_with(&format!("{}/hcp/", crm.url), settings);
    let lead = example();
    assert_eq!(
        HousecallPro.find_customer(&session, &lead).await.unwrap(),
        None
    );
    let marker = |step| Marker::new(lead.event_id, step);
    let customer = HousecallPro
        .create_customer(&session, &lead, &marker(activity::CUSTOMER_CREATE))
        .await
        .unwrap();
    let lead_marker = marker(activity::LEAD_CREATE);
    HousecallPro
        .create_lead(&session, &lead, &customer, &lead_marker, LinkState::Fresh)
        .await
        .unwrap();

    let mut preview = HousecallPro.preview(session.target(), &lead, LinkState::Fresh, None);
    let placeholder = preview[2].body.as_mut().unwrap()["customer_id"].take();
    assert_eq!(placeholder, "(id of the customer created before)");
    preview[2].body.as_mut().unwrap()["customer_id"] = json!("cus_a1");

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

/// Any JSON, nested and named like the answers that adapters look into.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let name = "errors|error|message|email|customers|leads|tags|id|total_pages|.{0,4}";
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
        let _ = serde_json::from_str::<CustomerPage>(&body);
        let _ = serde_json::from_str::<LeadPage>(&body);
        let failure = Failure::new("http_422", "Refused").with_status(422);
        let refused = refusal(AdapterError::Rejected(failure).with_body(body.as_bytes()));
        prop_assert_eq!((refused.kind(), refused.reason()), ("rejected", "http_422"));
        let detail = refused.detail();
        prop_assert!(detail == "Refused" || detail.starts_with("Refused; it names "));
    }
}
