//! Signals to runs, what they publish, and leads that are asked to stop.

use serde_json::{Value, json};

use crate::support::{Answer, Api, JSON, event_id, lead};

const NOBODY: &str = "01920c5e-7d3f-7bbb-8f0a-0d6c1f3b9a10";

/// A lead that no worker has seen: its run.
async fn queued(api: &Api, n: u64) -> String {
    let answer = api.post_lead(&lead(n)).await.json();
    answer["run_id"].as_str().expect("an id").to_owned()
}

async fn signal(api: &Api, run: &str, name: &str, key: Option<&str>, body: String) -> Answer {
    let path = api.url(&format!("/v1/runs/{run}/signals/{name}"));
    let mut request = api
        .client
        .post(path)
        .header("content-type", JSON)
        .body(body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    api.send(request).await
}

async fn cancel(api: &Api, event_id: &str, body: &'static str) -> Answer {
    let path = api.url(&format!("/v1/leads/{event_id}/cancel"));
    let mut request = api.client.post(path).body(body);
    if !body.is_empty() {
        request = request.header("content-type", JSON);
    }
    api.send(request).await
}

#[tokio::test]
async fn a_signal_is_kept_once_a_key() {
    let api = Api::start().await;
    let run = queued(&api, 1).await;
    let body = json!({"by": "ana"}).to_string();
    let first = signal(&api, &run, "go", Some("k"), body.clone()).await;
    assert_eq!(
        (first.status, &first.json()["outcome"]),
        (202, &json!("sent"))
    );
    let again = signal(&api, &run, "go", Some("k"), body).await;
    assert_eq!(
        (again.status, &again.json()["outcome"]),
        (200, &json!("duplicate"))
    );
    let kept: Vec<Value> = sqlx::query_scalar("select payload from leadrail.signal")
        .fetch_all(api.pool())
        .await
        .expect("signals");
    assert_eq!(kept, [json!({"by": "ana"})]);
}

#[tokio::test]
async fn what_is_no_signal_is_refused_and_nothing_is_kept() {
    let api = Api::start().await;
    let run = queued(&api, 1).await;
    signal(&api, NOBODY, "go", None, "1".into())
        .await
        .assert_problem(404);
    signal(&api, "me", "go", None, "1".into())
        .await
        .assert_problem(400);
    signal(&api, &run, &"x".repeat(201), None, "1".into())
        .await
        .assert_problem(400);
    signal(&api, &run, "a%00b", None, "1".into())
        .await
        .assert_problem(400);
    signal(&api, &run, "go", Some(""), "1".into())
        .await
        .assert_problem(400);
    signal(&api, &run, "go", Some(&"k".repeat(201)), "1".into())
        .await
        .assert_problem(400);
    signal(&api, &run, "go", None, String::new())
        .await
        .assert_problem(400);
    signal(&api, &run, "go", None, "{".into())
        .await
        .assert_problem(400);
    signal(&api, &run, "go", None, r#""a\u0000b""#.into())
        .await
        .assert_problem(400);
    let huge = format!("\"{}\"", "x".repeat(1 << 20));
    signal(&api, &run, "go", None, huge)
        .await
        .assert_problem(413);
    let huger = "1".repeat(5 << 20);
    signal(&api, &run, "go", None, huger)
        .await
        .assert_problem(413);
    let kept: i64 = sqlx::query_scalar("select count(*) from leadrail.signal")
        .fetch_one(api.pool())
        .await
        .expect("signals");
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn published_state_is_told_and_nothing_else() {
    let api = Api::start().await;
    let run = queued(&api, 1).await;
    api.get(&format!("/v1/runs/{run}/state/progress"))
        .await
        .assert_problem(404);
    let published = "insert into leadrail.history (run_id, seq, at, kind, activity, payload)
        values ($1::uuid, 0, leadrail.now(), 'state_published', 'state:progress', '{\"value\": 7}')";
    sqlx::query(published)
        .bind(&run)
        .execute(api.pool())
        .await
        .expect("written");
    let told = api.get(&format!("/v1/runs/{run}/state/progress")).await;
    assert_eq!((told.status, told.json()), (200, json!(7)));
    api.get("/v1/runs/me/state/progress")
        .await
        .assert_problem(400);
    api.get(&format!("/v1/runs/{run}/state/a%00b"))
        .await
        .assert_problem(400);
}

#[tokio::test]
async fn a_lead_that_has_not_begun_is_cancelled_once() {
    let api = Api::start().await;
    let lead = lead(1);
    api.post_lead(&lead).await;
    let first = cancel(&api, event_id(&lead), r#"{"why": "a wrong number"}"#).await;
    assert_eq!(
        (first.status, &first.json()["outcome"]),
        (200, &json!("cancelled"))
    );
    cancel(&api, event_id(&lead), "").await.assert_problem(409);
    let story = api.get(&format!("/v1/leads/{}", event_id(&lead))).await;
    assert!(story.text.contains("a wrong number"), "{}", story.text);
}

#[tokio::test]
async fn a_lead_that_has_begun_is_asked_and_a_bad_request_asks_nobody() {
    let api = Api::start().await;
    let lead = lead(1);
    let run = queued(&api, 1).await;
    cancel(&api, event_id(&lead), "{").await.assert_problem(400);
    cancel(&api, event_id(&lead), r#"{"reason": "x"}"#)
        .await
        .assert_problem(400);
    cancel(&api, "me", "").await.assert_problem(400);
    cancel(&api, "11111111-1111-4111-8111-111111111111", "")
        .await
        .assert_problem(404);
    let begun = "update leadrail.workflow_run set state = 'running', due_at = null, starts = 1 where id = $1::uuid";
    sqlx::query(begun)
        .bind(&run)
        .execute(api.pool())
        .await
        .expect("written");
    let asked = cancel(&api, event_id(&lead), "").await;
    assert_eq!(
        (asked.status, &asked.json()["outcome"]),
        (202, &json!("asked"))
    );
}
