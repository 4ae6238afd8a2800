//! The API as a role behind the wall between accounts, as an operator sets it up.

use crate::PROGRAM;
use leadrail_tests::{Stage, sample_lead};
use serde_json::Value;
use std::time::Duration;
use uuid::Uuid;

/// The stage's database for another role.
fn as_role(stage: &Stage, role: &str) -> String {
    let url = stage.database_url();
    let (_, place) = url.split_once('@').expect("a user");
    format!("postgres://{role}:secret@{place}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_was_let_serves_the_api_while_the_owner_works() {
    let stage = Stage::new(PROGRAM).await;
    let role = format!("api_{}", Uuid::new_v4().simple());
    let granted = stage.run(&["migrate", "--grant-api", &role], "");
    assert!(!granted.status.success(), "there is no such role yet");
    let made = format!("create role {role} login password 'secret'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(made))
        .execute(&stage.pool)
        .await
        .expect("made");
    let granted = stage.run(&["migrate", "--grant-api", &role], "");
    assert!(granted.status.success(), "{granted:?}");
    let doctor = stage.run(&["doctor", "--json"], "").stdout;
    let doctor: Value = serde_json::from_slice(&doctor).expect("JSON");
    let checks = doctor.as_array().expect("checks");
    let wall = checks
        .iter()
        .find(|check| check["name"] == "wall")
        .expect("a check");
    assert!(
        wall["ok"] == true
            && wall["detail"]
                .as_str()
                .is_some_and(|said| said.contains(&role))
    );

    let behind = as_role(&stage, &role);
    let environment = [
        ("DATABASE_URL", behind.as_str()),
        ("LEADRAIL_API_REQUIRE_WALL", "true"),
    ];
    let (_serve, url) = stage.serve_with(&environment).await;
    let _worker = stage.worker("w", &[]);
    let lead = sample_lead(1);
    let posted = stage
        .http
        .post(format!("{url}/v1/leads"))
        .json(&lead)
        .send()
        .await;
    assert_eq!(posted.expect("an answer").status(), 202);
    stage.until_completed(1, Duration::from_secs(30)).await;
    let path = format!(
        "{url}/v1/leads/{}",
        lead["event_id"].as_str().expect("an id")
    );
    let story: Value = stage
        .http
        .get(path)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(story["lead"]["state"], "completed");
    assert!(
        story["entries"]
            .as_array()
            .is_some_and(|told| told.len() > 3),
        "{story}"
    );
    let metrics = stage
        .http
        .get(format!("{url}/metrics"))
        .send()
        .await
        .expect("an answer");
    assert!(
        metrics
            .text()
            .await
            .expect("text")
            .contains("leadrail_workers 1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_the_wall_is_served_by_nobody_beyond_it() {
    let stage = Stage::new(PROGRAM).await;
    let mut command = stage.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("LEADRAIL_API_REQUIRE_WALL", "true");
    let refused = stage.run_command(command, "");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("--grant-api") && said.contains("api.require_wall"),
        "{said}"
    );
}
