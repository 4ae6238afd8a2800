//! A preview shows what is sent, and every setting that is advertised does something.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use leadrail_adapters::{
    Links, Made, PlannedRequest, SettingInfo, SettingKind, Settings, Slot, Target, preview,
};
use leadrail_engine::RunState;
use leadrail_lead::Lead;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::subject::Subject;
use super::subjects::SUBJECTS;
use crate::kit::Scene;

/// What a preview shows in the place of a secret.
const MASK: &str = "********";

/// A request as the CRM was sent it.
struct Sent {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Option<Value>,
}

impl Sent {
    /// Whether it looks for the same as the one before by something else, where that found nothing. A
    /// preview shows the first request of each step.
    fn is_another_look(&self, first: &Self) -> bool {
        let route = |sent: &Self| sent.path.split('?').next().map(str::to_owned);
        self.method == "GET" && first.method == "GET" && route(self) == route(first)
    }
}

type Seen = Arc<Mutex<Vec<Sent>>>;

pub(super) async fn a_preview_is_what_is_sent(subject: &Subject) {
    let scene = subject.connected(json!({})).await;
    let (seen, address) = listen(&scene).await;
    let base_url = format!("{address}/{}", subject.crm());
    let mut overheard = scene.new_connection(json!({}));
    overheard.base_url = Some(base_url.clone());
    scene.connections.add(overheard).await.expect("connected");

    let payload = subject.lead(1);
    let run = scene.submit(payload.clone()).await.run_id;
    scene.until(run, RunState::Completed).await;
    let made: Made = serde_json::from_value(scene.output(run).await).expect("records");

    let lead = Lead::from_value(payload).expect("valid");
    let links = scene.doors().links().links(run).await.expect("a key");
    let settings = settings_of(subject);
    let planned = planned(subject, &settings, &lead, Some(&base_url), links.as_links());
    let mut sent = std::mem::take(&mut *seen.lock().expect("no panic"));
    sent.dedup_by(|next, first| next.is_another_look(first));
    assert_eq!(planned.len(), sent.len());
    for (planned, sent) in planned.into_iter().zip(sent) {
        let step = planned.activity;
        assert_eq!(planned.method, sent.method, "{step}");
        let path = planned.url.strip_prefix(&address).expect("the address");
        assert_eq!(with_ids(path, &made), sent.path, "{step}");
        assert_eq!(
            planned.body,
            sent.body.map(|body| in_words(body, &made)),
            "{step}"
        );
        for (name, value) in planned.headers {
            assert_eq!(
                masked(subject, &sent.headers[&name]),
                value,
                "{step} {name}"
            );
        }
        let sent = sent.headers.values();
        let secret = |text: &&String| masked(subject, text) != **text;
        assert!(
            sent.clone().any(|text| secret(&text)),
            "{step} is sent without a secret"
        );
    }
    scene.end().await;
}

fn settings_of(subject: &Subject) -> Map<String, Value> {
    let settings = (subject.access.settings)();
    settings.as_object().expect("an object").clone()
}

fn planned(
    subject: &Subject,
    settings: &Map<String, Value>,
    lead: &Lead,
    base_url: Option<&str>,
    links: Links<'_>,
) -> Vec<PlannedRequest> {
    let adapter = subject.adapter();
    let settings = Settings::check(adapter.crm(), settings).expect("accepted");
    let target = Target::new(adapter.crm())
        .expect("a target")
        .with_settings(settings);
    let target = match base_url {
        Some(url) => target.with_base_url(url).expect("an address"),
        None => target,
    };
    preview(adapter, &target, lead, links, None)
}

/// The simulated CRM at another address, where everything that comes is written down.
async fn listen(scene: &Scene) -> (Seen, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let seen = Seen::default();
    let router = scene
        .sim
        .router()
        .layer(from_fn_with_state(seen.clone(), write_down));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (seen, address)
}

async fn write_down(State(seen): State<Seen>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let headers = head.headers.iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()));
    seen.lock().expect("no panic").push(Sent {
        method: head.method.to_string(),
        path: head.uri.to_string(),
        headers: headers.collect(),
        body: serde_json::from_slice(&body).ok(),
    });
    next.run(Request::from_parts(head, Body::from(body))).await
}

/// The words that stand in a preview for a record that would only come into being.
fn words(slot: Slot) -> String {
    format!("(id of the {} created before)", slot.as_str())
}

/// A previewed path with the ids of what was made in the place of words.
fn with_ids(path: &str, made: &Made) -> String {
    Slot::ALL.into_iter().fold(path.to_owned(), |path, slot| {
        let id = made.get(slot).map_or("", |record| record.id.as_str());
        path.replace(&words(slot).replace(' ', "%20"), id)
    })
}

/// A body that was sent, with words in the place of the ids of what was made.
fn in_words(body: Value, made: &Made) -> Value {
    let word = |id: &str| {
        let mut slots = Slot::ALL.into_iter();
        let slot = slots.find(|slot| made.get(*slot).is_some_and(|record| record.id == id));
        slot.map(|slot| Value::from(words(slot)))
    };
    match body {
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields
                .map(|(name, value)| (name, in_words(value, made)))
                .collect()
        }
        Value::Array(items) => items.into_iter().map(|item| in_words(item, made)).collect(),
        Value::String(text) => word(&text).unwrap_or(Value::String(text)),
        Value::Number(number) => word(&number.to_string()).unwrap_or(Value::Number(number)),
        other => other,
    }
}

fn masked(subject: &Subject, text: &str) -> String {
    let secrets = subject.access.ways[0].secrets.iter();
    secrets.fold(text.to_owned(), |text, (_, secret)| {
        text.replace(secret, MASK)
    })
}

#[test]
fn every_setting_is_accepted_and_changes_a_request() {
    for subject in SUBJECTS {
        for info in subject.adapter().crm().settings {
            let of_crm = SUBJECTS.iter().filter(|other| other.crm() == subject.crm());
            let changed = of_crm
                .filter(|other| changes_a_request(other, info))
                .count();
            assert!(
                changed > 0,
                "{} does nothing at {}",
                info.name,
                subject.crm()
            );
        }
    }
}

/// Whether a subject's requests are others once the setting has another value. No address is given, for one
/// may be what is set.
fn changes_a_request(subject: &Subject, info: &SettingInfo) -> bool {
    let lead = Lead::from_value(subject.lead(1)).expect("valid");
    let usual = settings_of(subject);
    let mut changed = usual.clone();
    changed.insert(info.name.to_owned(), another(info, usual.get(info.name)));
    let before = planned(subject, &usual, &lead, None, Links::NONE);
    before != planned(subject, &changed, &lead, None, Links::NONE)
}

/// A value of the setting's kind that is not the one it has.
fn another(info: &SettingInfo, value: Option<&Value>) -> Value {
    const GUID: &str = "1f0e3dad-9990-4e4b-8b3a-6b2ddc1ab5f1";
    match info.kind {
        SettingKind::Text(most) => GUID.chars().take(most).collect::<String>().into(),
        SettingKind::Switch => (value != Some(&Value::Bool(true))).into(),
        SettingKind::Id { .. } | SettingKind::Number { .. } => 4711.into(),
        SettingKind::Choice(choices) => {
            let now = value.and_then(Value::as_str).unwrap_or(choices[0]);
            let mut others = choices.iter().filter(|choice| **choice != now);
            (*others.next().expect("a choice has two values")).into()
        }
    }
}
