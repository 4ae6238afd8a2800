//! What any answer leads to, and what is kept of it, against a scripted server.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use crate::scripted_crm::{
    EXAMPLE, Example, KEY, Script, ScriptedCrm, hangs_up, keys, nobody, say, session,
    speaks_plainly,
};
use crate::{
    AdapterError, AdapterResult, CrmAdapter, CrmRequest, Exchange, HeaderValue, Renewal,
    RenewalError, SecretVersion, Secrets, Session,
};

#[derive(Deserialize)]
struct Thing {
    #[allow(dead_code)]
    id: String,
}

async fn write(session: &Session) -> AdapterResult<()> {
    let request =
        CrmRequest::post("/things").json(&json!({"name": "Maria", "phone": "3055550182"}));
    session.send::<Thing>(request).await.map(drop)
}

async fn read(session: &Session) -> AdapterResult<()> {
    let request = CrmRequest::get("/things")
        .personal_query("q", "3055550182")
        .query("page", "1");
    session.send::<Thing>(request).await.map(drop)
}

/// The outcome as a word and a reason, with the only exchange that was recorded.
fn told(result: AdapterResult<()>, session: &Session) -> (String, Exchange) {
    let mut exchanges = session.take_exchanges();
    assert_eq!(exchanges.len(), 1, "every call is recorded once");
    let exchange = exchanges.remove(0);
    let told = match result {
        Ok(()) => "done".to_owned(),
        Err(error) => {
            assert_eq!(exchange.error.as_deref(), Some(error.reason()));
            format!("{} {}", error.kind(), error.reason())
        }
    };
    (told, exchange)
}

#[tokio::test]
async fn every_answer_to_a_write_leads_to_one_decision() {
    let thing = json!({ "id": "t_1" });
    let rows = [
        (say(201, &thing), "done"),
        (say(200, &thing), "done"),
        (say(201, &json!({})), "ambiguous invalid_json"),
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
            Script::Say(201, "[".repeat(50_000)),
            "ambiguous invalid_json",
        ),
        (
            Script::Say(201, r#"{"id":"a","n":NaN}"#.into()),
            "ambiguous invalid_json",
        ),
        (say(400, &json!({ "message": "bad" })), "rejected http_400"),
        (say(403, &json!({})), "rejected http_403"),
        (say(408, &json!({})), "ambiguous http_408"),
        (say(500, &json!({})), "ambiguous http_500"),
        (Script::Say(502, "<html>".into()), "ambiguous http_502"),
        (Script::Hang, "ambiguous timeout"),
        (Script::Drip, "ambiguous timeout"),
        (Script::Flood, "ambiguous body_too_large"),
        (Script::BreakOff(201), "ambiguous connection_lost"),
        (Script::BreakOff(422), "rejected http_422"),
        (redirect(302), "ambiguous redirect"),
        (redirect(307), "not_done redirect"),
        (redirect(303), "ambiguous redirect"),
        (say(200, &json!({ "flag": false })), "rejected flagged"),
    ];
    for (number, (script, expected)) in rows.into_iter().enumerate() {
        let crm = ScriptedCrm::start([script]).await;
        let session = crm.session();
        let (told, _) = told(write(&session).await, &session);
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
    let rows = [
        (say(200, &json!({ "id": "t_1" })), "done"),
        (say(200, &json!({ "id": null })), "not_done invalid_json"),
        (
            Script::Say(200, "<html>Log in</html>".into()),
            "not_done invalid_json",
        ),
        (say(500, &json!({})), "not_done http_500"),
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
            told(read(&session).await, &session).0,
            expected,
            "row {number}"
        );
    }
}

fn redirect(status: u16) -> Script {
    Script::SayWith(
        status,
        vec![("location", "http://127.0.0.1:1/things".into())],
        "".into(),
    )
}

#[tokio::test]
async fn nothing_there_may_be_said_by_an_empty_body() {
    for (script, expected) in [
        (Script::Say(204, String::new()), Some(true)),
        (Script::Say(200, " \n".into()), Some(true)),
        (say(200, &json!({ "id": "t_1" })), Some(false)),
        (Script::Say(200, "<html>".into()), None),
    ] {
        let crm = ScriptedCrm::start([script]).await;
        let answer = crm
            .session()
            .send_maybe::<Thing>(CrmRequest::get("/things"))
            .await;
        assert_eq!(answer.ok().map(|thing| thing.is_none()), expected);
    }
    let crm = ScriptedCrm::start([Script::Say(202, "<html>".into())]).await;
    assert!(
        crm.session()
            .send_only(CrmRequest::post("/things"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn what_an_answer_says_of_the_budget_is_the_adapters_to_read() {
    let crm = ScriptedCrm::start([say(200, &json!({ "id": "t_1", "points": 420 }))]).await;
    let session = crm.session();
    read(&session).await.unwrap();
    let budget = session.take_budget().unwrap();
    assert_eq!((budget.left, budget.resets_in.as_secs()), (42, 5));
    assert_eq!(session.take_budget(), None);
}

#[tokio::test]
async fn a_connection_that_never_was_needs_no_look_up_but_a_broken_one_does() {
    let refused = session(&nobody().await);
    assert_eq!(told(write(&refused).await, &refused).0, "not_done connect");
    let unknown = session("https://no-such-host.invalid");
    assert_eq!(told(write(&unknown).await, &unknown).0, "not_done dns");
    let broken = session(&hangs_up().await);
    assert_eq!(
        told(write(&broken).await, &broken).0,
        "ambiguous connection_lost"
    );
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_not_trusted_and_got_nothing() {
    let crm = ScriptedCrm::start([]).await;
    let session = session(&crm.url.replace("http://", "https://"));
    let (told, exchange) = told(write(&session).await, &session);
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
    assert_eq!(told(write(&plain).await, &plain).0, "not_done tls");
    let broken = session(&hangs_up().await.replace("http://", "https://"));
    assert_eq!(told(write(&broken).await, &broken).0, "not_done connect");
}

#[tokio::test]
async fn throttling_waits_as_long_as_the_crm_asks() {
    let slow = Script::SayWith(429, vec![("retry-after", "17".into())], "{}".into());
    let crm = ScriptedCrm::start([slow]).await;
    let error = write(&crm.session()).await.unwrap_err();
    let AdapterError::Throttled { retry_after, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(retry_after.map(|wait| wait.as_secs()), Some(17));
}

#[tokio::test]
async fn a_secret_that_the_crm_repeats_is_not_kept() {
    let crm = ScriptedCrm::start([Script::Echo(400)]).await;
    let session = crm.session();
    assert!(Example.check(&session).await.is_err());
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
async fn of_a_call_that_ended_well_no_body_and_no_header_is_kept() {
    let crm = ScriptedCrm::start([say(200, &json!({ "id": "t_1", "name": "a stranger" }))]).await;
    let session = crm.session().on_behalf_of("dedup_lookup");
    read(&session).await.unwrap();
    let exchange = session.take_exchanges().remove(0);
    let url = format!("{}/things?q=[10 characters]&page=1", crm.url);
    assert!(crm.seen()[0].target.contains("q=3055550182"));
    let mut kept = serde_json::to_value(&exchange).unwrap();
    kept["duration_ms"] = json!(0);
    assert_eq!(
        kept,
        json!({
            "activity": "dedup_lookup", "method": "GET", "url": url, "status": 200,
            "duration_ms": 0, "error": null,
        })
    );
    assert!(
        session.take_exchanges().is_empty(),
        "evidence is handed over once"
    );
}

#[tokio::test]
async fn of_a_call_that_did_not_all_is_kept_but_secrets() {
    let crm = ScriptedCrm::start([say(422, &json!({ "message": "no such board" }))]).await;
    let session = crm.session();
    let (_, exchange) = told(write(&session).await, &session);
    let shape = HeaderValue::Redacted {
        redacted: true,
        len: "Token ".len() + KEY.len(),
    };
    let sent = &exchange.request_headers;
    assert!(sent.contains(&("authorization".into(), shape)));
    assert!(exchange.request_body.unwrap().text.contains("Maria"));
    assert!(
        exchange
            .response_body
            .unwrap()
            .text
            .contains("no such board")
    );
    assert_eq!(exchange.status, Some(422));
}

#[tokio::test]
async fn of_records_that_a_failed_look_up_was_answered_with_only_the_errors_are_kept() {
    let stranger = json!({ "flag": false, "things": ["Zoe Stranger"], "errors": ["no board"] });
    let broken = "{\"things\": [\"Zoe Stranger\"".to_owned();
    let flood = "Zoe Stranger ".repeat(EXAMPLE.max_body / 10);
    for (script, kept) in [
        (say(200, &stranger), r#"{"errors":["no board"]}"#),
        (Script::Say(200, broken), ""),
        (Script::Say(200, flood), ""),
    ] {
        let crm = ScriptedCrm::start([script]).await;
        let session = crm.session();
        let (_, exchange) = told(read(&session).await, &session);
        let answer = exchange.response_body.unwrap();
        assert_eq!((answer.text.as_str(), answer.truncated), (kept, true));
        assert!(answer.bytes > 20, "how long it was is told");
    }
}

#[tokio::test]
async fn an_answer_as_large_as_we_read_is_read_and_a_larger_one_is_not() {
    let thing = r#"{ "id": "t_1" }"#;
    let limit = EXAMPLE.max_body;
    for (bytes, expected) in [(limit, "done"), (limit + 1, "ambiguous body_too_large")] {
        let body = thing.to_owned() + &" ".repeat(bytes - thing.len());
        let crm = ScriptedCrm::start([Script::Say(201, body)]).await;
        let session = crm.session();
        let (told, _) = told(write(&session).await, &session);
        assert_eq!(told, expected, "{bytes} bytes");
    }
}

#[tokio::test]
async fn a_flood_is_kept_in_small() {
    let crm = ScriptedCrm::start([Script::Flood]).await;
    let session = crm.session();
    let (_, exchange) = told(write(&session).await, &session);
    let answer = exchange.response_body.unwrap();
    assert_eq!(
        (answer.text.len(), answer.truncated),
        (crate::KEPT_RESPONSE_BODY, true)
    );
    assert_eq!(answer.bytes, EXAMPLE.max_body);
}

#[tokio::test]
async fn an_error_never_tells_who_called() {
    let caller = json!({"name": "Maria", "phone": "3055550182"});
    for script in [
        Script::Hang,
        say(500, &caller),
        say(422, &caller),
        Script::BreakOff(201),
    ] {
        let crm = ScriptedCrm::start([script]).await;
        let error = write(&crm.session()).await.unwrap_err();
        let printed = format!("{error} {error:?} {}", error.detail());
        for canary in ["Maria", "3055550182", KEY] {
            assert!(!printed.contains(canary), "{printed}");
        }
    }
}

#[tokio::test]
async fn no_call_starts_after_the_end_of_its_attempt() {
    let crm = ScriptedCrm::start([]).await;
    let session = crm.session().ending_in(Duration::ZERO);
    let error = write(&session).await.unwrap_err();
    assert_eq!((error.kind(), error.reason()), ("not_done", "too_late"));
    assert!(crm.seen().is_empty() && session.take_exchanges().is_empty());
}

/// Has one newer key, or cannot say.
struct NewerKey {
    asked: AtomicI32,
    answer: Result<Option<&'static str>, RenewalError>,
}

#[async_trait]
impl Renewal for NewerKey {
    async fn renew(&self, refused: SecretVersion) -> Result<Option<Secrets>, RenewalError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let key = self.answer.clone()?;
        Ok(key.map(|key| keys(&EXAMPLE, key).of_version(refused + 1)))
    }
}

fn renewal(answer: Result<Option<&'static str>, RenewalError>) -> Arc<NewerKey> {
    Arc::new(NewerKey {
        asked: AtomicI32::new(0),
        answer,
    })
}

#[tokio::test]
async fn a_refused_key_is_renewed_once_and_the_call_made_once_more() {
    let thing = say(201, &json!({ "id": "t_1" }));
    let crm = ScriptedCrm::start([say(401, &json!({})), thing]).await;
    let renewal = renewal(Ok(Some("canary_newer")));
    let session = crm.session().renewing(renewal.clone());
    write(&session).await.unwrap();
    let sent: Vec<String> = crm
        .seen()
        .iter()
        .map(|seen| seen.headers["authorization"].clone())
        .collect();
    assert_eq!(
        sent,
        [format!("Token {KEY}"), "Token canary_newer".to_owned()]
    );
    let exchanges = session.take_exchanges();
    let told: Vec<_> = exchanges
        .iter()
        .map(|call| (call.status, call.error.clone()))
        .collect();
    let refused = (Some(401), Some("http_401".to_owned()));
    assert_eq!(told, [refused, (Some(201), None)], "both are recorded");
    assert!(
        !serde_json::to_string(&exchanges)
            .unwrap()
            .contains("canary")
    );
    assert_eq!(renewal.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_newer_key_that_is_refused_too_is_not_renewed_again() {
    let crm = ScriptedCrm::start([say(401, &json!({})), say(401, &json!({}))]).await;
    let renewal = renewal(Ok(Some("canary_newer")));
    let session = crm.session().renewing(renewal.clone());
    assert_eq!(write(&session).await.unwrap_err().kind(), "auth");
    assert_eq!(renewal.asked.load(Ordering::SeqCst), 1);
    assert!(crm.is_over());
}

#[tokio::test]
async fn where_there_is_no_newer_key_the_refusal_stands_and_where_nobody_can_say_it_does_not() {
    let unknown = RenewalError("the database is away".to_owned());
    for (answer, expected) in [(Ok(None), "auth"), (Err(unknown), "not_done")] {
        let crm = ScriptedCrm::start([say(401, &json!({}))]).await;
        let session = crm.session().renewing(renewal(answer));
        assert_eq!(write(&session).await.unwrap_err().kind(), expected);
    }
}
