//! Each kind of fault on a real socket: what the caller sees, and what the books say.

mod support;

use std::time::{Duration, Instant};

use leadrail_crm_sim::{Fault, FaultMatch, FaultRule, HOUSECALL_PRO};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::{ACME, LONG, Server, read, rows};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Short for a caller, far shorter than any hang.
const PATIENCE: Duration = Duration::from_millis(300);

struct Scene {
    server: Server,
    customer: String,
}

impl Scene {
    async fn with(fault: Value) -> Self {
        let server = Server::start().await;
        let customer = server.customer(ACME, json!({"first_name": "Ann"})).await;
        server.arm(fault).await;
        Self { server, customer }
    }

    async fn create_lead(&self, timeout: Duration) -> reqwest::Result<Response> {
        let body = json!({"customer_id": self.customer, "note": "AC out", "tags": ["ev-1"]});
        self.server
            .send((ACME, Method::POST, "/leads"), Some(&body), timeout)
            .await
    }

    async fn leads(&self) -> usize {
        rows(&self.server.records().await, "leads").len()
    }

    /// The status on the wire as the log has it; null for no answer.
    async fn logged(&self) -> Value {
        let (_, log) = self
            .server
            .control(Method::GET, "/requests?last=1000", None)
            .await;
        let log = rows(&log, "requests").clone();
        let faulty: Vec<&Value> = log.iter().filter(|line| !line["fault"].is_null()).collect();
        assert_eq!(faulty.len(), 1, "the rule fired once");
        json!([faulty[0]["fault"], faulty[0]["status"]])
    }
}

#[tokio::test]
async fn a_crm_that_is_down_closes_the_connection_without_a_byte_or_an_effect() {
    let scene = Scene::with(json!({"kind": "down"})).await;
    let error = scene.create_lead(LONG).await.expect_err("no answer");
    assert!(!error.is_timeout() && !error.is_connect(), "{error:?}");
    assert_eq!(scene.leads().await, 0);
    assert_eq!(scene.logged().await, json!(["down", null]));
    assert_eq!(
        scene.create_lead(LONG).await.expect("up again").status(),
        201
    );
}

#[tokio::test]
async fn a_cut_connection_carries_no_byte_at_all() {
    let scene = Scene::with(json!({"kind": "reset_after"})).await;
    let mut socket = tokio::net::TcpStream::connect(scene.server.address)
        .await
        .expect("a socket");
    let body = json!({"customer_id": scene.customer}).to_string();
    let request = format!(
        "POST /housecall_pro/leads HTTP/1.1\r\nhost: localhost\r\nauthorization: Token {ACME}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    socket
        .read_to_end(&mut answer)
        .await
        .expect("an orderly end");
    assert_eq!(answer, b"");
    assert_eq!(scene.leads().await, 1);
}

#[tokio::test]
async fn a_status_before_the_effect_leaves_the_books_alone() {
    let fault = json!({"kind": "status_before", "status": 503, "body": {"message": "busy"}});
    let scene = Scene::with(fault).await;
    let answer = read(scene.create_lead(LONG).await.expect("an answer")).await;
    assert_eq!(answer, (503, json!({"message": "busy"})));
    assert_eq!(scene.leads().await, 0);
    assert_eq!(scene.logged().await, json!(["status_before", 503]));
}

#[tokio::test]
async fn a_status_after_the_effect_hides_a_lead_that_is_there() {
    let scene = Scene::with(json!({"kind": "status_after", "status": 502})).await;
    let answer = scene.create_lead(LONG).await.expect("an answer");
    assert_eq!(answer.status(), 502);
    assert_eq!(answer.text().await.expect("a body"), "Bad Gateway");
    assert_eq!(scene.leads().await, 1);
}

#[tokio::test]
async fn a_timeout_before_the_effect_hangs_and_changes_nothing() {
    let scene = Scene::with(json!({"kind": "timeout_before"})).await;
    let error = scene.create_lead(PATIENCE).await.expect_err("no answer");
    assert!(error.is_timeout());
    assert_eq!(scene.leads().await, 0);
}

#[tokio::test]
async fn a_timeout_after_the_effect_hangs_on_a_lead_that_is_there() {
    let scene = Scene::with(json!({"kind": "timeout_after"})).await;
    let error = scene.create_lead(PATIENCE).await.expect_err("no answer");
    assert!(error.is_timeout());
    assert_eq!(scene.leads().await, 1);
    assert_eq!(scene.logged().await, json!(["timeout_after", null]));
}

#[tokio::test]
async fn a_hang_ends_with_a_closed_connection_after_its_time() {
    let scene = Scene::with(json!({"kind": "timeout_after", "hang_ms": 200})).await;
    let begun = Instant::now();
    let error = scene.create_lead(LONG).await.expect_err("no answer");
    assert!(!error.is_timeout());
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_reset_after_the_effect_leaves_a_lead_and_no_answer() {
    let scene = Scene::with(json!({"kind": "reset_after"})).await;
    let error = scene.create_lead(LONG).await.expect_err("no answer");
    assert!(!error.is_timeout() && !error.is_connect());
    assert_eq!(scene.leads().await, 1);
}

#[tokio::test]
async fn a_late_effect_lands_after_its_caller_has_gone() {
    let scene = Scene::with(json!({"kind": "late_effect", "delay_ms": 1500})).await;
    let error = scene.create_lead(PATIENCE).await.expect_err("no answer");
    assert!(error.is_timeout());
    let books = scene.server.records().await;
    assert_eq!(
        (rows(&books, "leads").len(), &books["late_effects_pending"]),
        (0, &json!(1))
    );
    let landed = async { while scene.server.records().await["late_effects_pending"] != 0 {} };
    tokio::time::timeout(LONG, landed).await.expect("it lands");
    assert_eq!(scene.leads().await, 1);
}

#[tokio::test]
async fn emptying_the_books_drops_effects_that_are_still_to_come() {
    let scene = Scene::with(json!({"kind": "late_effect", "delay_ms": 400})).await;
    let armed = Instant::now();
    scene.create_lead(PATIENCE).await.expect_err("no answer");
    scene.server.control(Method::DELETE, "/records", None).await;
    assert_eq!(scene.server.records().await["late_effects_pending"], 0);
    while armed.elapsed() < Duration::from_millis(900) {
        assert_eq!(scene.leads().await, 0);
    }
}

#[tokio::test]
async fn a_throttled_caller_is_told_how_long_to_wait() {
    for (told, header) in [
        (json!(7), Some("7")),
        (
            json!("Sat, 21 Nov 2026 12:00:00 GMT"),
            Some("Sat, 21 Nov 2026 12:00:00 GMT"),
        ),
        (Value::Null, None),
    ] {
        let scene = Scene::with(json!({"kind": "throttle", "retry_after": told})).await;
        let answer = scene.create_lead(LONG).await.expect("an answer");
        assert_eq!(answer.status(), 429);
        let given = answer
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().expect("text"));
        assert_eq!(given, header);
        assert_eq!(scene.leads().await, 0);
    }
}

#[tokio::test]
async fn an_unauthorized_caller_gets_the_documented_401() {
    let scene = Scene::with(json!({"kind": "unauthorized"})).await;
    let answer = read(scene.create_lead(LONG).await.expect("an answer")).await;
    assert_eq!(answer, (401, json!({"message": "Unauthorized"})));
    assert_eq!(scene.leads().await, 0);
}

#[tokio::test]
async fn a_rejection_has_the_documented_shape_or_the_one_asked_for() {
    let scene = Scene::with(json!({"kind": "reject"})).await;
    let answer = read(scene.create_lead(LONG).await.expect("an answer")).await;
    assert_eq!(answer, (422, json!({"errors": {"base": ["is invalid"]}})));
    let body = json!({"error": {"message": "Name can't be blank"}});
    scene
        .server
        .arm(json!({"kind": "reject", "body": body}))
        .await;
    assert_eq!(
        read(scene.create_lead(LONG).await.expect("an answer")).await,
        (422, body)
    );
    assert_eq!(scene.leads().await, 0);
}

#[tokio::test]
async fn a_slow_body_drips_and_is_the_true_answer() {
    let scene = Scene::with(json!({"kind": "slow_bytes", "bytes_per_second": 1500})).await;
    let begun = Instant::now();
    let (status, lead) = read(scene.create_lead(LONG).await.expect("a head")).await;
    assert_eq!((status, &lead["tags"]), (201, &json!(["ev-1"])));
    assert!(
        begun.elapsed() >= Duration::from_millis(200),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(scene.leads().await, 1);
}

#[tokio::test]
async fn a_body_of_one_byte_a_second_outlasts_a_callers_patience() {
    let scene = Scene::with(json!({"kind": "slow_bytes", "bytes_per_second": 1})).await;
    let answer = scene
        .create_lead(Duration::from_millis(1500))
        .await
        .expect("the head comes at once");
    assert_eq!(answer.status(), 201);
    assert!(
        answer
            .bytes()
            .await
            .expect_err("the body does not")
            .is_timeout()
    );
    assert_eq!(scene.leads().await, 1);
}

#[tokio::test]
async fn a_page_instead_of_json_comes_with_the_true_status() {
    let scene = Scene::with(json!({"kind": "invalid_json"})).await;
    let answer = scene.create_lead(LONG).await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (201, &"text/html; charset=utf-8".parse().expect("a header"))
    );
    assert!(
        answer
            .text()
            .await
            .expect("a body")
            .starts_with("<!doctype html>")
    );
    assert_eq!(scene.leads().await, 1);
}

#[tokio::test]
async fn a_huge_body_is_streamed_to_its_exact_size() {
    for bytes in [3_usize, 14, 10_000_001] {
        let fault = json!({"kind": "huge_body", "bytes": bytes});
        let scene = Scene::with(fault).await;
        let answer = scene.create_lead(LONG).await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), answer.content_length()),
            (201, None)
        );
        let body = answer.bytes().await.expect("a whole body");
        assert_eq!(body.len(), bytes);
        let is_json = serde_json::from_slice::<Value>(&body).is_ok();
        assert_eq!(is_json, bytes >= 14, "{bytes}");
        assert_eq!(scene.leads().await, 1);
    }
}

#[tokio::test]
async fn a_redirect_points_elsewhere_without_an_effect() {
    for status in [301, 302, 303, 307, 308] {
        let location = "https://elsewhere.example/leads";
        let fault = json!({"kind": "redirect", "status": status, "location": location});
        let scene = Scene::with(fault).await;
        let answer = scene.create_lead(LONG).await.expect("an answer");
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["location"], location);
        assert_eq!(scene.leads().await, 0);
    }
}

#[tokio::test]
async fn a_rule_can_be_aimed_at_one_caller_of_one_company() {
    let server = Server::start().await;
    let aimed = json!({
        "match": {"company": "acme", "contains": "6025551234"},
        "fault": {"kind": "status_before", "status": 500},
    });
    server.control(Method::POST, "/faults", Some(aimed)).await;
    let ann = json!({"mobile_number": "6025551234"});
    assert_eq!(server.post(ACME, "/customers", &ann).await.0, 500);
    assert_eq!(server.get(ACME, "/customers?q=6025551234").await.0, 500);
    assert_eq!(server.post("sim-other", "/customers", &ann).await.0, 201);
    assert_eq!(
        server
            .post(ACME, "/customers", &json!({"mobile_number": "6025559999"}))
            .await
            .0,
        201
    );
    let (_, rules) = server.control(Method::GET, "/faults", None).await;
    assert_eq!(
        (&rules[0]["seen"], &rules[0]["fired"]),
        (&json!(2), &json!(2))
    );
}

#[tokio::test]
async fn rules_can_be_added_in_process_and_wrong_ones_are_refused() {
    let server = Server::start().await;
    let rule = |fault| FaultRule {
        matching: FaultMatch::default(),
        fault,
    };
    assert!(
        server
            .sim
            .add_fault("no_such_crm", rule(Fault::Down {}))
            .is_err()
    );
    let impossible = Fault::StatusBefore {
        status: 0,
        body: None,
    };
    assert!(
        server
            .sim
            .add_fault(HOUSECALL_PRO, rule(impossible))
            .is_err()
    );
    server
        .sim
        .add_fault(HOUSECALL_PRO, rule(Fault::Unauthorized {}))
        .expect("a sound rule");
    assert_eq!(server.get(ACME, "/company").await.0, 401);
}

#[tokio::test]
async fn a_crm_that_was_away_refuses_connections_and_comes_back_with_its_books() {
    let mut scene = Scene::with(json!({"kind": "timeout_after"})).await;
    let hanging = scene.create_lead(PATIENCE).await;
    assert!(hanging.is_err());
    scene.server.stop().await;
    let error = scene.create_lead(LONG).await.expect_err("nobody listens");
    assert!(error.is_connect(), "{error:?}");
    let again = Server::start_with(scene.server.sim.clone(), scene.server.address).await;
    assert_eq!(rows(&again.records().await, "leads").len(), 1);
}

#[tokio::test]
async fn a_server_that_ends_cuts_those_that_hang() {
    let mut scene = Scene::with(json!({"kind": "timeout_after"})).await;
    let body = json!({"customer_id": scene.customer});
    let url = scene.server.url("/housecall_pro/leads");
    let request = scene
        .server
        .client
        .post(url)
        .header("authorization", format!("Token {ACME}"));
    let request = request
        .header("content-type", "application/json")
        .body(body.to_string());
    let hanging = tokio::spawn(request.send());
    let arrived = async { while scene.leads().await == 0 {} };
    tokio::time::timeout(LONG, arrived)
        .await
        .expect("the effect");
    let begun = Instant::now();
    scene.server.stop().await;
    assert!(hanging.await.expect("no panic").is_err());
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}
