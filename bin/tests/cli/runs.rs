use crate::kit::{Cli, lead, sql};
use serde_json::{Value, json};

const NOBODY: &str = "01920c5e-7d3f-7bbb-8f0a-0d6c1f3b9a10";

/// So many leads that no worker has seen; their runs.
async fn queued(cli: &Cli, leads: u64) -> Vec<String> {
    let all: Vec<Value> = (1..=leads).map(|number| lead(number, "acme")).collect();
    cli.run_with(&["lead", "push", "-", "--json"], &json!(all).to_string())
        .well();
    let listed = cli.run(&["lead", "list", "--json"]).well().json();
    let listed = listed.as_array().expect("leads").iter();
    listed
        .map(|lead| lead["run_id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Refused by the reading of the command line itself, which says more than one line.
fn not_understood(cli: &Cli, arguments: &[&str], words: &str) {
    let ran = cli.run(arguments);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains(words), "{}", ran.err);
}

#[tokio::test]
async fn a_selection_must_be_said_and_a_filter_confirmed() {
    let cli = Cli::migrated().await;
    queued(&cli, 2).await;
    let cancel = ["runs", "cancel", "--why", "test"];
    cli.run(&cancel).refused(2, "--all");
    cli.run(&[&cancel[..], &["--state", "queued"]].concat())
        .refused(2, "--yes");
    cli.run(&[&cancel[..], &["--state", "queued", NOBODY]].concat())
        .refused(2, "not both");
    cli.run(&[&cancel[..], &[NOBODY]].concat())
        .refused(1, "there is no run");
    not_understood(&cli, &[&cancel[..], &["not-an-id"]].concat(), "invalid");
    not_understood(&cli, &["runs", "cancel", "--all"], "--why");
}

#[tokio::test]
async fn a_plan_shows_what_a_filter_selects_and_touches_nothing() {
    let cli = Cli::migrated().await;
    queued(&cli, 3).await;
    let plan = [
        "runs", "cancel", "--why", "test", "--state", "queued", "--plan",
    ];
    let said = cli.run(&plan).well().out;
    assert_eq!(said, "3 queued of push_lead\n3 runs in all\n");
    assert_eq!(cli.run(&plan).well().out, said);
}

#[tokio::test]
async fn what_a_filter_selects_is_cancelled_and_told_one_by_one() {
    let cli = Cli::migrated().await;
    let runs = queued(&cli, 3).await;
    let cancel = [
        "runs", "cancel", "--why", "test", "--all", "--yes", "--json",
    ];
    let done = cli.run(&cancel).well().json();
    let done = done.as_array().expect("runs");
    assert_eq!(done.len(), 3);
    assert!(
        done.iter().all(|done| done["outcome"] == "cancelled"),
        "{done:?}"
    );
    let again = cli.run(&["runs", "cancel", "--why", "test", &runs[0]]);
    assert_eq!(again.code, 1);
    assert!(again.out.contains("it has ended"), "{}", again.out);
    let shown = cli.run(&["runs", "show", &runs[0]]).well().out;
    assert!(
        shown.contains("run_cancelled") && shown.contains("test"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_parked_run_is_tried_now_and_a_queued_one_is_not() {
    let cli = Cli::migrated().await;
    let runs = queued(&cli, 2).await;
    let parked = "update leadrail.workflow_run set state = 'running', due_at = null, starts = 1 where id = 'RUN';
        update leadrail.workflow_run set state = 'retrying', due_at = leadrail.now() + interval '1 hour' where id = 'RUN'";
    sql(&cli, &parked.replace("RUN", &runs[0])).await;
    assert_eq!(
        cli.run(&["runs", "try-now", &runs[0]]).well().out,
        "1 due now\n"
    );
    let not = cli.run(&["runs", "try-now", &runs[1]]);
    assert_eq!(not.code, 1);
    assert!(not.out.contains("it is not parked"), "{}", not.out);
    let none = cli.run(&["runs", "restart", &runs[1], "--from", "nothing"]);
    assert_eq!(none.code, 1, "{}", none.out);
}

#[tokio::test]
async fn check_names_the_runs_that_this_build_could_not_continue() {
    let cli = Cli::migrated().await;
    let runs = queued(&cli, 2).await;
    let fits = cli.run(&["runs", "check"]).well().out;
    assert_eq!(
        fits, "all 0 runs in flight fit this build\n",
        "queued ones have not begun"
    );
    let other_code = "update leadrail.workflow_run set state = 'running', due_at = null, starts = 1 where id = 'RUN';
        update leadrail.workflow_run set state = 'waiting', due_at = leadrail.now() where id = 'RUN';
        insert into leadrail.history (run_id, seq, at, kind, activity, payload) values
            ('RUN', 0, leadrail.now(), 'run_started', null, null),
            ('RUN', 1, leadrail.now(), 'activity_completed', 'no_such_step', '{\"output\":1}')";
    sql(&cli, &other_code.replace("RUN", &runs[0])).await;
    let unfit = cli.run(&["runs", "check", "--against", cli.url()]);
    assert_eq!(unfit.code, 1);
    for words in [
        runs[0].as_str(),
        "no_such_step",
        "find_connection",
        "1 of 1",
    ] {
        assert!(unfit.out.contains(words), "{words}: {}", unfit.out);
    }
    let listed = cli.run(&["runs", "check", "--json"]).json();
    assert_eq!(listed[0]["fit"], "mismatch");
}

#[tokio::test]
async fn a_signal_is_sent_once_a_key_and_only_to_a_run_that_lives() {
    let cli = Cli::migrated().await;
    let runs = queued(&cli, 1).await;
    let run = runs[0].as_str();
    let send = [
        "runs",
        "signal",
        run,
        "go",
        "--payload",
        "{\"by\":\"ana\"}",
        "--key",
        "k",
    ];
    assert_eq!(cli.run(&send).well().out, "sent\n");
    assert!(cli.run(&send).well().out.contains("sent before"));
    cli.run_with(&["runs", "signal", run, "go", "--payload", "-"], "[1]")
        .well();
    cli.run(&["runs", "signal", run, "go", "--payload", "{"])
        .refused(2, "no JSON");
    cli.run(&["runs", "signal", run, "", "--payload", "1"])
        .refused(2, "1 to 200");
    let huge = "1".repeat((1 << 20) + 1);
    cli.run_with(&["runs", "signal", run, "go", "--payload", "-"], &huge)
        .refused(2, "at most");
    assert_eq!(cli.run(&["runs", "signal", NOBODY, "go"]).code, 1);
    cli.run(&["runs", "query", run, "progress"])
        .refused(1, "publishes nothing");
}

#[tokio::test]
async fn a_lane_is_paused_limited_and_listed() {
    let cli = Cli::migrated().await;
    queued(&cli, 2).await;
    let lane = "acme/housecall_pro";
    assert!(
        cli.run(&["lane", "pause", lane])
            .well()
            .out
            .contains("stay queued")
    );
    cli.run(&[
        "lane",
        "limit",
        lane,
        "--concurrency",
        "4",
        "--rate",
        "10/1m",
        "--burst",
        "3",
    ])
    .well();
    let listed = cli.run(&["lane", "list", "--json"]).well().json();
    let listed = &listed[0];
    assert_eq!(
        (&listed["lane"], &listed["queued"]),
        (&json!(lane), &json!(2))
    );
    assert_eq!(
        (&listed["max_running"], &listed["gap_seconds"]),
        (&json!(4), &json!(6.0))
    );
    assert!(listed["paused_at"].is_string());
    let table = cli.run(&["lane", "list"]).well().out;
    assert!(
        table.contains("paused since") && table.contains("4 at a time"),
        "{table}"
    );
    assert_eq!(
        cli.run(&["lane", "resume", lane]).well().out,
        "its runs go on\n"
    );
    cli.run(&["lane", "limit", lane, "--none"]).well();
    cli.run(&["lane", "limit", lane]).refused(2, "--none");
    not_understood(&cli, &["lane", "limit", lane, "--rate", "fast"], "10/1m");
    not_understood(
        &cli,
        &["lane", "limit", lane, "--concurrency", "0"],
        "--concurrency",
    );
    cli.run(&["lane", "pause", ""]).refused(2, "1 to 500");
    cli.run(&["lane", "pause", "acme/housecall"])
        .refused(2, "no connection has a lane of this name");
}
