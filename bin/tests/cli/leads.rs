use crate::kit::{Cli, connect, crm, lead};
use serde_json::{Value, json};

fn lines(text: &str) -> Vec<Value> {
    let each = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    each.collect()
}

#[tokio::test]
async fn each_lead_is_accepted_or_a_duplicate_or_refused_with_the_reason() {
    let cli = Cli::migrated().await;
    let (first, mut other_body) = (lead(1, "acme"), lead(1, "acme"));
    other_body["call"]["duration_seconds"] = json!(1);
    let mut invalid = lead(2, "acme");
    invalid["contact"] = json!({"last_name": "canary"});
    let pushed = [first.clone(), first, other_body, invalid, lead(3, "acme")];
    let text: Vec<_> = pushed.iter().map(ToString::to_string).collect();
    let file = cli.write("leads.ndjson", &text.join("\n"));
    let ran = cli.run(&["lead", "push", &file, "--json"]);
    assert_eq!(ran.code, 1, "some were refused");
    let answers = lines(&ran.out);
    let outcomes: Vec<_> = answers
        .iter()
        .map(|answer| answer["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        outcomes,
        ["accepted", "duplicate", "refused", "refused", "accepted"]
    );
    assert!(
        answers[2]["reason"]
            .as_str()
            .unwrap()
            .contains("another lead")
    );
    assert!(
        answers[3]["reason"]
            .as_str()
            .unwrap()
            .contains("/contact: ")
    );
    assert!(!ran.out.contains("canary") && !ran.err.contains("canary"));
    assert!(
        ran.err.contains("2 accepted, 1 duplicates, 2 refused"),
        "{}",
        ran.err
    );
    let text = cli.run(&["lead", "push", &file]).out;
    assert!(
        text.starts_with("duplicate  ") && text.contains("it is queued"),
        "{text}"
    );
}

#[tokio::test]
async fn every_payload_is_answered_as_the_table_of_all_doors_says() {
    let cases: Value =
        serde_json::from_str(include_str!("../../../lead/testdata/doors.json")).unwrap();
    let cases = cases.as_array().unwrap();
    let payloads: Vec<_> = cases.iter().map(|case| case["payload"].clone()).collect();
    let cli = Cli::migrated().await;
    let ran = cli.run_with(
        &["lead", "push", "-", "--json"],
        &Value::from(payloads).to_string(),
    );
    assert_eq!(ran.code, 1, "some were refused");
    let answers = lines(&ran.out);
    assert_eq!(answers.len(), cases.len());
    for (case, answer) in cases.iter().zip(&answers) {
        let name = &case["name"];
        let taken = case["verdict"] == "accepted";
        let outcome = if taken { "accepted" } else { "refused" };
        assert_eq!(answer["outcome"], outcome, "{name}: {answer}");
        let warned = answer["warnings"].as_array().into_iter().flatten();
        let warned: serde_json::Map<_, _> = warned
            .map(|one| {
                (
                    one["field"].as_str().unwrap().to_owned(),
                    one["code"].clone(),
                )
            })
            .collect();
        let expected = case["warnings"].as_object().cloned().unwrap_or_default();
        assert_eq!(warned, expected, "{name}");
        for pointer in case["faults"]
            .as_object()
            .into_iter()
            .flat_map(|faults| faults.keys())
        {
            let place = if pointer.is_empty() {
                "the payload"
            } else {
                pointer
            };
            let reason = answer["reason"].as_str().unwrap();
            assert!(reason.contains(&format!("{place}: ")), "{name}: {reason}");
        }
    }
}

#[tokio::test]
async fn what_is_warned_of_stands_in_the_answer_and_in_the_story() {
    let cli = Cli::migrated().await;
    let mut lead = lead(1, "acme");
    lead["contact"]["phone"] = json!("305 555 O123");
    let pushed = cli
        .run_with(&["lead", "push", "-"], &lead.to_string())
        .well();
    let warning = "warning: /contact/phone is not certainly a telephone number";
    assert!(pushed.out.contains(warning), "{}", pushed.out);
    let shown = cli
        .run(&["lead", "show", lead["event_id"].as_str().unwrap()])
        .well();
    assert!(shown.out.contains(warning), "{}", shown.out);
    assert!(!shown.out.contains("O123"));
}

#[tokio::test]
async fn a_large_file_goes_in_whole_and_once() {
    let cli = Cli::migrated().await;
    let leads: Vec<_> = (0..1_203).map(|number| lead(number, "acme")).collect();
    let array = Value::from(leads).to_string();
    let first = cli
        .run_with(&["lead", "push", "-", "--json"], &array)
        .well();
    assert_eq!(lines(&first.out).len(), 1_203);
    assert!(
        first.err.contains("1203 accepted, 0 duplicates, 0 refused"),
        "{}",
        first.err
    );
    let second = cli.run_with(&["lead", "push", "-"], &array).well();
    assert!(
        second.err.contains("0 accepted, 1203 duplicates"),
        "{}",
        second.err
    );
}

#[tokio::test]
async fn what_came_before_a_fault_in_the_input_is_kept_and_told() {
    let cli = Cli::migrated().await;
    let broken = format!("[{}, {}, oops", lead(1, "acme"), lead(2, "acme"));
    let ran = cli.run_with(&["lead", "push", "-"], &broken);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("2 accepted") && ran.err.contains("2 leads before that"),
        "{}",
        ran.err
    );
    let listed = cli.run(&["lead", "list", "--json"]).well().json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn leads_are_listed_by_state_account_and_crm() {
    let cli = Cli::migrated().await;
    let mut other_crm = lead(3, "acme");
    other_crm["routing"]["destination_crm"] = json!("jobber");
    let leads = json!([lead(1, "acme"), lead(2, "bolt"), other_crm]);
    cli.run_with(&["lead", "push", "-"], &leads.to_string())
        .well();
    let listed = |filter: &[&str]| {
        let ran = cli
            .run(&[&["lead", "list", "--json"], filter].concat())
            .well();
        ran.json().as_array().unwrap().len()
    };
    assert_eq!(listed(&[]), 3);
    assert_eq!(listed(&["--account", "acme"]), 2);
    assert_eq!(listed(&["--crm", "housecall_pro"]), 2);
    assert_eq!(listed(&["--crm", "pro"]), 0);
    assert_eq!(listed(&["--account", "acme", "--crm", "jobber"]), 1);
    assert_eq!(listed(&["--state", "queued"]), 3);
    assert_eq!(listed(&["--state", "dead"]), 0);
    assert_eq!(listed(&["--account", "' or true --"]), 0);
    let page = cli
        .run(&["lead", "list", "--json", "--limit", "2"])
        .well()
        .json();
    let last = page[1]["run_id"].as_str().unwrap();
    assert_eq!(listed(&["--before", last]), 1);
    let table = cli.run(&["lead", "list"]).well().out;
    assert!(
        table.contains("jobber") && table.contains("queued"),
        "{table}"
    );
}

#[tokio::test]
async fn a_lead_is_shown_by_its_event_id_and_account() {
    let cli = Cli::migrated().await;
    let (mine, mut theirs) = (lead(1, "acme"), lead(1, "acme"));
    theirs["callsetter_account_id"] = json!("bolt");
    let id = mine["event_id"].as_str().unwrap();
    cli.run(&["lead", "show", id])
        .refused(1, "there is no lead");
    cli.run_with(&["lead", "push", "-"], &mine.to_string())
        .well();
    let shown = cli.run(&["lead", "show", id]).well().out;
    assert!(
        shown.contains(id) && shown.contains("queued") && shown.contains("no worker"),
        "{shown}"
    );
    cli.run_with(&["lead", "push", "-"], &theirs.to_string())
        .well();
    cli.run(&["lead", "show", id]).refused(2, "--account");
    let shown = cli
        .run(&["lead", "show", id, "--account", "bolt", "--json"])
        .well()
        .json();
    assert_eq!(shown["lead"]["account"], "bolt");
}

#[tokio::test]
async fn push_and_wait_follows_a_lead_into_the_crm_and_show_tells_its_story() {
    let cli = Cli::migrated().await;
    let (_crm, url) = crm(&cli);
    connect(&cli, &url, &[]);
    let mut worker = cli.serve(&["worker", "--name", "w1"]);
    assert_eq!(worker.ready, "worker w1 is ready for 256 runs at a time\n");
    let lead = lead(1, "acme");
    let pushed = cli
        .run_with(&["lead", "push", "-", "--wait"], &lead.to_string())
        .well();
    assert!(pushed.err.ends_with("1 completed\n"), "{}", pushed.err);
    let id = lead["event_id"].as_str().unwrap();
    let story = cli.run(&["lead", "show", id]).well().out;
    assert!(
        story.contains("made customer cus_") && story.contains("delivered to housecall_pro"),
        "{story}"
    );
    let stopped = worker.stop();
    assert_eq!(stopped.code, 0);
    let phone = lead["contact"]["phone"].as_str().unwrap();
    for text in [&pushed.out, &pushed.err, &story, &stopped.err] {
        assert!(
            !text.contains(phone) && !text.contains(&phone[2..]),
            "{text}"
        );
    }
}
