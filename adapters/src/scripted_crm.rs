//! A CRM on a local port that answers by script and remembers what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use futures::stream;
use http::request::Parts;
use leadrail_lead::Lead;
use leadrail_outbound::{Guard, Outbound};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{Credentials, Session, Settings, Target};

/// The API key of every scripted session.
pub(crate) const KEY: &str = "hcp_canary_key_9f31";

/// A deadline that a test waits for, and one that it never does.
const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(30);

/// One answer of the script.
pub(crate) enum Script {
    /// A status and a body.
    Say(u16, String),
    /// A status, headers and a body.
    SayWith(u16, Vec<(&'static str, String)>, String),
    /// No answer, ever.
    Hang,
    /// A 200 whose body comes a byte at a time and never ends.
    Drip,
    /// A 200 whose body comes as fast as it can and never ends.
    Flood,
    /// A status, and a body that breaks off.
    BreakOff(u16),
    /// A 200 that repeats the request's authorization header in its body and headers.
    Echo,
}

/// A JSON answer.
pub(crate) fn say(status: u16, body: &Value) -> Script {
    Script::Say(status, body.to_string())
}

/// A request as it arrived.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<Value>,
}

type Shared = Arc<Mutex<(VecDeque<Script>, Vec<Seen>)>>;

/// A running scripted CRM; it ends with the test's runtime.
pub(crate) struct ScriptedCrm {
    pub(crate) url: String,
    shared: Shared,
    deadline: Duration,
}

impl ScriptedCrm {
    /// Answers in this order. A request beyond the script is answered with 418, which no test
    /// expects.
    pub(crate) async fn start(script: impl IntoIterator<Item = Script>) -> Self {
        let script: VecDeque<Script> = script.into_iter().collect();
        let waits = script
            .iter()
            .any(|answer| matches!(answer, Script::Hang | Script::Drip));
        let deadline = if waits { SHORT } else { LONG };
        let shared: Shared = Arc::new(Mutex::new((script, Vec::new())));
        let app = Router::new().fallback(answer).with_state(shared.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        ScriptedCrm {
            url,
            shared,
            deadline,
        }
    }

    /// What was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.lock().unwrap().1.clone()
    }

    /// Everything was asked that the script has an answer for.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.lock().unwrap().0.is_empty()
    }

    pub(crate) fn session(&self) -> Session {
        open(target(&self.url).with_call_timeout(self.deadline))
    }
}

/// A session with [`KEY`] against any URL.
pub(crate) fn session(url: &str) -> Session {
    session_with(url, Settings::default())
}

pub(crate) fn session_with(url: &str, settings: Settings) -> Session {
    open(target(url).with_call_timeout(LONG).with_settings(settings))
}

fn open(target: Target) -> Session {
    let credentials = Credentials::new("api_key").with("api_key", SecretString::from(KEY));
    let http = Outbound::new(Guard::with_loopback()).unwrap();
    Session::new(&http, target, credentials).unwrap()
}

pub(crate) fn target(url: &str) -> Target {
    Target::new(&crate::housecall_pro::HOUSECALL_PRO)
        .unwrap()
        .with_base_url(url)
        .unwrap()
}

/// The example lead after some changes to its JSON.
pub(crate) fn lead_with(change: impl FnOnce(&mut Value)) -> Lead {
    let mut payload = leadrail_lead::example();
    change(&mut payload);
    Lead::from_value(payload).unwrap_or_else(|faults| panic!("{faults}"))
}

/// A port that takes a connection and breaks it without a word.
pub(crate) async fn hangs_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 16]).await;
        }
    });
    url
}

/// A port that is asked for TLS and answers without it.
pub(crate) async fn speaks_plainly() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await;
            // Whoever closes before it has read everything resets the connection.
            let _ = connection.read_to_end(&mut Vec::new()).await;
        }
    });
    url
}

/// A port that nobody listens on.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn answer(State(shared): State<Shared>, parts: Parts, body: Bytes) -> Response {
    let authorization = parts.headers.get("authorization").cloned();
    let next = {
        let mut shared = shared.lock().unwrap();
        shared.1.push(seen(&parts, &body));
        shared.0.pop_front()
    };
    match next.unwrap_or_else(|| say(418, &json!({ "message": "the script is over" }))) {
        Script::Say(status, body) => respond(status, &[], Body::from(body)),
        Script::SayWith(status, headers, body) => respond(status, &headers, Body::from(body)),
        Script::Hang => std::future::pending().await,
        Script::Drip => respond(200, &[], drip()),
        Script::Flood => respond(200, &[], flood()),
        Script::BreakOff(status) => respond(status, &[], break_off()),
        Script::Echo => {
            let secret = authorization.unwrap().to_str().unwrap().to_owned();
            let body = json!({ "id": "cmp_1", "name": "Acme", "debug": secret }).to_string();
            respond(
                200,
                &[("server", secret.clone()), ("x-debug", secret)],
                Body::from(body),
            )
        }
    }
}

fn seen(parts: &Parts, body: &Bytes) -> Seen {
    let headers = parts.headers.iter();
    Seen {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: (!body.is_empty()).then(|| serde_json::from_slice(body).unwrap()),
    }
}

fn respond(status: u16, headers: &[(&'static str, String)], body: Body) -> Response {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(body).unwrap()
}

fn drip() -> Body {
    Body::from_stream(stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
    }))
}

fn flood() -> Body {
    let chunk = Bytes::from(vec![b' '; 64 * 1024]);
    Body::from_stream(stream::repeat_with(move || {
        Ok::<_, Infallible>(chunk.clone())
    }))
}

/// The server writes what it has when the body makes it wait, so the start does arrive.
fn break_off() -> Body {
    Body::from_stream(stream::unfold(true, |first| async move {
        if first {
            return Some((Ok(Bytes::from_static(b"{\"id\":")), false));
        }
        tokio::task::yield_now().await;
        Some((Err(std::io::Error::other("broken")), false))
    }))
}
