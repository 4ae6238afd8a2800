//! What the client does with an API that fails: tries again what passes, and nothing else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use leadrail_client::{Client, ClientError, Item};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the API does with one request.
#[derive(Clone)]
enum Does {
    /// Reads it and hangs up.
    HangsUp,
    /// Answers with this status, these headers and this body.
    Answers(u16, &'static str, Value),
    /// Promises more of a body than it sends.
    BreaksOff,
}

/// An API that does one thing after the other, the last one for ever.
struct Api {
    address: String,
    bodies: Arc<Mutex<Vec<Value>>>,
}

impl Api {
    async fn that(script: Vec<Does>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let bodies = Arc::<Mutex<Vec<Value>>>::default();
        let heard = bodies.clone();
        tokio::spawn(async move {
            for nth in 0.. {
                let (stream, _) = listener.accept().await.expect("a caller");
                let does = script[nth.min(script.len() - 1)].clone();
                serve(stream, does, &heard).await;
            }
        });
        Self { address, bodies }
    }

    fn client(&self) -> Client {
        let client = Client::new(&self.address, "lr_live_test").expect("a client");
        client.with_patience(Duration::from_secs(60))
    }

    fn bodies(&self) -> Vec<Value> {
        self.bodies.lock().expect("bodies").clone()
    }
}

/// Reads one request, which is heard before it is answered, and does that.
async fn serve(mut stream: TcpStream, does: Does, heard: &Mutex<Vec<Value>>) {
    let body = request_body(&mut stream).await;
    heard.lock().expect("bodies").push(body);
    let answer = match does {
        Does::HangsUp => String::new(),
        Does::BreaksOff => "HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\n\
                            content-length: 900\r\n\r\n{\"event_id\":"
            .to_owned(),
        Does::Answers(status, headers, body) => {
            let (body, close) = (body.to_string(), "connection: close\r\n");
            let length = body.len();
            format!("HTTP/1.1 {status} X\r\n{headers}{close}content-length: {length}\r\n\r\n{body}")
        }
    };
    // The client may be gone; that is its affair.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn request_body(stream: &mut TcpStream) -> Value {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().expect("a length"))
            });
            if body.len() >= length.unwrap_or(0) {
                return serde_json::from_str(body).unwrap_or(Value::Null);
            }
        }
        let read = stream.read_buf(&mut bytes).await.expect("a request");
        assert!(read > 0, "the request broke off");
    }
}

fn lead() -> Value {
    serde_json::to_value(leadrail_lead::example()).expect("JSON")
}

fn kept() -> Value {
    json!({
        "event_id": lead()["event_id"],
        "run_id": "0193f2b0-0000-7000-8000-000000000001",
        "state": "queued",
        "location": "/v1/leads/3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10",
        "warnings": [],
    })
}

fn problem(status: u16) -> Value {
    json!({
        "type": "urn:leadrail:problem:x", "title": "X", "status": status, "detail": "because",
        "errors": [{ "pointer": "/contact/phone", "code": "missing", "detail": "a number" }],
    })
}

#[tokio::test]
async fn whatever_passes_is_tried_again_with_the_same_lead() {
    let api = Api::that(vec![
        Does::HangsUp,
        Does::Answers(503, "retry-after: 0\r\n", problem(503)),
        Does::Answers(429, "retry-after: 1\r\n", problem(429)),
        Does::Answers(502, "", json!("a proxy's page")),
        Does::BreaksOff,
        Does::Answers(202, "", kept()),
    ])
    .await;
    let kept = api.client().push(&lead()).await.expect("kept");
    assert_eq!(kept.state, "queued");
    assert_eq!(api.bodies(), vec![lead(); 6]);
}

#[tokio::test]
async fn a_refusal_is_told_at_once_with_every_bad_field() {
    for status in [400, 401, 403, 404, 409, 413, 415, 422] {
        let api = Api::that(vec![Does::Answers(status, "", problem(status))]).await;
        let refused = api.client().push(&lead()).await.expect_err("refused");
        assert!(!refused.may_pass(), "{refused:?}");
        let ClientError::Refused(problem) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(problem.errors[0].pointer, "/contact/phone");
        assert_eq!(api.bodies().len(), 1);
    }
}

#[tokio::test]
async fn patience_ends_and_says_what_is_known() {
    let api = Api::that(vec![Does::HangsUp]).await;
    let client = api.client().with_patience(Duration::from_secs(5));
    let lost = client.push(&lead()).await.expect_err("no answer");
    assert!(matches!(lost, ClientError::NoAnswer(_)) && lost.may_pass());
    assert!(api.bodies().len() > 1, "it was tried again");

    let long = "retry-after: 3600\r\n";
    let api = Api::that(vec![Does::Answers(503, long, problem(503))]).await;
    let busy = api.client().push(&lead()).await.expect_err("busy");
    assert!(matches!(busy, ClientError::Busy(_)) && busy.may_pass());
    assert_eq!(api.bodies().len(), 1, "nobody waits for an hour");
}

#[tokio::test]
async fn a_batch_of_which_some_could_not_be_taken_now_is_sent_again_whole() {
    let batch = |second: Value| json!({ "accepted": 1, "duplicates": 0, "refused": 1, "results": [kept(), second] });
    let api = Api::that(vec![
        Does::Answers(207, "", batch(problem(503))),
        Does::Answers(207, "", batch(problem(422))),
    ])
    .await;
    let leads = vec![lead(), lead()];
    let items = api.client().push_many(&leads).await.expect("answered");
    assert!(matches!(&items[0], Item::Accepted(kept) if kept.state == "queued"));
    assert!(matches!(&items[1], Item::Refused(problem) if problem.status == 422));
    assert_eq!(api.bodies(), vec![json!(leads); 2]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_it_is() {
    for address in [
        "",
        "leads.example.com",
        "ftp://leads.example.com",
        "http://",
    ] {
        let refused = Client::new(address, "lr_live_test").expect_err(address);
        assert!(matches!(refused, ClientError::Address { .. }), "{refused}");
    }
    let refused = Client::new("https://leads.example.com", "two\nlines").expect_err("refused");
    assert!(matches!(refused, ClientError::Key) && !format!("{refused:?}").contains("lines"));
    let client = Client::new("https://leads.example.com", "lr_live_test").expect("a client");
    assert!(!format!("{client:?}").contains("lr_live_test"));
    let many = vec![json!({}); leadrail_client::MAX_BATCH + 1];
    let refused = client.push_many(&many).await.expect_err("refused");
    assert!(matches!(refused, ClientError::TooMany { most: 1_000 }));
    assert!(
        client
            .push_many(&[Value::Null; 0])
            .await
            .expect("none")
            .is_empty()
    );
}
