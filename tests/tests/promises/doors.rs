//! The doors: HTTP and SQL take a lead once, and only if it is really handed over.

use crate::PROGRAM;
use leadrail_tests::{Stage, sample_lead, wait_for};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// Sends it until it is answered with something else than "come again", and whether it was sent again,
/// for then it may have been kept the first time.
async fn until_answered(request: reqwest::RequestBuilder) -> (u16, Value, bool) {
    let mut sent_again = false;
    loop {
        let again = request.try_clone().expect("a body in memory");
        let answer = again.send().await.expect("an answer");
        let status = answer.status().as_u16();
        if status != 503 {
            return (status, answer.json().await.expect("JSON"), sent_again);
        }
        sent_again = true;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_equal_posts_at_once_make_one_run_and_get_one_answer() {
    let stage = Stage::new(PROGRAM).await;
    let (_serve, url) = stage.serve().await;
    let lead = sample_lead(1);
    let posts = (0..100).map(|_| {
        let request = stage.http.post(format!("{url}/v1/leads")).json(&lead);
        tokio::spawn(until_answered(request))
    });
    let mut statuses: HashMap<u16, usize> = HashMap::new();
    let (mut bodies, mut any_sent_again) = (Vec::new(), false);
    for post in posts.collect::<Vec<_>>() {
        let (status, body, sent_again) = post.await.expect("a post");
        any_sent_again |= sent_again;
        *statuses.entry(status).or_insert(0) += 1;
        bodies.push(body);
    }
    let count = |status| statuses.get(&status).copied().unwrap_or(0);
    let is_answered_as_new = count(202) == 1 || (count(202) == 0 && any_sent_again);
    assert!(is_answered_as_new, "{statuses:?}");
    assert_eq!(count(202) + count(200), 100, "{statuses:?}");
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert_eq!(stage.count(&["queued"]).await, 1);

    let mut other = lead.clone();
    other["contact"]["first_name"] = json!("Somebody else");
    let conflict = stage
        .http
        .post(format!("{url}/v1/leads"))
        .json(&other)
        .send()
        .await
        .expect("an answer");
    assert_eq!(conflict.status(), 409);
    assert_eq!(stage.count(&["queued"]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resend_with_fresh_link_signatures_is_the_same_lead() {
    let stage = Stage::new(PROGRAM).await;
    let (_serve, url) = stage.serve().await;
    let mut lead = sample_lead(1);
    for (signature, status) in [("one", 202), ("two", 200)] {
        lead["call"]["recording_url"] =
            json!(format!("https://calls.example/a.mp3?sig={signature}"));
        let answer = stage
            .http
            .post(format!("{url}/v1/leads"))
            .json(&lead)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_enqueued_by_sql_arrives_if_its_transaction_commits_and_leaves_nothing_if_not() {
    let stage = Stage::new(PROGRAM).await;
    let enqueue = "select leadrail.enqueue_lead($1)";
    let mut transaction = stage.pool.begin().await.expect("a transaction");
    sqlx::query(enqueue)
        .bind(sample_lead(1))
        .execute(&mut *transaction)
        .await
        .expect("it is taken");
    transaction.rollback().await.expect("a rollback");
    let rows: i64 = sqlx::query_scalar(
        "select (select count(*) from leadrail.workflow_run) + (select count(*) from leadrail.run_key)",
    )
    .fetch_one(&stage.pool)
    .await
    .expect("a count");
    assert_eq!(rows, 0);

    sqlx::query(enqueue)
        .bind(sample_lead(2))
        .execute(&stage.pool)
        .await
        .expect("it is taken");
    let _worker = stage.worker("w", &[]);
    stage.until_completed(1, Duration::from_secs(30)).await;
    assert_eq!(stage.books().await.leads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_leads_of_one_caller_at_the_same_time_make_one_customer_and_two_leads() {
    let stage = Stage::new(PROGRAM).await;
    stage.sim_post("latency", json!({ "ms": 50 })).await;
    let pairs: Vec<Value> = (0..100)
        .flat_map(|n| {
            let first = sample_lead(n);
            let mut second = sample_lead(n);
            second["event_id"] = json!(uuid::Uuid::new_v4());
            [first, second]
        })
        .collect();
    stage.push(&pairs);
    let _workers: Vec<_> = (0..2)
        .map(|n| stage.worker(&format!("w{n}"), &[("LEADRAIL_WORKER_CONCURRENCY", "64")]))
        .collect();
    stage.until_completed(200, Duration::from_secs(120)).await;
    let books = stage.books().await;
    assert_eq!((books.customers(), books.leads()), (100, 200));
    assert_eq!(books.doubled_leads(), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_for_an_account_that_is_not_connected_yet_waits_and_goes_when_it_is() {
    let stage = Stage::new(PROGRAM).await;
    let mut lead = sample_lead(1);
    lead["callsetter_account_id"] = json!("newcomer");
    stage.push(&[lead]);
    let _worker = stage.worker("w", &[]);
    wait_for("the lead waits", Duration::from_secs(30), || async {
        (stage.count(&["waiting"]).await == 1).then_some(())
    })
    .await;
    stage.connect("newcomer", &json!({}));
    stage.until_completed(1, Duration::from_secs(30)).await;
    assert_eq!(stage.books().await.leads(), 1);
}
