//! Where leads stand, as an operator reads it.

use crate::kit::{Cli, lead, sql};
use serde_json::{Value, json};

/// The sample lead of this number and account, handed over; its event id.
fn push(cli: &Cli, number: u64, account: &str) -> String {
    let lead = lead(number, account);
    cli.run_with(&["lead", "push", "-"], &lead.to_string())
        .well();
    lead["event_id"].as_str().expect("an id").to_owned()
}

/// One run, where a worker leaves it that it failed for, or that has to wait.
const MOVED: &str = "
    update leadrail.workflow_run set state = 'running', due_at = null, starts = 1 where key = 'KEY';
    update leadrail.workflow_run set state = 'STATE', due_at = leadrail.now() + interval '1 hour',
        attempt = 3, reason = 'http_503', activity = 'lead_create' where key = 'KEY'";

async fn moved(cli: &Cli, id: &str, state: &str) {
    sql(cli, &MOVED.replace("KEY", id).replace("STATE", state)).await;
}

/// Both leads at one gate, which was opened: the first is due at once, the other six seconds later.
async fn released(cli: &Cli, ids: [&str; 2]) {
    for id in ids {
        moved(cli, id, "waiting").await;
    }
    let text = format!(
        "insert into leadrail.run_gate (run_id, gate)
         select id, 'connection:x' from leadrail.workflow_run where key in ('{}', '{}');
         select leadrail.open_gates(array['connection:x'], 600000)",
        ids[0], ids[1]
    );
    sql(cli, &text).await;
}

fn listed(cli: &Cli, account: &str) -> Value {
    let listed = cli.run(&["lead", "list", "--json", "--account", account]);
    listed.well().json()[0].clone()
}

#[tokio::test]
async fn a_list_says_who_called_and_which_try_is_next_and_breaks_nothing() {
    let cli = Cli::migrated().await;
    let mut lead = lead(1, "acme");
    lead["contact"]["first_name"] = json!("Ana");
    lead["contact"]["last_name"] = json!("Diaz");
    lead["contact"]["phone"] = json!("+13055550182");
    cli.run_with(&["lead", "push", "-"], &lead.to_string())
        .well();
    let id = lead["event_id"].as_str().expect("an id");
    moved(&cli, id, "retrying").await;
    let one = listed(&cli, "acme");
    assert_eq!(
        one["caller"],
        json!({"name": "Ana Diaz", "phone_last4": "0182"})
    );
    assert_eq!((&one["attempt"], &one["tries"]), (&json!(3), &json!(6)));

    let cli = cli.with("COLUMNS", "100");
    let table = cli.run(&["lead", "list"]).well().out;
    for words in [id, "Ana Diaz …0182", "retrying", "3 of 6"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    assert!(!table.contains("5550182"), "{table}");
    let widest = |table: &str| table.lines().map(|line| line.chars().count()).max();
    assert!(widest(&table) <= Some(100), "{table}");
    let cli = cli.with("COLUMNS", "50");
    let narrow = cli.run(&["lead", "list"]).well().out;
    assert!(
        narrow.contains(id) && widest(&narrow) <= Some(50),
        "{narrow}"
    );
    let shown = cli.run(&["lead", "show", id]).well().out;
    assert!(
        shown.contains("from Ana Diaz …0182") && shown.contains("next is try 3 of 6"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_lead_in_a_paused_lane_says_so_and_how_it_goes_on() {
    let cli = Cli::migrated().await;
    let id = push(&cli, 1, "acme");
    let shown = cli.run(&["lead", "show", &id]).well().out;
    assert!(shown.contains("no worker is running"), "{shown}");
    cli.run(&["lane", "pause", "acme/housecall_pro"]).well();
    let shown = cli.run(&["lead", "show", &id]).well().out;
    let words = [
        "its lane is paused since",
        "`leadrail lane resume acme/housecall_pro`",
    ];
    assert!(words.iter().all(|words| shown.contains(words)), "{shown}");
    assert!(!shown.contains("no worker"), "{shown}");
    assert!(cli.run(&["lead", "list"]).well().out.contains("paused"));
    let paused = listed(&cli, "acme");
    assert_eq!(
        (&paused["state"], &paused["held"]["by"]),
        (&json!("queued"), &json!("pause"))
    );
    moved(&cli, &id, "retrying").await;
    let paused = listed(&cli, "acme");
    assert_eq!(
        paused["next_at"],
        Value::Null,
        "it does not go on by itself"
    );
}

#[tokio::test]
async fn a_lead_whose_crm_wants_to_be_left_alone_is_throttled() {
    let cli = Cli::migrated().await;
    let id = push(&cli, 1, "acme");
    sql(
        &cli,
        "select leadrail.hold_lane('acme/housecall_pro', 90000)",
    )
    .await;
    assert!(cli.run(&["lead", "list"]).well().out.contains("throttled"));
    let shown = cli.run(&["lead", "show", &id]).well().out;
    assert!(
        shown.contains("the CRM wants to be left alone until"),
        "{shown}"
    );
    assert!(!shown.contains("no worker"), "{shown}");
    sql(
        &cli,
        "update leadrail.clock set shift = interval '2 minutes'",
    )
    .await;
    assert_eq!(listed(&cli, "acme")["held"], Value::Null, "it is over");
}

#[tokio::test]
async fn a_lead_that_is_let_go_in_a_line_says_its_place_and_its_time() {
    let cli = Cli::migrated().await;
    let ids = [push(&cli, 1, "acme"), push(&cli, 2, "acme")];
    released(&cli, [&ids[0], &ids[1]]).await;
    let all = cli.run(&["lead", "list", "--json"]).well().json();
    let of = |place: usize| all.as_array().expect("leads")[place].clone();
    let later = if of(0)["held"].is_null() {
        of(1)
    } else {
        of(0)
    };
    assert_eq!(
        (&later["held"]["by"], &later["held"]["place"]),
        (&json!("release"), &json!(1))
    );
    assert_eq!(later["held"]["at"], later["next_at"]);
    assert_eq!(later["reason"], Value::Null, "what it waited for is there");
    let table = cli.run(&["lead", "list"]).well().out;
    assert!(table.contains("released #1"), "{table}");
    let id = later["event_id"].as_str().expect("an id");
    let shown = cli.run(&["lead", "show", id]).well().out;
    assert!(shown.contains("it is no. 1 in line, at "), "{shown}");
    assert!(!shown.contains("by itself"), "{shown}");
}

#[tokio::test]
async fn a_story_names_each_day_once() {
    let cli = Cli::migrated().await;
    let id = push(&cli, 1, "acme");
    let text = "
        insert into leadrail.history (run_id, seq, at, kind)
        select id, n, timestamptz '2026-01-02 23:59:58Z' + n * interval '1 second', 'run_started'
        from leadrail.workflow_run, generate_series(0, 3) n where key = 'KEY'";
    sql(&cli, &text.replace("KEY", &id)).await;
    let shown = cli.run(&["lead", "show", &id]).well().out;
    for (words, times) in [
        ("2026-01-02 23:59:58.000", 1),
        ("2026-01-02", 1),
        ("2026-01-03 00:00:00.000", 1),
        ("2026-01-03", 1),
        ("00:00:01.000", 1),
    ] {
        assert_eq!(shown.matches(words).count(), times, "{words}: {shown}");
    }
}

#[tokio::test]
async fn a_dead_lead_is_shown_with_the_crms_own_words() {
    let cli = Cli::migrated().await;
    let id = push(&cli, 1, "acme");
    let text = r#"
        update leadrail.workflow_run set state = 'running', due_at = null, starts = 1 where key = 'KEY';
        update leadrail.workflow_run set state = 'dead', reason = 'http_422' where key = 'KEY';
        insert into leadrail.dead_letter (run_id, priority, workflow, scope, lane, reason, died_at)
        select id, priority, workflow, scope, lane, reason, changed_at from leadrail.workflow_run where key = 'KEY';
        insert into leadrail.history (run_id, seq, at, kind, activity, attempt, payload)
        select id, 0, leadrail.now(), 'activity_failed', 'lead_create', 1, '{"kind": "rejected", "reason": "http_422",
            "message": "refused", "evidence": [{"status": 422, "error": "http_422",
            "response_body": {"text": "{\"message\": \"Job type 7 is retired\"}", "bytes": 36, "truncated": false}}]}'
        from leadrail.workflow_run where key = 'KEY'"#;
    sql(&cli, &text.replace("KEY", &id)).await;
    let shown = cli.run(&["lead", "show", &id]).well().out;
    let words =
        r#"the CRM answered lead_create with HTTP 422: {"message": "Job type 7 is retired"}"#;
    assert!(shown.contains(words), "{shown}");
}
