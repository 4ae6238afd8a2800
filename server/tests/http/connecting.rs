//! Connecting accounts through the API: what is given is checked, kept sealed and never shown.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api, JSON};

async fn send(api: &Api, method: Method, path: &str, body: &Value) -> Answer {
    let request = api.client.request(method, api.url(path));
    let request = request.header("content-type", JSON).body(body.to_string());
    api.send(request).await
}

async fn connect(api: &Api, body: &Value) -> Answer {
    send(api, Method::POST, "/v1/connections", body).await
}

fn acme() -> Value {
    json!({
        "account": "acme", "crm": "housecall_pro", "secrets": {"api_key": "sk-canary"},
        "base_url": "http://127.0.0.1:4010/housecall_pro", "settings": {"lead_source": "Phone"},
    })
}

#[tokio::test]
async fn an_account_is_connected_changed_switched_off_and_on_and_taken_away() {
    let api = Api::start().await;
    let made = connect(&api, &acme()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert!(!made.text.contains("canary"), "{}", made.text);
    let made_view = made.json();
    let path = format!(
        "/v1/connections/{}",
        made_view["id"].as_str().expect("an id")
    );
    assert_eq!(made.headers["location"], path.as_str());

    let again = connect(
        &api,
        &json!({
            "account": "acme", "crm": "housecall_pro", "secrets": {"api_key": "sk-canary-2"},
            "settings": {"tag": "night"},
        }),
    )
    .await
    .json();
    assert_eq!(
        again["id"], made_view["id"],
        "connected again, the same connection"
    );
    assert_eq!(
        again["settings"],
        json!({"lead_source": "Phone", "tag": "night"})
    );
    assert_eq!(again["base_url"], made_view["base_url"]);

    let off = send(
        &api,
        Method::POST,
        &format!("{path}/disable"),
        &json!({"why": "moved"}),
    )
    .await;
    assert_eq!(
        (off.status, off.json()["state_reason"].clone()),
        (200, json!("moved"))
    );
    let on = api.call(Method::POST, &format!("{path}/enable")).await;
    assert_eq!(
        (on.status, on.json()["state"].clone()),
        (200, json!("active"))
    );
    let shown = api.get(&path).await;
    assert!(
        shown.status == 200 && !shown.text.contains("canary"),
        "{}",
        shown.text
    );

    assert_eq!(api.call(Method::DELETE, &path).await.status, 204);
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/enable")),
    ] {
        assert_eq!(api.call(method, &path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_a_sentence_and_nothing_is_kept() {
    let api = Api::start().await;
    let with = |field: &str, value: Value| {
        let mut body = acme();
        body[field] = value;
        body
    };
    for (body, says) in [
        (json!([]), "secrets"),
        (json!({"crm": "housecall_pro", "secrets": {}}), "account"),
        (with("crm", json!("housecal_pro")), "housecall_pro"),
        (with("auth_method", json!("magic")), "api_key"),
        (with("secrets", json!({})), "api_key"),
        (with("secrets", json!({"password": "sk-canary"})), "api_key"),
        (
            with("secrets", json!({"api_key": "sk-canary\u{0}"})),
            "zero bytes",
        ),
        (with("secrets", json!("sk-canary")), "secrets"),
        (
            with("base_url", json!("http://169.254.169.254/")),
            "base URL",
        ),
        (
            with("base_url", json!("https://u:sk-canary@crm.example")),
            "base URL",
        ),
        (with("settings", json!({"lead_sauce": "x"})), "lead_sauce"),
        (with("settings", json!({"lead_source": 7})), "lead_source"),
        (with("account", json!("")), "account"),
        (with("secret", json!("sk-canary")), "secrets"),
    ] {
        let answer = connect(&api, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        assert!(answer.text.contains(says), "{body}: {}", answer.text);
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
    let kept = api.get("/v1/connections").await.json();
    assert_eq!(kept, json!({"connections": []}));
}

#[tokio::test]
async fn a_connection_is_made_first_and_signed_in_to_later_under_the_same_id() {
    let api = Api::start().await;
    let mut without = acme();
    without
        .as_object_mut()
        .expect("an object")
        .remove("secrets");
    let made = connect(&api, &without).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let pending = made.json();
    assert_eq!(pending["state"], "pending");
    assert_eq!(pending["state_reason"], "nobody has signed in yet");
    let again = connect(&api, &without).await;
    let problem = again.assert_problem(409);
    let id = pending["id"].as_str().expect("an id");
    assert!(problem["detail"].as_str().expect("words").contains(id));
    let path = format!("/v1/connections/{id}");
    for (verb, body) in [("pause", json!({"why": "x"})), ("resume", json!({}))] {
        let refused = send(&api, Method::POST, &format!("{path}/{verb}"), &body).await;
        let problem = refused.assert_problem(409);
        let detail = problem["detail"].as_str().expect("words");
        assert!(detail.contains("nobody has signed in"), "{detail}");
    }
    let tested = api.call(Method::POST, &format!("{path}/test")).await.json();
    assert_eq!(
        (&tested["ok"], &tested["reason"]),
        (&json!(false), &json!("pending"))
    );
    let signed_in = connect(&api, &acme()).await.json();
    assert_eq!(
        (&signed_in["id"], &signed_in["state"]),
        (&pending["id"], &json!("active"))
    );
}

#[tokio::test]
async fn a_connection_is_paused_and_goes_on_and_both_are_audited() {
    let api = Api::start().await;
    let made = connect(&api, &acme()).await.json();
    let path = format!("/v1/connections/{}", made["id"].as_str().expect("an id"));
    let pause = format!("{path}/pause");
    for body in [
        json!({}),
        json!({"why": 7}),
        json!({"why": "x", "until": "x"}),
    ] {
        send(&api, Method::POST, &pause, &body)
            .await
            .assert_problem(400);
    }
    let why = "in\u{0}August ".repeat(200);
    for reason in [why.as_str(), "twice"] {
        let paused = send(&api, Method::POST, &pause, &json!({"why": reason})).await;
        let view = paused.json();
        assert_eq!((paused.status, &view["state"]), (200, &json!("paused")));
        let said = view["state_reason"].as_str().expect("words");
        assert!(said.starts_with("in August in August") && said.len() <= 500);
    }
    let listed = api.get("/v1/connections?state=paused").await.json();
    assert_eq!(listed["connections"][0]["id"], made["id"]);
    let resume = format!("{path}/resume");
    for _ in 0..2 {
        let resumed = api.call(Method::POST, &resume).await;
        let view = resumed.json();
        assert_eq!((resumed.status, &view["state"]), (200, &json!("active")));
        assert_eq!(view["state_reason"], Value::Null);
    }
    let audit = format!("/v1/audit?subject={}", made["id"].as_str().expect("an id"));
    let audit = api.get(&audit).await.json();
    let done = audit["entries"].as_array().expect("entries").iter();
    let done: Vec<_> = done
        .filter(|entry| entry["action"] != "connection.release")
        .map(|entry| (entry["action"].as_str(), entry["outcome"].as_str()))
        .collect();
    assert_eq!(
        done,
        [
            (Some("connection.resume"), Some("active already")),
            (Some("connection.resume"), Some("state: paused -> active")),
            (Some("connection.pause"), Some("paused already")),
            (Some("connection.pause"), Some("state: active -> paused")),
            (
                Some("connection.connect"),
                Some(
                    "auth_method: none -> api_key; base_url: none -> \
                     \"http://127.0.0.1:4010/housecall_pro\"; secrets: none -> 1; \
                     settings.lead_source: none -> \"Phone\"; state: none -> active"
                )
            ),
        ]
    );
}
