//! A person is erased from everything: a dump of the whole database does not know him any more.

use crate::PROGRAM;
use leadrail_tests::{Stage, sample_lead, wait_for};
use serde_json::{Value, json};
use std::process::{Command, Output};
use std::time::Duration;

const PHONE: &str = "+16025550177";

/// What his leads say of him, each in a place of its own.
const CANARIES: [&str; 10] = [
    "Zebulon",
    "Quagmirefield",
    "zq.canary@example.com",
    "6025550177",
    "177 Canary Wharf Lane",
    "canary-summary-text",
    "canary-issue-text",
    "canary-answer-text",
    "canary-unknown-text",
    "canarysig99",
];

fn canary_lead(n: u32) -> Value {
    let mut lead = sample_lead(n);
    lead["contact"] = json!({
        "first_name": CANARIES[0], "last_name": CANARIES[1], "email": CANARIES[2], "phone": PHONE,
        "address": { "street": CANARIES[4], "city": "Phoenix", "state": "AZ", "zip": "85016", "country": "US" },
        "nickname": CANARIES[8],
    });
    lead["call"]["transcript_summary"] = json!(CANARIES[5]);
    lead["call"]["recording_url"] = json!("https://calls.example/a.mp3?sig=canarysig99");
    lead["service_request"]["issue_description"] = json!(CANARIES[6]);
    lead["ai_analysis"]["qualifier_answers"] = json!({ "note": CANARIES[7] });
    lead
}

/// All that the database has, as text.
fn dump(stage: &Stage) -> String {
    let dumped = Command::new("pg_dump")
        .args(["--dbname", &stage.database_url()])
        .output();
    let dumped = dumped
        .expect("pg_dump is missing: install PostgreSQL's client programs (`.ci/setup postgres`)");
    assert!(
        dumped.status.success(),
        "{}",
        String::from_utf8_lossy(&dumped.stderr)
    );
    String::from_utf8_lossy(&dumped.stdout).into_owned()
}

async fn until(stage: &Stage, state: &str, leads: i64) {
    wait_for(state, Duration::from_secs(60), || async {
        let sql =
            "select count(*) from leadrail.run where workflow = 'push_lead' and state::text = $1";
        let count = sqlx::query_scalar::<_, i64>(sql)
            .bind(state)
            .fetch_one(&stage.pool)
            .await;
        (count.ok()? == leads).then_some(())
    })
    .await;
}

/// Asks for the person to be erased, as an operator does who keeps numbers off the list of processes.
fn erase(stage: &Stage, more: &[&str]) -> Output {
    let arguments = [&["erase", "--phone", "-", "--json"], more].concat();
    stage.run(&arguments, PHONE)
}

fn json_of(ran: &Output) -> Value {
    let said = String::from_utf8_lossy(&ran.stderr);
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {said}"))
}

/// One lead of his in every state that a lead can wait in: filed, filed after a lost answer (with second looks
/// to come), dead, and waiting for its next try. All have met the CRM.
async fn in_every_state(stage: &Stage) -> Vec<Value> {
    let leads: Vec<_> = (1..=4).map(canary_lead).collect();
    let once = |fault: Value| json!({ "match": { "path_prefix": "/leads", "method": "POST", "times": 1 }, "fault": fault });
    stage.push(&leads[..1]);
    until(stage, "completed", 1).await;
    stage
        .fault(once(json!({ "kind": "timeout_after", "hang_ms": 3_000 })))
        .await;
    stage.push(&leads[1..2]);
    wait_for(
        "the lead that got no answer",
        Duration::from_secs(60),
        || async {
            stage.shift_clock(60.0).await;
            (stage.count(&["completed"]).await == 2).then_some(())
        },
    )
    .await;
    stage.fault(once(json!({ "kind": "reject" }))).await;
    stage.push(&leads[2..3]);
    until(stage, "dead", 1).await;
    stage
        .fault(once(json!({ "kind": "status_before", "status": 503 })))
        .await;
    stage.push(&leads[3..]);
    until(stage, "retrying", 1).await;
    leads
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_the_whole_database_does_not_know_an_erased_person() {
    let stage = Stage::new(PROGRAM).await;
    let _worker = stage.worker("w", &[("LEADRAIL_PUBLIC_URL", "https://leads.example.com")]);
    let leads = in_every_state(&stage).await;
    let mut somebody = sample_lead(9);
    somebody["contact"]["last_name"] = json!("Somebodyelse");
    stage.push(std::slice::from_ref(&somebody));
    until(&stage, "completed", 3).await;
    let before = dump(&stage);
    for canary in CANARIES {
        assert!(before.contains(canary), "{canary} was planted");
    }
    let filed = stage.books().await.leads();

    let looked = json_of(&erase(&stage, &["--dry-run"]));
    assert_eq!(
        (&looked["leads"], &looked["erased"]),
        (&json!(4), &json!(0))
    );
    assert_eq!(looked["copies"][0]["crm"], "housecall_pro");
    let records = looked["copies"][0]["records"].as_array().expect("records");
    let kinds: Vec<_> = records
        .iter()
        .map(|record| record["kind"].as_str())
        .collect();
    assert!(
        kinds.contains(&Some("customer")) && kinds.contains(&Some("lead")),
        "{records:?}"
    );

    let ran = erase(&stage, &[]);
    let erased = json_of(&ran);
    assert!(
        ran.status.success(),
        "{erased} {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(
        (&erased["erased"], &erased["on_their_way"]),
        (&json!(4), &json!(0))
    );
    let after = dump(&stage);
    for canary in CANARIES {
        let lines: Vec<_> = after
            .lines()
            .filter(|line| line.contains(canary))
            .take(2)
            .collect();
        assert!(lines.is_empty(), "{canary} is still there: {lines:#?}");
    }
    assert!(after.contains("Somebodyelse"), "nobody else is touched");

    // The same events again, as they were and in other words, are no new leads, and nothing is filed.
    let mut again = leads.clone();
    again[0]["contact"]["first_name"] = json!("Another");
    let pushed = stage.run(
        &["lead", "push", "-", "--json"],
        &Value::from(again).to_string(),
    );
    let said = String::from_utf8_lossy(&pushed.stdout);
    assert_eq!(said.matches("duplicate").count(), 4, "{said}");
    assert_eq!(stage.books().await.leads(), filed);
    let erased = json_of(&erase(&stage, &[]));
    assert_eq!(erased["leads"], 0, "there is nobody left to find");
}
