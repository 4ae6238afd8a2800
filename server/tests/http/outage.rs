//! The database is away.

use std::time::{Duration, Instant};

use leadrail_postgres::testing::TestServer;
use leadrail_postgres::{Options, PrivateServer};
use reqwest::Method;
use serde_json::json;
use sqlx::PgPool;
use tokio::net::TcpListener;

use crate::support::{Answer, Api, JSON, event_id, lead};

const WITHIN: Duration = Duration::from_secs(2);

async fn in_time(call: impl Future<Output = Answer>) -> Answer {
    let start = Instant::now();
    let answer = call.await;
    assert!(
        start.elapsed() < WITHIN,
        "answered after {:?}",
        start.elapsed()
    );
    answer
}

/// Everything that needs the database says so in time; what does not need it goes on.
async fn assert_away(api: &Api) {
    let id = "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10";
    let batch = json!([lead(1), lead(2)]).to_string();
    let answers = vec![
        in_time(api.post_lead(&lead(1))).await,
        in_time(api.post(JSON, batch)).await,
        in_time(api.get("/v1/leads")).await,
        in_time(api.get(&format!("/v1/leads/{id}"))).await,
        in_time(api.get("/v1/connections")).await,
        in_time(api.call(Method::POST, &format!("/v1/connections/{id}/test"))).await,
        in_time(api.get("/readyz")).await,
    ];
    for answer in answers {
        answer.assert_problem(503);
        let wait = answer
            .header("retry-after")
            .and_then(|wait| wait.parse::<u32>().ok());
        assert!(wait.is_some_and(|wait| wait > 0));
    }
    assert_eq!(in_time(api.get("/healthz")).await.status, 200);
    let metrics = in_time(api.get("/metrics")).await;
    assert!(
        metrics.text.contains("leadrail_database_up 0"),
        "{}",
        metrics.text
    );
    assert!(
        !metrics.text.contains("leadrail_runs_due{"),
        "{}",
        metrics.text
    );
    // Bad leads need no database to be told so.
    in_time(api.post_lead(&json!({}))).await.assert_problem(422);
}

#[tokio::test]
async fn a_database_that_refuses_connections_is_a_503_in_time() {
    assert_away(&Api::on_url("postgres://nobody@127.0.0.1:1/none").await).await;
}

#[tokio::test]
async fn a_database_that_never_answers_is_a_503_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("listening");
    let port = silent.local_addr().expect("an address").port();
    assert_away(&Api::on_url(&format!("postgres://nobody@127.0.0.1:{port}/none")).await).await;
}

/// Whoever asks is told why nothing is written, and nothing is called an outage.
async fn assert_read_only(api: &Api, why: &str) {
    let ready = in_time(api.get("/readyz")).await.assert_problem(503);
    let detail = ready["detail"].as_str().expect("a detail");
    assert!(detail.contains(why), "{detail}");
    let batch = json!([lead(1), lead(2)]).to_string();
    for answer in [
        in_time(api.post_lead(&lead(1))).await,
        in_time(api.post(JSON, batch)).await,
    ] {
        let problem = answer.assert_problem(503);
        assert_eq!(problem["type"], "urn:leadrail:problem:database-read-only");
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(in_time(api.get("/v1/leads")).await.status, 200);
}

#[tokio::test]
async fn a_database_that_is_only_read_says_so_in_every_answer() {
    let api = Api::start().await;
    let read_only = "do $$ begin
        execute format('alter database %I set default_transaction_read_only = on', current_database());
    end $$";
    sqlx::query(read_only)
        .execute(api.pool())
        .await
        .expect("set");
    let url = api.database_url();
    assert_read_only(
        &Api::on_url(url).await,
        "default_transaction_read_only is on",
    )
    .await;
}

#[tokio::test]
async fn a_standby_says_so_in_every_answer() {
    let primary = PrivateServer::start(Options::default())
        .await
        .expect("a primary");
    primary.create_database("leads").await.expect("created");
    let pool = PgPool::connect(&primary.url("leads"))
        .await
        .expect("connected");
    leadrail_connections::migrate(&pool)
        .await
        .expect("migrated");
    let standby = primary.standby(&[]).await.expect("a standby");
    assert!(
        standby
            .is_in_step_with(&primary)
            .await
            .expect("both answer")
    );
    let api = Api::on_url(&standby.url("leads")).await;
    assert_read_only(&api, "it is a standby").await;
}

#[tokio::test]
async fn leads_refused_while_the_database_was_away_are_not_there_when_it_is_back() {
    let server = TestServer::dedicated().await;
    server.create_database("leads").await;
    let api = Api::on_url(&server.url("leads")).await;
    leadrail_connections::migrate(api.pool())
        .await
        .expect("migrated");
    assert_eq!(api.post_lead(&lead(0)).await.status, 202);

    server.stop().await;
    assert_away(&api).await;
    server.start().await;

    let refused = lead(1);
    let path = format!("/v1/leads/{}", event_id(&refused));
    api.get(&path).await.assert_problem(404);
    assert_eq!(api.post_lead(&refused).await.status, 202);
    assert_eq!(api.kept().await, 2);
}
