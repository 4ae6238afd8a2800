//! Canaries: planted everywhere a lead and a credential may hold something, and looked for in every log.

use crate::PROGRAM;
use leadrail_tests::{Stage, sample_lead, wait_for};
use serde_json::json;
use std::time::Duration;

const SECRET: &str = "sim-canarysecret77";

/// Personal data that must stay out of logs.
const CANARIES: [&str; 9] = [
    "Zebulon",
    "Quagmirefield",
    "zq.canary@example.com",
    "60255501",
    "177 Canary Wharf Lane",
    "canary-summary-text",
    "canary-issue-text",
    "canary-answer-text",
    "canarysig99",
];

fn canary_lead(n: u32) -> serde_json::Value {
    let mut lead = sample_lead(n);
    lead["callsetter_account_id"] = json!("canaries");
    lead["contact"] = json!({
        "first_name": CANARIES[0], "last_name": CANARIES[1], "email": CANARIES[2], "phone": format!("+160255501{n:02}"),
        "address": { "street": CANARIES[4], "city": "Phoenix", "state": "AZ", "zip": "85016", "country": "US" },
    });
    lead["call"]["transcript_summary"] = json!(CANARIES[5]);
    lead["call"]["recording_url"] = json!("https://calls.example/a.mp3?sig=canarysig99");
    lead["service_request"]["issue_description"] = json!(CANARIES[6]);
    lead["ai_analysis"]["qualifier_answers"] = json!({ "note": CANARIES[7] });
    lead
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_personal_data_is_in_any_log() {
    let stage = Stage::new(PROGRAM).await;
    let base_url = stage.crm_url();
    let added = stage.run(
        &[
            "connection",
            "add",
            "--account",
            "canaries",
            "--crm",
            "housecall_pro",
            "--base-url",
            &base_url,
            "--settings",
            r#"{"settle_seconds":1,"call_timeout_ms":700}"#,
        ],
        SECRET,
    );
    assert!(
        added.status.success(),
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
    for fault in [
        json!({ "kind": "status_before", "status": 503 }),
        json!({ "kind": "timeout_after", "hang_ms": 2_000 }),
        json!({ "kind": "reject" }),
        json!({ "kind": "invalid_json" }),
        json!({ "kind": "unauthorized" }),
    ] {
        stage
            .fault(json!({ "match": { "method": "POST", "times": 1 }, "fault": fault }))
            .await;
    }
    let (_serve, url) = stage.serve().await;
    let _worker = stage.worker("w", &[("LEADRAIL_LOG", "trace")]);
    for n in 0..8 {
        let answer = stage
            .http
            .post(format!("{url}/v1/leads"))
            .json(&canary_lead(n))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 202);
    }
    // Bad input is logged too.
    let mut broken = canary_lead(9);
    broken["contact"]["phone"] = json!("Zebulon Quagmirefield 77");
    broken["event"] = json!("Zebulon");
    let refused = stage
        .http
        .post(format!("{url}/v1/leads"))
        .json(&broken)
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 422);
    // The 422 leaves one; the other faults are on their way to a retry.
    wait_for("a dead letter", Duration::from_secs(60), || async {
        (stage.count(&["dead"]).await == 1).then_some(())
    })
    .await;
    let metrics = stage
        .http
        .get(format!("{url}/metrics"))
        .send()
        .await
        .expect("metrics");
    let metrics = metrics.text().await.expect("text");

    let output = stage.all_output();
    assert!(
        output.contains("dead letter"),
        "the logs say something at all"
    );
    for canary in CANARIES.into_iter().chain([SECRET, "canarysecret77"]) {
        let lines: Vec<_> = output
            .lines()
            .filter(|line| line.contains(canary))
            .take(3)
            .collect();
        assert!(lines.is_empty(), "{canary} is in a log: {lines:#?}");
        assert!(!metrics.contains(canary), "{canary} is in the metrics");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_table() {
    let stage = Stage::new(PROGRAM).await;
    stage.push(&[sample_lead(1)]);
    let _worker = stage.worker("w", &[]);
    stage.until_completed(1, Duration::from_secs(30)).await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select quote_ident(table_name) from information_schema.tables where table_schema = 'leadrail' and table_type = 'BASE TABLE'",
    )
    .fetch_all(&stage.pool)
    .await
    .expect("tables");
    assert!(tables.len() > 8);
    for table in tables {
        let query =
            format!("select count(*) from leadrail.{table} t where t::text like '%sim-acme%'");
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .fetch_one(&stage.pool)
            .await
            .expect("a count");
        assert_eq!(rows, 0, "the credential is readable in {table}");
    }
}
