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
