//! Links of ours: whoever has one is sent on, or told what became of it, and nothing is used up.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use leadrail_connections::links::{LinkKind, LinkSettings};
use leadrail_desk::{KeyMode, NewKey, Role};
use leadrail_engine::RunId;
use leadrail_outbound::OutboundUrl;
use leadrail_server::Admission;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Answer, Api, event_id, lead};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What is asked of whoever keeps the recordings, and what it answers.
#[derive(Clone)]
struct Keeper {
    asked: Arc<AtomicUsize>,
    last: Arc<Mutex<Value>>,
    answer: Arc<Mutex<(u16, String)>>,
}

impl Keeper {
    async fn start() -> (Self, SocketAddr) {
        let keeper = Self {
            asked: Arc::default(),
            last: Arc::default(),
            answer: Arc::new(Mutex::new((
                200,
                json!({"url": "https://storage.example.com/fresh?X-Amz-Signature=1"}).to_string(),
            ))),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let routes = Router::new()
            .route("/sign", post(signs))
            .with_state(keeper.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (keeper, address)
    }

    fn answers(&self, status: u16, body: &impl ToString) {
        *self.answer.lock().expect("unbroken") = (status, body.to_string());
    }
}

async fn signs(
    State(keeper): State<Keeper>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    keeper.asked.fetch_add(1, Ordering::Relaxed);
    let mut asked: Value = serde_json::from_str(&body).expect("JSON");
    asked["authorization"] = headers["authorization"].to_str().expect("text").into();
    *keeper.last.lock().expect("unbroken") = asked;
    let (status, answer) = keeper.answer.lock().expect("unbroken").clone();
    (StatusCode::from_u16(status).expect("a status"), answer)
}

fn settings(refresh: Option<SocketAddr>) -> LinkSettings {
    LinkSettings {
        public_url: Some("https://leads.example.com".parse().expect("an address")),
        refresh_url: refresh
            .map(|at| OutboundUrl::parse(&format!("http://{at}/sign")).expect("an address")),
        refresh_secret: Some("shared-canary".to_owned().into()),
    }
}

/// An API with a lead in it; the ids of its links.
async fn linked(refresh: Option<SocketAddr>, lead: &Value) -> (Api, RunId, [String; 2]) {
    let admission = Admission {
        hosts: vec!["leads.example.com".to_owned()],
        ..Admission::default()
    };
    let api = Api::linking(admission, settings(refresh)).await;
    assert_eq!(api.post_lead(lead).await.status, 202);
    let id = event_id(lead).parse().expect("an id");
    let run = api.desk.lead(id, None).await.expect("there").id;
    let links = api.desk.doors().expect("doors").links();
    let path = async |kind| {
        let link = links.link(run, kind).await.expect("a key").expect("a link");
        link.strip_prefix("https://leads.example.com")
            .expect("ours")
            .to_owned()
    };
    let paths = [
        path(LinkKind::Recording).await,
        path(LinkKind::Transcript).await,
    ];
    (api, run, paths)
}

/// As somebody outside comes, through the proxy.
async fn follow(api: &Api, path: &str) -> Answer {
    call(api, Method::GET, path).await
}

async fn call(api: &Api, method: Method, path: &str) -> Answer {
    #[expect(clippy::disallowed_methods, reason = "our own API is called")]
    let client = reqwest::Client::builder();
    let client = client
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    let client = client.build().expect("a client");
    let request = client.request(method, api.url(path));
    api.send(request.header("host", "leads.example.com")).await
}

fn assert_kept_by_nobody(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    let robots = answer.header("x-robots-tag").expect("for robots");
    assert!(robots.contains("noindex"));
}

async fn opened(api: &Api) -> i64 {
    let opened = sqlx::query_scalar("select coalesce(sum(opened), 0)::bigint from leadrail.link");
    opened.fetch_one(api.pool()).await.expect("counted")
}

/// A lead that came now, as the database has it.
fn fresh(n: u64) -> Value {
    let mut lead = lead(n);
    lead["timestamp_utc"] = Value::Null;
    lead
}

#[tokio::test]
async fn after_thirty_days_every_link_leads_to_a_fresh_one() {
    let (keeper, at) = Keeper::start().await;
    let (api, _, paths) = linked(Some(at), &fresh(1)).await;
    api.desk
        .engine()
        .shift_clock(30 * DAY)
        .await
        .expect("shifted");
    for (path, kind) in paths.iter().zip(["recording", "transcript"]) {
        for _ in 0..3 {
            let there = follow(&api, path).await;
            assert_eq!(there.status, 302, "{}", there.text);
            assert_eq!(
                there.header("location"),
                Some("https://storage.example.com/fresh?X-Amz-Signature=1")
            );
            assert_kept_by_nobody(&there);
        }
        let asked = keeper.last.lock().expect("unbroken").clone();
        assert_eq!(asked["kind"], kind);
        assert_eq!(asked["account"], "acme");
        assert_eq!(asked["event_id"], lead(1)["event_id"]);
        assert_eq!(asked["call_id"], lead(1)["call"]["call_id"]);
        assert_eq!(asked["authorization"], "Bearer shared-canary");
        let url = asked["url"].as_str().expect("a link");
        assert!(
            url.starts_with("https://storage.example.com/") && !url.contains('?'),
            "{url}"
        );
    }
    assert_eq!(opened(&api).await, 6);
}

#[tokio::test]
async fn without_anybody_to_ask_a_link_leads_to_the_payloads_while_that_lives() {
    let mut lead = fresh(1);
    lead["call"]["transcript_url"] = json!(
        "https://storage.example.com/t?X-Amz-Date=20000101T000000Z&X-Amz-Expires=60&X-Amz-Signature=1"
    );
    let (api, _, [recording, transcript]) = linked(None, &lead).await;
    let there = follow(&api, &recording).await;
    assert_eq!(there.status, 302);
    assert_eq!(
        there.header("location"),
        lead["call"]["recording_url"].as_str()
    );
    let signed_long_ago = follow(&api, &transcript).await;
    assert_eq!(
        signed_long_ago.status, 410,
        "its own signature says when it dies"
    );
    api.desk.engine().shift_clock(DAY).await.expect("shifted");
    let ended = follow(&api, &recording).await;
    assert_eq!(ended.status, 410);
    assert_eq!(
        ended.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_kept_by_nobody(&ended);
    let call = lead["call"]["call_id"].as_str().expect("an id");
    assert!(ended.text.contains("This link has ended") && ended.text.contains(call));
    for said in [
        "/contact/first_name",
        "/contact/last_name",
        "/contact/phone",
        "/call/transcript_summary",
    ] {
        let said = lead.pointer(said).and_then(Value::as_str).expect("said");
        assert!(!ended.text.contains(said), "a page for anybody says {said}");
    }
    assert_eq!(opened(&api).await, 1);
}

#[tokio::test]
async fn what_looks_at_a_link_uses_nothing_up() {
    let (keeper, at) = Keeper::start().await;
    let (api, _, [recording, _]) = linked(Some(at), &fresh(1)).await;
    for _ in 0..3 {
        let looked = call(&api, Method::HEAD, &recording).await;
        assert_eq!((looked.status, looked.header("location")), (204, None));
        assert_kept_by_nobody(&looked);
    }
    assert_eq!(
        (keeper.asked.load(Ordering::Relaxed), opened(&api).await),
        (0, 0)
    );
    assert_eq!(call(&api, Method::POST, &recording).await.status, 405);
    assert_eq!(follow(&api, &recording).await.status, 302);
}

#[tokio::test]
async fn what_looks_at_a_link_is_told_what_following_it_says() {
    let (api, _, [recording, transcript]) = linked(None, &fresh(1)).await;
    assert_eq!(call(&api, Method::HEAD, &recording).await.status, 204);
    api.desk.engine().shift_clock(DAY).await.expect("shifted");
    for method in [Method::HEAD, Method::GET] {
        let ended = call(&api, method, &recording).await;
        assert_eq!(ended.status, 410, "nobody is asked for another");
    }
    let (keeper, at) = Keeper::start().await;
    let (asking, _, [asked, _]) = linked(Some(at), &fresh(1)).await;
    let body = json!({"event_id": event_id(&lead(1))});
    let erasing = asking.client.post(asking.url("/v1/erasures")).json(&body);
    let erased = asking.send(erasing).await.json();
    assert_eq!(erased["erased"], 1, "{erased}");
    for method in [Method::HEAD, Method::GET] {
        let forgotten = call(&asking, method, &asked).await;
        assert_eq!(forgotten.status, 410, "{}", forgotten.text);
    }
    assert_eq!(keeper.asked.load(Ordering::Relaxed), 0);
    assert_eq!(call(&api, Method::HEAD, &transcript).await.status, 410);
}

#[tokio::test]
async fn whoever_keeps_the_recordings_may_answer_anything() {
    let (keeper, at) = Keeper::start().await;
    let (api, _, [recording, _]) = linked(Some(at), &fresh(1)).await;
    let original = fresh(1)["call"]["recording_url"].clone();
    let wrong = [
        (500, json!({})),
        (302, json!({})),
        (200, json!({})),
        (200, json!({"url": "javascript:alert(1)"})),
        (200, json!({"url": "http://storage.example.com/plain"})),
        (
            200,
            json!({"url": "https://user:pass@storage.example.com/"}),
        ),
        (200, json!({"url": "https://169.254.169.254/latest"})),
        (200, json!({"url": "https://10.0.0.1/inside"})),
        (200, json!({"url": "x".repeat(100_000)})),
        (401, json!({"url": "https://storage.example.com/"})),
    ];
    for (status, body) in &wrong {
        keeper.answers(*status, body);
        let there = follow(&api, &recording).await;
        assert_eq!(
            there.header("location"),
            original.as_str(),
            "{status} {body}: the payload's own lives"
        );
    }
    api.desk
        .engine()
        .shift_clock(2 * DAY)
        .await
        .expect("shifted");
    for (status, body) in &wrong {
        keeper.answers(*status, body);
        let later = follow(&api, &recording).await;
        assert_eq!(
            (later.status, later.header("retry-after")),
            (503, Some("60")),
            "{status} {body}"
        );
        assert!(later.text.contains("try it again"), "{}", later.text);
    }
    for gone in [404, 410] {
        keeper.answers(gone, &"");
        let gone = follow(&api, &recording).await;
        assert_eq!(gone.status, 410);
        assert!(gone.text.contains("does not keep it"), "{}", gone.text);
    }
}

#[tokio::test]
async fn what_is_not_ours_leads_nowhere() {
    let (api, _, [recording, _]) = linked(None, &fresh(1)).await;
    let other = recording.replace("/r/", "/r/A");
    let long = format!("/r/{}", "a".repeat(4_000));
    for path in [
        "/r/x",
        "/r/%ff%00",
        "/r/..%2f..%2fv1",
        &other[..recording.len()],
        &long,
    ] {
        let unknown = follow(&api, path).await;
        assert_eq!(unknown.status, 404, "{path}");
        assert!(
            unknown.text.contains("There is no such link"),
            "{}",
            unknown.text
        );
    }
    // Nobody is sent where a payload must not lead.
    for url in [
        "https://169.254.169.254/x",
        "http://storage.example.com/plain",
    ] {
        let mut lead = fresh(2);
        lead["event_id"] = json!(uuid::Uuid::new_v4());
        lead["call"]["recording_url"] = json!(url);
        let (api, _, [recording, _]) = linked(None, &lead).await;
        assert_eq!(follow(&api, &recording).await.status, 410, "{url}");
    }
}

#[tokio::test]
async fn a_link_that_was_taken_back_leads_nowhere_for_good() {
    let (api, _, [recording, transcript]) = linked(None, &fresh(1)).await;
    let path = format!("/v1/leads/{}/links", event_id(&lead(1)));
    let listed = api.get(&path).await.json();
    assert_eq!(listed["links"][0]["state"], "works");
    let url = listed["links"][0]["url"].as_str().expect("a link");
    assert!(url.ends_with(&recording), "{url}");
    let revoked = api
        .call(Method::DELETE, &format!("{path}?kind=recording"))
        .await;
    assert_eq!(revoked.json(), json!({"revoked": 1}));
    let lost = follow(&api, &recording).await;
    assert_eq!(lost.status, 410);
    assert!(
        lost.text.contains("taken back") && !lost.text.contains("call of"),
        "{}",
        lost.text
    );
    assert_eq!(call(&api, Method::HEAD, &recording).await.status, 410);
    assert_eq!(follow(&api, &transcript).await.status, 302);
    let again = api.call(Method::DELETE, &path).await;
    assert_eq!(
        again.json(),
        json!({"revoked": 1}),
        "only the other one is new"
    );
    let listed = api.get(&path).await.json();
    assert_eq!(listed["links"][1]["state"], "revoked");
    assert_eq!(listed["links"][1]["opened"], 1);
    let log = api.get("/v1/audit?action=link.revoke").await.json();
    assert_eq!(log["entries"][0]["outcome"], "1 revoked");
    api.call(Method::DELETE, &format!("{path}?kind=video"))
        .await
        .assert_problem(400);
}

#[tokio::test]
async fn only_an_accounts_own_links_are_seen_and_taken_back_by_it() {
    let (api, ..) = linked(None, &fresh(1)).await;
    let actor = leadrail_desk::Actor::System { part: "test" };
    let path = format!("/v1/leads/{}/links", event_id(&lead(1)));
    for (role, account, get, delete) in [
        (Role::Account, Some("acme"), 200, 200),
        (Role::Account, Some("other"), 404, 404),
        (Role::Intake, None, 403, 403),
        (Role::OperatorReadOnly, None, 200, 403),
    ] {
        let new = NewKey {
            mode: KeyMode::Live,
            purpose: format!("{role} {account:?}"),
            role,
            account: account.map(str::to_owned),
            expires_in: None,
        };
        let made = api.desk.create_key(&actor, new).await.expect("made");
        for (method, expected) in [(Method::GET, get), (Method::DELETE, delete)] {
            let request = api.client.request(method, api.url(&path));
            let answer = api
                .send(request.bearer_auth(made.secret.expose_secret()))
                .await;
            assert_eq!(answer.status, expected, "{role} {account:?}");
        }
    }
}
