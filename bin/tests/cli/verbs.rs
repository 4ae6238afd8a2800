//! What an operator does with runs: by the ids that people have.

use crate::kit::{Cli, lead, sql};
use serde_json::{Value, json};

fn push(cli: &Cli, number: u64, account: &str) -> String {
    let lead = lead(number, account);
    cli.run_with(&["lead", "push", "-"], &lead.to_string())
        .well();
    lead["event_id"].as_str().expect("an id").to_owned()
}

async fn retrying(cli: &Cli, id: &str) {
    let text = "
        update leadrail.workflow_run set state = 'running', due_at = null, starts = 1 where key = 'KEY';
        update leadrail.workflow_run set state = 'retrying', due_at = leadrail.now() + interval '1 hour'
        where key = 'KEY'";
    sql(cli, &text.replace("KEY", id)).await;
}

#[tokio::test]
async fn verbs_take_the_event_id_that_people_have() {
    let cli = Cli::migrated().await;
    let id = push(&cli, 1, "acme");
    retrying(&cli, &id).await;
    assert_eq!(cli.run(&["runs", "try-now", &id]).well().out, "1 due now\n");
    let shown = cli.run(&["runs", "show", &id]).well().out;
    assert!(shown.contains("run_tried_now"), "{shown}");
    assert_eq!(cli.run(&["runs", "signal", &id, "go"]).well().out, "sent\n");
    cli.run(&["runs", "query", &id, "progress"])
        .refused(1, "publishes nothing");
    let cancelled = cli.run(&["runs", "cancel", &id, "--why", "test", "--json"]);
    let run = cancelled.well().json()[0]["run_id"].clone();
    assert_ne!(run, json!(id));
    let nobody = "01920c5e-7d3f-7bbb-8f0a-0d6c1f3b9a10";
    cli.run(&["runs", "show", nobody])
        .refused(1, "no lead with this event_id");
}

#[tokio::test]
async fn an_event_id_of_two_accounts_wants_to_know_whose() {
    let cli = Cli::migrated().await;
    let (mine, mut theirs) = (lead(1, "acme"), lead(1, "acme"));
    theirs["callsetter_account_id"] = json!("bolt");
    cli.run_with(&["lead", "push", "-"], &json!([mine, theirs]).to_string())
        .well();
    let id = mine["event_id"].as_str().expect("an id");
    for arguments in [&["runs", "show", id][..], &["runs", "try-now", id]] {
        cli.run(arguments).refused(2, "say whose with --account");
    }
    let cancel = ["runs", "cancel", id, "--why", "test", "--account", "bolt"];
    assert_eq!(cli.run(&cancel).well().out, "1 cancelled\n");
    let listed = cli.run(&["lead", "list", "--json", "--account", "acme"]);
    assert_eq!(listed.well().json()[0]["state"], "queued");
}

#[tokio::test]
async fn runs_are_listed_and_selected_by_state_workflow_and_account() {
    let cli = Cli::migrated().await;
    let ids = [
        push(&cli, 1, "acme"),
        push(&cli, 2, "acme"),
        push(&cli, 3, "bolt"),
    ];
    retrying(&cli, &ids[1]).await;
    let listed = |filter: &[&str]| {
        let ran = cli.run(&[&["runs", "list", "--json"], filter].concat());
        let listed = ran.well().json();
        let keys = listed.as_array().expect("runs").iter();
        keys.map(|run| run["key"].as_str().expect("a key").to_owned())
            .collect::<Vec<_>>()
    };
    let newest = |places: &[usize]| places.iter().map(|n| ids[*n].clone()).collect::<Vec<_>>();
    assert_eq!(listed(&[]), newest(&[2, 1, 0]));
    assert_eq!(listed(&["--state", "retrying"]), newest(&[1]));
    assert_eq!(listed(&["--account", "acme"]), newest(&[1, 0]));
    assert_eq!(listed(&["--workflow", "audit_lead"]), newest(&[]));
    assert_eq!(listed(&["--limit", "1"]), newest(&[2]));
    let first = cli
        .run(&["runs", "list", "--json", "--limit", "1"])
        .well()
        .json();
    assert!(first[0].get("input").is_none(), "a list reads no payloads");
    let before = first[0]["id"].as_str().expect("an id");
    assert_eq!(listed(&["--before", before]), newest(&[1, 0]));
    let table = cli.run(&["runs", "list"]).well().out;
    assert!(
        table.contains("push_lead") && table.contains("retrying"),
        "{table}"
    );
    let plan = [
        "runs",
        "cancel",
        "--why",
        "test",
        "--account",
        "acme",
        "--plan",
    ];
    let said = cli.run(&plan).well().out;
    assert!(said.ends_with("2 runs in all\n"), "{said}");
}

#[tokio::test]
async fn workers_are_listed_with_what_they_hold_and_started_as_before() {
    let cli = Cli::migrated().await;
    let none = cli.run(&["worker", "list"]).well().out;
    assert!(none.contains("`leadrail worker` starts one"), "{none}");
    let mut named = cli.serve(&["worker", "--name", "w1"]);
    let mut unnamed = cli.serve(&["worker", "--concurrency", "8"]);
    let listed = cli.run(&["worker", "list", "--json"]).well().json();
    let workers = listed.as_array().expect("workers");
    assert_eq!(workers.len(), 2);
    assert_eq!(workers[0]["name"], "w1");
    for worker in workers {
        assert_eq!(
            (&worker["running"], &worker["overdue"]),
            (&json!(0), &json!(false))
        );
        for field in ["id", "started_at", "seen_at", "version"] {
            assert!(worker[field].is_string(), "{field}: {worker}");
        }
    }
    let machine = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let name = workers[1]["name"].as_str().expect("a name");
    assert!(name.starts_with(&format!("{machine}-")), "{name}");
    let table = cli.run(&["worker", "list"]).well().out;
    assert!(table.contains("w1") && table.contains("running"), "{table}");
    assert_eq!((named.stop().code, unnamed.stop().code), (0, 0));
    assert_eq!(
        cli.run(&["worker", "list", "--json"]).well().json(),
        Value::Array(vec![])
    );
    assert_eq!(cli.run(&["worker", "--name", "w", "list"]).code, 2);
}
