//! A CRM on a local port that answers by script and remembers what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use futures::stream;
use http::request::Parts;
use leadrail_lead::{Lead, Marker};
use leadrail_outbound::{Guard, Outbound};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{
    AccountInfo, AdapterError, AdapterResult, Answer, AuthMethod, CallBudget, CrmAdapter, CrmInfo,
    Failure, Filing, FixedHeader, Grant, Links, Made, Place, Plan, Record, Required, SecretInfo,
    Secrets, Session, SettingInfo, SettingKind, Settings, StepKey, Target, Verdict,
};

/// When every step of a [`Scene`] began.
const BEGAN: &str = "2026-06-10T09:00:00Z";

/// Every secret of every scripted session.
pub(crate) const KEY: &str = "canary_key_9f31";

/// A CRM that there is not, to try what all CRMs share.
pub(crate) static EXAMPLE: CrmInfo = CrmInfo {
    name: "example",
    title: "Example CRM",
    base_url: "https://crm.example/v1",
    environments: &[],
    auth: &[
        AuthMethod {
            id: "api_key",
            title: "API key",
            help: "Ask the example.",
            secrets: &[SecretInfo {
                name: "api_key",
                title: "API key",
            }],
            places: &[Place::Header("authorization", "Token {api_key}")],
            grant: Grant::Given,
        },
        AuthMethod {
            id: "bearer_token",
            title: "Access token",
            help: "Ask the example.",
            secrets: &[SecretInfo {
                name: "access_token",
                title: "Access token",
            }],
            places: &[Place::Header("authorization", "Bearer {access_token}")],
            grant: Grant::Given,
        },
    ],
    headers: &[FixedHeader {
        name: "x-api-version",
        value: "2026-01-01",
        setting: Some("api_version"),
    }],
    call_timeout: Duration::from_secs(20),
    max_body: 64 * 1024,
    rate: None,
    limits: &[],
    settings: &[
        SettingInfo {
            name: "label",
            title: "Label",
            kind: SettingKind::Text(100),
            required: Required::Never,
            help: "A label.",
        },
        SettingInfo {
            name: "mode",
            title: "Mode",
            kind: SettingKind::Choice(&["lead", "job"]),
            required: Required::Never,
            help: "What is made.",
        },
        SettingInfo {
            name: "notify",
            title: "Messages",
            kind: SettingKind::Switch,
            required: Required::Never,
            help: "Whether messages go out.",
        },
        SettingInfo {
            name: "board",
            title: "Board",
            kind: SettingKind::Id { options: true },
            required: Required::Always,
            help: "Where leads go.",
        },
        SettingInfo {
            name: "shop",
            title: "Shop",
            kind: SettingKind::Number { options: false },
            required: Required::Never,
            help: "Which shop.",
        },
        SettingInfo {
            name: "price",
            title: "Price list",
            kind: SettingKind::Id { options: false },
            required: Required::When("mode", "job"),
            help: "What jobs cost.",
        },
    ],
};

/// The adapter of [`EXAMPLE`]: it files nothing, and its answers may say no with a 200, and how many
/// points are left.
pub(crate) struct Example;

#[async_trait::async_trait]
impl CrmAdapter for Example {
    fn crm(&self) -> &'static CrmInfo {
        &EXAMPLE
    }

    fn plans(&self) -> &'static [Plan] {
        &[Plan {
            name: "nothing",
            steps: &[],
        }]
    }

    fn judge(&self, answer: &Answer<'_>) -> Verdict {
        let mut verdict = Verdict::shared(&EXAMPLE, answer);
        let body: Value = serde_json::from_slice(answer.body).unwrap_or_default();
        if verdict.result.is_ok() && body["flag"] == false {
            let refused = Failure::new("flagged", "Example CRM says no").with_status(200);
            verdict.result = Err(AdapterError::Rejected(refused));
        }
        if let Some(points) = body["points"].as_u64() {
            verdict.budget = Some(CallBudget {
                left: u32::try_from(points / 10).unwrap(),
                resets_in: Duration::from_secs(5),
            });
        }
        verdict
    }

    async fn check(&self, session: &Session) -> AdapterResult<AccountInfo> {
        session.send_only(crate::CrmRequest::get("/me")).await?;
        Ok(AccountInfo {
            id: None,
            name: "an example".to_owned(),
        })
    }
}

/// A lead at a step, with all that a [`Filing`] borrows.
pub(crate) struct Scene {
    pub(crate) lead: Lead,
    pub(crate) settings: Settings,
    pub(crate) marker: Marker,
    pub(crate) links: Links<'static>,
    pub(crate) since: DateTime<Utc>,
    pub(crate) made: Made,
}

impl Scene {
    /// The example lead with fresh links, nothing made yet, marked `lr-7f3k2m9q`.
    pub(crate) fn new() -> Self {
        Self::of(lead_with(|_| {}))
    }

    pub(crate) fn of(lead: Lead) -> Self {
        Self {
            lead,
            settings: Settings::default(),
            marker: "lr-7f3k2m9q".parse().unwrap(),
            links: Links::WORDS,
            since: BEGAN.parse().unwrap(),
            made: Made::default(),
        }
    }

    /// With this customer found or made before.
    pub(crate) fn for_customer(mut self, id: &str) -> Self {
        self.made.customer = Some(Record::new(id));
        self
    }

    pub(crate) fn filing(&self) -> Filing<'_> {
        Filing {
            lead: &self.lead,
            settings: &self.settings,
            marker: &self.marker,
            links: self.links,
            since: self.since,
            made: &self.made,
        }
    }

    /// Takes a step of the plan that the settings choose.
    pub(crate) async fn take(
        &self,
        adapter: &dyn CrmAdapter,
        key: StepKey,
        session: &Session,
    ) -> AdapterResult<Option<Record>> {
        let step = adapter
            .plan(&self.settings)
            .step(key)
            .expect("a step of the plan");
        step.run(session, &self.filing()).await
    }

    /// What a step's look finds, by id.
    pub(crate) async fn look(
        &self,
        adapter: &dyn CrmAdapter,
        key: StepKey,
        session: &Session,
    ) -> AdapterResult<Vec<String>> {
        let step = adapter
            .plan(&self.settings)
            .step(key)
            .expect("a step of the plan");
        let found = step.look(session, &self.filing()).await?;
        Ok(found
            .expect("a way to look")
            .into_iter()
            .map(|record| record.id)
            .collect())
    }
}

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
    /// A status, with the request's authorization header repeated in body and headers.
    Echo(u16),
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

    /// A session of this adapter with the scripted CRM.
    pub(crate) fn session_of(&self, adapter: &'static dyn CrmAdapter) -> Session {
        let target = target(adapter, &self.url);
        open(adapter, target.with_call_timeout(self.deadline))
    }

    /// A session of the [`Example`].
    pub(crate) fn session(&self) -> Session {
        self.session_of(&Example)
    }
}

/// A session of the [`Example`] with [`KEY`] against any URL.
pub(crate) fn session(url: &str) -> Session {
    session_with(&Example, url, Settings::default())
}

pub(crate) fn session_with(
    adapter: &'static dyn CrmAdapter,
    url: &str,
    settings: Settings,
) -> Session {
    let target = target(adapter, url).with_call_timeout(LONG);
    open(adapter, target.with_settings(settings))
}

fn open(adapter: &'static dyn CrmAdapter, target: Target) -> Session {
    adapter
        .open(
            &Outbound::new(Guard::with_loopback()).unwrap(),
            target,
            keys(adapter.crm(), KEY),
        )
        .unwrap()
}

/// This text as every secret of the first way in of which a person has all secrets.
pub(crate) fn keys(crm: &CrmInfo, key: &str) -> Secrets {
    let mut given = crm.auth.iter().filter(|way| way.provider().is_none());
    let usual = given.next().expect("a way in without a provider");
    let secrets = Secrets::new(usual.id);
    usual.secrets.iter().fold(secrets, |secrets, secret| {
        secrets.with(secret.name, SecretString::from(key))
    })
}

pub(crate) fn target(adapter: &dyn CrmAdapter, url: &str) -> Target {
    Target::new(adapter.crm())
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
        Script::Echo(status) => {
            let secret = authorization.unwrap().to_str().unwrap().to_owned();
            let body = json!({ "id": "cmp_1", "name": "Acme", "debug": secret }).to_string();
            respond(
                status,
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
