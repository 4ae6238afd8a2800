//! What no caller should send, and what it gets.

use serde_json::{Value, json};

use crate::support::{Api, JSON, NDJSON, lead};

fn with(pointer: &str, value: Value) -> Vec<u8> {
    let mut lead = lead(1);
    *lead.pointer_mut(pointer).expect("a field") = value;
    lead.to_string().into_bytes()
}

fn nested(levels: usize) -> Vec<u8> {
    let lead = lead(1).to_string();
    let value = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    lead.replacen('{', &format!("{{\"deep\":{value},"), 1)
        .into_bytes()
}

#[tokio::test]
async fn bad_bodies_are_refused_with_a_problem_and_nothing_is_kept() {
    let api = Api::start().await;
    let good = lead(1).to_string();
    let huge = with("/contact/first_name", "x".repeat(300 << 10).into());
    let rows: Vec<(&str, &str, Vec<u8>, u16)> = vec![
        ("no content type", "", good.clone().into(), 415),
        (
            "a form",
            "application/x-www-form-urlencoded",
            good.clone().into(),
            415,
        ),
        (
            "text, as a web page could post it",
            "text/plain",
            good.clone().into(),
            415,
        ),
        (
            "another charset",
            "application/json; charset=utf-16",
            good.clone().into(),
            415,
        ),
        ("empty", JSON, vec![], 400),
        ("blank", JSON, b" \r\n\t".to_vec(), 400),
        ("empty lines", NDJSON, b"\n\n".to_vec(), 400),
        ("an empty array", JSON, b"[]".to_vec(), 400),
        ("half a lead", JSON, good[..good.len() / 2].into(), 400),
        ("half an array", JSON, format!("[{good}").into(), 400),
        (
            "two leads without an array",
            JSON,
            format!("{good}{good}").into(),
            400,
        ),
        (
            "a byte order mark",
            JSON,
            format!("\u{feff}{good}").into(),
            400,
        ),
        (
            "bad UTF-8",
            JSON,
            b"{\"event\": \"\xc3\x28\"}".to_vec(),
            400,
        ),
        (
            "bad UTF-8 in an array",
            JSON,
            b"[\"\xc3\x28\"]".to_vec(),
            400,
        ),
        ("NUL as a byte", JSON, b"{\"a\": \"\0\"}".to_vec(), 400),
        (
            "a lone surrogate",
            JSON,
            good.replace("acme", "\\ud800").into(),
            400,
        ),
        ("not a number", JSON, b"{\"a\": NaN}".to_vec(), 400),
        (
            "NUL as an escape",
            JSON,
            with("/contact/first_name", "a\0b".into()),
            422,
        ),
        (
            "NUL in a key",
            JSON,
            with("/contact", json!({"\0": 1})),
            422,
        ),
        ("an empty object", JSON, b"{}".to_vec(), 422),
        ("null", JSON, b"null".to_vec(), 422),
        ("a number", JSON, b"1e400".to_vec(), 400),
        ("a text", JSON, b"\"lead\"".to_vec(), 422),
        ("33 levels", JSON, nested(33), 422),
        ("100,000 levels", JSON, nested(100_000), 422),
        (
            "another version",
            JSON,
            with("/schema_version", "2.0".into()),
            422,
        ),
        (
            "a CRM that is none",
            JSON,
            with("/routing/destination_crm", "no_such_crm".into()),
            422,
        ),
        (
            "an id that is none",
            JSON,
            with("/event_id", "1".into()),
            422,
        ),
        ("a huge field", JSON, huge, 413),
    ];
    for (what, kind, body, status) in rows {
        let request = api.client.post(api.url("/v1/leads")).body(body);
        let request = match kind {
            "" => request,
            kind => request.header("content-type", kind),
        };
        let answer = api.send(request).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        answer.assert_problem(status);
    }
    assert_eq!(api.kept().await, 0);
}

#[tokio::test]
async fn every_bad_field_is_named_at_once_and_no_value_is_repeated() {
    let api = Api::start().await;
    let mut lead = lead(1);
    lead["contact"] = json!({"first_name": "canary"});
    lead["event_id"] = "canary".into();
    lead["schema_version"] = 7.into();
    lead["routing"]["destination_crm"] = Value::Null;
    let answer = api.post_lead(&lead).await;
    let problem = answer.assert_problem(422);
    let mut found: Vec<_> = problem["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|error| (error["pointer"].as_str(), error["code"].as_str()))
        .collect();
    found.sort_unstable();
    let expected = [
        ("/contact", "nobody"),
        ("/event_id", "uuid"),
        ("/routing/destination_crm", "missing"),
        ("/schema_version", "type"),
    ];
    assert_eq!(found, expected.map(|(at, code)| (Some(at), Some(code))));
    assert!(!answer.text.contains("canary"));
}

#[tokio::test]
async fn a_body_beyond_every_limit_is_answered_and_not_kept_in_memory() {
    let api = Api::start().await;
    let padding = " ".repeat(17 << 20);
    api.post(JSON, format!("[{padding}]"))
        .await
        .assert_problem(413);
    api.post(NDJSON, padding.clone()).await.assert_problem(413);
    api.post(JSON, padding.clone()).await.assert_problem(413);
    // Without a length the server learns it only by reading.
    let chunks =
        futures::stream::iter((0..17).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 20])));
    let answer = api.post(NDJSON, reqwest::Body::wrap_stream(chunks)).await;
    answer.assert_problem(413);
}

#[tokio::test]
async fn the_server_goes_on_after_a_body_that_breaks_off() {
    use tokio::io::AsyncWriteExt as _;
    let api = Api::start().await;
    let mut socket = tokio::net::TcpStream::connect(api.address)
        .await
        .expect("connected");
    let head = "POST /v1/leads HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 1000\r\n\r\n{\"half\":";
    socket.write_all(head.as_bytes()).await.expect("sent");
    drop(socket);
    assert_eq!(api.post_lead(&lead(1)).await.status, 202);
    assert_eq!(api.kept().await, 1);
}

#[tokio::test]
async fn a_parameter_that_is_refused_is_named_with_what_is_allowed() {
    let api = Api::start().await;
    let rows = [
        ("state=canary", "`state` must be", "`queued`"),
        ("cursor=canary", "`cursor` must be a UUID", ""),
        ("limit=canary", "`limit` must be a whole number", ""),
    ];
    for (query, said, also) in rows {
        let answer = api.get(&format!("/v1/leads?{query}")).await;
        let problem = answer.assert_problem(400);
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains(said) && detail.contains(also), "{detail}");
        assert!(!detail.contains("canary"), "{detail}");
    }
    let unknown = api.get("/v1/leads?canary=1").await.assert_problem(400);
    let detail = unknown["detail"].as_str().expect("a detail").to_owned();
    assert!(
        detail.contains("it takes") && detail.contains("`cursor`"),
        "{detail}"
    );
}

#[tokio::test]
async fn what_a_terminal_would_obey_is_refused_in_reasons_and_names() {
    let api = Api::start().await;
    let run = api.post_lead(&lead(1)).await.json()["run_id"]
        .as_str()
        .expect("a run")
        .to_owned();
    let event = lead(1)["event_id"].as_str().expect("an id").to_owned();
    for why in ["\u{1b}[2J", "a\nINFO forged", "a\u{202e}b"] {
        let body = json!({"why": why}).to_string();
        let request = api
            .client
            .post(api.url(&format!("/v1/leads/{event}/cancel")));
        let request = request.header("content-type", JSON).body(body);
        api.send(request).await.assert_problem(400);
    }
    for name in ["a%1Bb", "a%0Ab", "a%E2%80%AEb"] {
        let request = api
            .client
            .post(api.url(&format!("/v1/runs/{run}/signals/{name}")));
        let request = request.header("content-type", JSON).body("{}");
        api.send(request).await.assert_problem(400);
    }
}

#[tokio::test]
async fn bad_addresses_and_parameters_are_refused_with_a_problem() {
    let api = Api::start().await;
    let v1 = "3d1f6a52-7c1e-1b7a-9d55-0d6c1f3b9a10";
    let unknown = "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10";
    let rows = [
        ("/".to_owned(), 404),
        ("/v1/nothing".to_owned(), 404),
        ("/v1/leads/".to_owned(), 404),
        ("/v1/leads/none".to_owned(), 400),
        ("/v1/leads/%00".to_owned(), 400),
        ("/v1/leads/%ff".to_owned(), 400),
        (format!("/v1/leads/{v1}"), 400),
        (format!("/v1/leads/{unknown}"), 404),
        (format!("/v1/leads/{unknown}?account=a&account=b"), 400),
        (format!("/v1/leads/{unknown}?tenant=a"), 400),
        ("/v1/leads?state=asleep".to_owned(), 400),
        ("/v1/leads?limit=0".to_owned(), 400),
        ("/v1/leads?limit=201".to_owned(), 400),
        ("/v1/leads?limit=-1".to_owned(), 400),
        ("/v1/leads?cursor=abc".to_owned(), 400),
        ("/v1/leads?account=%00".to_owned(), 400),
        ("/v1/leads?connection=abc".to_owned(), 400),
        ("/v1/leads?q=".to_owned(), 400),
        ("/v1/leads?q=%00".to_owned(), 400),
        ("/v1/leads?q=%27%20or%201%3D1%20--".to_owned(), 400),
        (format!("/v1/leads?q={}", "5".repeat(4_000)), 400),
        ("/v1/leads?colour=red".to_owned(), 400),
        ("/v1/connections?state=asleep".to_owned(), 400),
    ];
    for (path, status) in rows {
        let answer = api.get(&path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        answer.assert_problem(status);
    }
}
