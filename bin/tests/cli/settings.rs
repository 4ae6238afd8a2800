//! What may be set for a connection, and how a secret is typed.

use crate::kit::{ADD, Cli, example, terminal};
use serde_json::{Value, json};
use std::io::Write as _;

#[test]
fn the_settings_of_a_crm_are_what_its_adapter_says() {
    let cli = Cli::new();
    let listed = cli.run(&["connection", "settings", "--crm", "servicetitan", "--json"]);
    let listed = listed.well().json();
    let of = |name: &str| {
        let all = listed.as_array().expect("settings").iter();
        all.clone()
            .find(|one| one["name"] == name)
            .expect(name)
            .clone()
    };
    assert_eq!(of("mode")["choices"], json!(["booking", "job", "lead"]));
    assert_eq!(of("tenant_id")["required"], "always");
    assert_eq!(of("job_type")["required"], "with mode job");
    assert_eq!(
        of("job_type")["options"],
        true,
        "its choices are the account's own"
    );
    assert_eq!(
        of("environment")["choices"],
        json!(["production", "integration"])
    );
    assert_eq!(
        of("call_timeout_ms")["required"],
        "never",
        "those that all CRMs have, too"
    );
    let table = cli
        .run(&["connection", "settings", "--crm", "jobber"])
        .well()
        .out;
    assert!(
        table.contains("pin_note") && table.contains("true or false"),
        "{table}"
    );
    assert!(
        table.contains("Jobber takes 2500 requests in 300 s"),
        "{table}"
    );
    cli.run(&["connection", "settings", "--crm", "nope"])
        .refused(2, "there is: gohighlevel, housecall_pro");
}

#[tokio::test]
async fn every_setting_that_is_listed_for_all_crms_is_taken() {
    let cli = Cli::migrated().await;
    let all = r#"{"call_timeout_ms": 5000, "on_unknown_outcome": "ask", "settle_seconds": 5,
                  "retry_schedule": [{"delay": "30s"}], "leads_per_minute": 30, "max_at_once": 2,
                  "test_mode": false}"#;
    let add = [&ADD[..], &["--settings", all]].concat();
    cli.run_with(&add, "canary").well();
    let listed = cli.run(&["connection", "settings", "--crm", "housecall_pro", "--json"]);
    let listed = listed.well().json();
    let given: Value = serde_json::from_str(all).expect("JSON");
    for name in given.as_object().expect("settings").keys() {
        let mut all = listed.as_array().expect("settings").iter();
        assert!(all.any(|one| one["name"] == name.as_str()), "{name}");
    }
}

#[tokio::test]
async fn a_secret_is_asked_for_at_a_terminal_and_not_shown() {
    let cli = Cli::migrated().await;
    let (mut ours, theirs) = terminal();
    let mut asked = cli.start_with(&ADD, theirs.into());
    asked.until_asked("(not shown): ");
    ours.write_all(b"canary\n").expect("typed");
    let ended = asked.until_its_end();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("is active"), "{}", ended.out);
    for text in [&ended.out, &ended.err] {
        assert!(!text.contains("canary"), "{text}");
    }
    let shown = crate::kit::shown_at(ours);
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn a_preview_goes_through_the_accounts_stored_connection() {
    let cli = Cli::migrated().await;
    let lead = example(&cli);
    let settings = r#"{"tenant_id": 4711, "booking_provider": 99}"#;
    let add = [
        "connection",
        "add",
        "--account",
        "acct_xyz",
        "--crm",
        "servicetitan",
        "--auth",
        "bearer_token",
        "--settings",
        settings,
    ];
    let secrets = r#"{"access_token": "a", "app_key": "b"}"#;
    cli.run_with(&add, secrets).well();
    let preview = [
        "lead",
        "preview",
        &lead,
        "--crm",
        "servicetitan",
        "--account",
    ];
    let shown = cli
        .run(&[&preview[..], &["acct_xyz"]].concat())
        .well()
        .json();
    let url = shown.as_array().expect("requests").last().expect("one")["url"].clone();
    assert!(
        url.as_str()
            .expect("a URL")
            .contains("/tenant/4711/booking-provider/99/"),
        "{url}"
    );
    cli.run(&[&preview[..], &["bolt"]].concat())
        .refused(1, "bolt has no connection to servicetitan");
}

#[test]
fn a_preview_of_an_unqualified_lead_says_that_nothing_is_sent() {
    let cli = Cli::new();
    let mut lead = cli.run(&["schema", "lead", "--example"]).well().json();
    lead["event"] = json!("lead.unqualified");
    let shown = cli.run_with(
        &["lead", "preview", "-", "--crm", "housecall_pro"],
        &lead.to_string(),
    );
    let shown = shown.well();
    assert_eq!(shown.json(), json!([]));
    assert!(shown.err.contains("nothing would be sent"), "{}", shown.err);
}
