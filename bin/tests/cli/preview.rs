use crate::kit::{Cli, golden};

fn example(cli: &Cli) -> String {
    let example = cli.run(&["schema", "lead", "--example"]).well().out;
    cli.write("lead.json", &example)
}

#[test]
fn a_new_caller_is_looked_up_made_a_customer_and_filed() {
    let cli = Cli::new();
    let lead = example(&cli);
    let shown = cli.run(&["lead", "preview", &lead, "--crm", "housecall_pro"]);
    assert_eq!(shown.well().json(), golden("unknown_customer.json"));
}

#[test]
fn a_known_customer_is_not_made_again() {
    let cli = Cli::new();
    let lead = example(&cli);
    let arguments = [
        "lead",
        "preview",
        &lead,
        "--crm",
        "housecall_pro",
        "--known-customer",
        "cus_known",
    ];
    assert_eq!(
        cli.run(&arguments).well().json(),
        golden("known_customer.json")
    );
}

#[test]
fn a_preview_can_go_to_another_address_after_the_links_have_expired() {
    let cli = Cli::new();
    let lead = example(&cli);
    let shown = cli.run(&[
        "lead",
        "preview",
        &lead,
        "--crm",
        "housecall_pro",
        "--expired-links",
        "--base-url",
        "http://127.0.0.1:9/housecall_pro",
    ]);
    let shown = shown.well().json();
    let filed = &shown[2];
    assert_eq!(filed["url"], "http://127.0.0.1:9/housecall_pro/leads");
    let note = filed["body"]["note"].as_str().expect("a note");
    assert!(
        note.contains("have expired") && !note.contains("signature="),
        "{note}"
    );
}

#[test]
fn what_cannot_be_previewed_is_refused_without_repeating_it() {
    let cli = Cli::new();
    let lead = example(&cli);
    cli.run(&["lead", "preview", &lead, "--crm", "nope"])
        .refused(2, "there is: housecall_pro");
    cli.run(&["lead", "preview", "missing.json", "--crm", "housecall_pro"])
        .refused(2, "missing.json cannot be read");
    let wrong = [
        ("{}", "/event_id"),
        ("", "holds no lead"),
        ("[{},{}]", "more than one"),
        ("{\"contact\": {\"phone\": \"canary\"}}", "/contact/phone"),
    ];
    for (payload, words) in wrong {
        let ran = cli.run_with(&["lead", "preview", "-", "--crm", "housecall_pro"], payload);
        ran.refused(2, words);
        assert!(!ran.err.contains("canary"), "{}", ran.err);
    }
}
