//! Whoever changes something is in the audit log, and stays there.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Api, JSON, event_id, lead};

async fn log(api: &Api, query: &str) -> Value {
    let answer = api.get(&format!("/v1/audit{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn connected(api: &Api, secret: &str) -> String {
    let body = json!({"account": "acme", "crm": "housecall_pro", "secrets": {"api_key": secret}});
    let request = api.client.post(api.url("/v1/connections"));
    let request = request.header("content-type", JSON).body(body.to_string());
    let made = api.send(request).await.json();
    made["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn every_change_says_who_made_it_and_no_secret() {
    let api = Api::start().await;
    let id = connected(&api, "sk-canary").await;
    let path = format!("/v1/connections/{id}");
    api.call(Method::POST, &format!("{path}/enable")).await;
    api.call(Method::DELETE, &path).await;
    let page = log(&api, &format!("?subject={id}")).await;
    let entries = page["entries"].as_array().expect("entries");
    let done: Vec<_> = entries
        .iter()
        .map(|entry| entry["action"].as_str())
        .collect();
    let expected = [
        "connection.delete",
        "connection.release",
        "connection.enable",
        "connection.release",
        "connection.connect",
    ];
    assert_eq!(done, expected.map(Some));
    assert!(entries.iter().all(|entry| entry["actor"] == "api:local"));
    assert!(!page.to_string().contains("canary"));
    let only = log(&api, "?action=connection.delete&actor=api:local").await;
    assert_eq!(only["entries"].as_array().map(Vec::len), Some(1));
    assert_eq!(log(&api, "?actor=cli:1").await["entries"], json!([]));
}

#[tokio::test]
async fn the_log_is_read_page_by_page_and_nobody_can_change_it() {
    let api = Api::start().await;
    for _ in 0..3 {
        connected(&api, "sk-canary").await;
    }
    let first = log(&api, "?limit=4").await;
    let cursor = &first["next_cursor"];
    let second = log(&api, &format!("?limit=4&cursor={cursor}")).await;
    let ids = |page: &Value| -> Vec<i64> {
        let entries = page["entries"].as_array().expect("entries").iter();
        entries.filter_map(|entry| entry["id"].as_i64()).collect()
    };
    let all = [ids(&first), ids(&second)].concat();
    assert!(
        all.len() == 6 && all.is_sorted_by(|one, next| one > next),
        "{all:?}"
    );
    assert_eq!(second["next_cursor"], Value::Null);
    for change in [
        "update leadrail.audit set actor = 'nobody'",
        "delete from leadrail.audit",
        "truncate leadrail.audit",
    ] {
        let refused = sqlx::query(change).execute(api.pool()).await;
        let refused = refused.expect_err("refused").to_string();
        assert!(refused.contains("append-only"), "{change}: {refused}");
    }
    for wrong in ["?limit=0", "?cursor=x", "?who=me", "?action=%00"] {
        let answer = api.get(&format!("/v1/audit{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_change_says_what_stood_there_before_and_after_and_why_it_was_made() {
    let api = Api::start().await;
    let lead = lead(1);
    assert_eq!(api.post_lead(&lead).await.status, 202);
    let path = format!("/v1/leads/{}/cancel", event_id(&lead));
    let why = json!({"why": "the caller called it off"}).to_string();
    let request = api.client.post(api.url(&path)).header("content-type", JSON);
    assert_eq!(api.send(request.body(why)).await.status, 200);
    let asked = json!({"purpose": "pipeline", "role": "intake"}).to_string();
    let request = api
        .client
        .post(api.url("/v1/keys"))
        .header("content-type", JSON);
    let made = api.send(request.body(asked)).await.json();
    let (key, id) = (
        made["key"].as_str().expect("a key"),
        made["id"].as_str().expect("an id"),
    );
    api.call(Method::DELETE, &format!("/v1/keys/{id}")).await;

    let page = log(&api, "").await;
    let of = |action: &str| {
        let entries = page["entries"].as_array().expect("entries").iter();
        entries
            .clone()
            .find(|entry| entry["action"] == action)
            .expect(action)
            .clone()
    };
    let cancel = of("run.cancel");
    assert_eq!(cancel["why"], "the caller called it off");
    assert_eq!(
        (&cancel["before"]["state"], &cancel["outcome"]),
        (&json!("queued"), &json!("Cancelled"))
    );
    let created = of("key.create");
    assert_eq!(created["before"], Value::Null);
    assert_eq!(created["after"]["purpose"], "pipeline");
    let revoked = of("key.revoke");
    assert_eq!(revoked["before"]["revoked_at"], Value::Null);
    assert!(revoked["after"]["revoked_at"].is_string(), "{revoked}");
    assert!(
        !page.to_string().contains(&key[8..]),
        "no key is in the log"
    );
}
