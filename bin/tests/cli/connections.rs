use crate::kit::{ADD, Cli, VAULT_KEY, crm, lead};
use serde_json::{Value, json};

fn add(cli: &Cli, more: &[&str], secret: &str) -> Value {
    let arguments = [&ADD[..], &["--json"], more].concat();
    let ran = cli.run_with(&arguments, secret).well();
    assert!(
        !ran.out.contains(secret.trim()) && !ran.err.contains(secret.trim()),
        "{}",
        ran.out
    );
    ran.json()
}

#[tokio::test]
async fn a_secret_comes_from_standard_input_or_a_file_and_is_never_shown() {
    let cli = Cli::migrated().await;
    let first = add(&cli, &[], "canary-one\n");
    let file = cli.write("secret", "canary-two");
    let again = add(&cli, &["--secret-file", &file], "canary");
    assert_eq!(
        first["id"], again["id"],
        "connected again, the same connection"
    );
    assert_eq!(again["secret_version"], 2);
    for arguments in [
        &["connection", "list"][..],
        &["connection", "list", "--json"],
    ] {
        let ran = cli.run(arguments).well();
        assert!(
            ran.out.contains("acme") && !ran.out.contains("canary"),
            "{}",
            ran.out
        );
    }
    let ran = cli.run_with(&[&ADD[..], &["--secret", "canary"]].concat(), "");
    assert_eq!(ran.code, 2, "there is no such flag");
}

#[tokio::test]
async fn connecting_again_changes_only_what_is_given() {
    let cli = Cli::migrated().await;
    let settings = r#"{"lead_source": "Phone", "call_timeout_ms": 5000}"#;
    let url = "https://sandbox.crm.example/hcp";
    let first = add(
        &cli,
        &["--settings", settings, "--base-url", url],
        "canary-one",
    );
    let again = add(&cli, &[], "canary-two");
    for kept in ["id", "settings", "base_url", "auth_method"] {
        assert_eq!(first[kept], again[kept], "{kept}");
    }
    let source = r#"{"lead_source": null}"#;
    let less = add(
        &cli,
        &["--settings", source, "--base-url", ""],
        "canary-three",
    );
    assert_eq!(less["settings"], json!({"call_timeout_ms": 5000}));
    assert_eq!(less["base_url"], Value::Null);
}

#[tokio::test]
async fn a_connection_that_cannot_work_is_refused_before_it_is_stored() {
    let cli = Cli::migrated().await;
    let refused = |more: &[&str], secret: &str, words: &str| {
        let ran = cli.run_with(&[&ADD[..], more].concat(), secret);
        ran.refused(2, words);
        assert!(!ran.err.contains("canary"), "{}", ran.err);
    };
    refused(&[], "", "secret must not be empty");
    refused(&[], "canary\u{e9}", "characters that cannot be sent");
    refused(
        &["--auth", "password"],
        "canary",
        "--auth is one of: api_key, oauth, bearer_token",
    );
    refused(&["--base-url", "ftp://crm.example"], "canary", "base URL");
    refused(&["--base-url", "http://crm.example"], "canary", "https");
    for inner in ["https://10.1.2.3", "http://[::1]:4010"] {
        refused(&["--base-url", inner], "canary", "outbound.allow");
    }
    let metadata = "http://169.254.169.254";
    refused(&["--base-url", metadata], "canary", "metadata");
    refused(&["--settings", "[]"], "canary", "JSON object");
    refused(
        &["--settings", r#"{"colour": "red"}"#],
        "canary",
        "unknown settings: colour",
    );
    refused(&["--secret-file", "missing"], "", "cannot be read");
    refused(&["--crm-account-id", ""], "canary", "crm_account_id");
    let ran = cli.run_with(
        &["connection", "add", "--account", "a", "--crm", "nope"],
        "canary",
    );
    ran.refused(2, "there is: gohighlevel, housecall_pro");
    assert_eq!(
        cli.run(&["connection", "list", "--json"]).well().json(),
        json!([])
    );
}

#[tokio::test]
async fn a_test_asks_the_crm_and_says_what_it_means() {
    let cli = Cli::migrated().await;
    let (_crm, url) = crm(&cli);
    let connection = add(&cli, &["--base-url", &url], "sim-acme");
    let id = connection["id"].as_str().unwrap();
    let works = cli.run(&["connection", "test", id, "--json"]).well().json();
    assert_eq!(
        (&works["ok"], &works["state"]),
        (&json!(true), &json!("active"))
    );
    let listed = cli.run(&["connection", "list", "--json"]).well().json();
    assert!(listed[0]["last_verified_at"].is_string());
    add(&cli, &["--base-url", &url], "revoked-key");
    let refused = cli.run(&["connection", "test", id]);
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains("needs_reauth"), "{}", refused.out);
    let listed = cli
        .run(&["connection", "list", "--state", "needs_reauth"])
        .well()
        .out;
    assert!(listed.contains(id), "{listed}");
    let missing = "0b2f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10";
    let ran = cli.run(&["connection", "test", missing]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("there is no connection"), "{}", ran.err);
}

#[tokio::test]
async fn leads_that_wait_for_their_connection_go_out_when_it_is_added() {
    let cli = Cli::migrated().await;
    let (_crm, url) = crm(&cli);
    let _worker = cli.serve(&["worker"]);
    let lead = lead(1, "acme");
    cli.run_with(&["lead", "push", "-"], &lead.to_string())
        .well();
    until(&cli, "waiting");
    let added = add(&cli, &["--base-url", &url], "sim-acme");
    assert_eq!(added["released"], 1);
    until(&cli, "completed");
}

#[tokio::test]
async fn a_connection_that_works_again_lets_its_leads_go_even_those_that_saw_it_closed_just_now() {
    let cli = Cli::migrated().await;
    let (_crm, url) = crm(&cli);
    let _worker = cli.serve(&["worker"]);
    add(&cli, &["--base-url", &url], "revoked-key");
    cli.run_with(&["lead", "push", "-"], &lead(1, "acme").to_string())
        .well();
    until(&cli, "waiting");
    // The worker remembers the closed connection for a moment; this lead meets that memory.
    cli.run_with(&["lead", "push", "-"], &lead(2, "acme").to_string())
        .well();
    add(&cli, &["--base-url", &url], "sim-acme");
    until(&cli, "completed");
}

#[tokio::test]
async fn a_disabled_connection_says_so() {
    let cli = Cli::migrated().await;
    let connection = add(&cli, &[], "canary");
    let id = connection["id"].as_str().unwrap();
    let off = cli.run(&[
        "connection",
        "disable",
        id,
        "--why",
        "contract ended",
        "--json",
    ]);
    assert_eq!(off.well().json()["state"], "disabled");
    assert!(
        cli.run(&["connection", "disable", id])
            .well()
            .out
            .contains("off already")
    );
    assert!(
        cli.run(&["connection", "list"])
            .well()
            .out
            .contains("contract ended")
    );
}

#[tokio::test]
async fn a_connection_is_made_signed_in_to_paused_and_switched_off_and_on() {
    let cli = Cli::migrated().await;
    let pending = cli.run(&[&ADD[..], &["--pending", "--json"]].concat());
    let pending = pending.well().json();
    assert_eq!(
        (&pending["state"], &pending["released"]),
        (&json!("pending"), &json!(0))
    );
    let id = pending["id"].as_str().unwrap();
    let twice = cli.run(&[&ADD[..], &["--pending"]].concat());
    twice.refused(1, id);
    let pause = ["connection", "pause", id, "--why", "in August"];
    cli.run(&pause).refused(1, "nobody has signed in to it yet");
    let added = add(&cli, &[], "canary");
    assert_eq!(
        (&added["id"], &added["state"]),
        (&pending["id"], &json!("active"))
    );
    let held = cli.run(&pause).well();
    assert!(held.out.contains("it is paused"), "{}", held.out);
    assert!(cli.run(&pause).well().out.contains("paused already"));
    let listed = cli.run(&["connection", "list", "--state", "paused"]);
    assert!(listed.well().out.contains("in August"));
    let on = ["connection", "resume", id, "--json"];
    assert_eq!(cli.run(&on).well().json()["state"], "active");
    cli.run(&["connection", "disable", id]).well();
    cli.run(&on).refused(1, "enable it");
    let on = ["connection", "enable", id, "--json"];
    assert_eq!(cli.run(&on).well().json()["state"], "active");
    let typo = ["connection", "list", "--state", "Active"];
    let ran = cli.run(&typo);
    assert!(
        ran.code == 2 && ran.err.contains("needs_reauth"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn a_connection_is_shown_set_connected_again_and_deleted() {
    let cli = Cli::migrated().await;
    let (_crm, url) = crm(&cli);
    let added = add(&cli, &["--base-url", &url], "sim-acme");
    let id = added["id"].as_str().unwrap();
    let set = cli.run(&[
        "connection",
        "set",
        id,
        "lead_source=Phone AI",
        "leads_per_minute=30",
        "--json",
    ]);
    let set = set.well().json();
    assert_eq!(
        (&set["settings"]["lead_source"], &set["revision"]),
        (&json!("Phone AI"), &json!(2))
    );
    let lanes = cli.run(&["lane", "list", "--json"]).well().json();
    let lanes = lanes.as_array().expect("a list");
    let lane = lanes
        .iter()
        .find(|lane| lane["lane"] == "acme/housecall_pro");
    assert_eq!(
        lane.expect("its lane")["gap_seconds"],
        json!(2.0),
        "its budget is its lane's"
    );
    let stale = ["connection", "set", id, "tag=x", "--revision", "1"];
    cli.run(&stale).refused(1, "meanwhile");
    for (wrong, says) in [
        (&["tag"][..], "NAME=VALUE"),
        (&[], "nothing is to be changed"),
        (&["lead_sauce=x"], "lead_sauce"),
        (&["max_at_once=0"], "max_at_once"),
        (&["--settings", "[]"], "JSON object"),
    ] {
        let arguments = [&["connection", "set", id][..], wrong].concat();
        cli.run(&arguments).refused(2, says);
    }
    let less = cli.run(&["connection", "set", id, "lead_source=", "--json"]);
    assert_eq!(less.well().json()["settings"]["lead_source"], json!(null));
    let shown = cli.run(&["connection", "show", id]).well().out;
    assert!(
        shown.contains("leads_per_minute") && shown.contains("active"),
        "{shown}"
    );
    assert!(!shown.contains("sim-acme"), "{shown}");
    let options = cli.run(&["connection", "options", id]).well().out;
    assert!(options.contains("no setting of this CRM"), "{options}");
    cli.run(&["connection", "options", id, "--setting", "tag"])
        .refused(2, "no setting of this CRM");
    let file = cli.write("secret", "sim-acme\n");
    let again = ["connection", "reconnect", id, "--secret-file", &file];
    assert!(cli.run(&again).well().out.contains("is active"));
    cli.run_with(&["connection", "reconnect", id], "sim-bolt")
        .refused(1, "another account");
    cli.run(&["connection", "delete", id]).refused(2, "--yes");
    assert!(
        cli.run(&["connection", "delete", id, "--yes"])
            .well()
            .out
            .contains("gone")
    );
    cli.run(&["connection", "show", id])
        .refused(1, "there is no connection");
}

#[tokio::test]
async fn the_doctor_opens_every_stored_connection() {
    let cli = Cli::migrated().await;
    add(&cli, &[], "canary");
    let checked = cli.run(&["doctor"]).well().out;
    assert!(checked.contains("opens all 1 connections"), "{checked}");
    let other_key = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
    let cli = cli.with("LEADRAIL_VAULT_KEY", other_key);
    let ran = cli.run(&["doctor"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("FAIL  vault_key") && ran.out.contains("mismatch"),
        "{}",
        ran.out
    );
    let cli = cli.with("LEADRAIL_VAULT_KEY", "");
    let ran = cli.run(&["doctor"]);
    assert!(
        ran.out.contains("no vault key is configured"),
        "{}",
        ran.out
    );
    assert!(cli.run(&["connection", "list"]).well().out.contains("acme"));
}

#[tokio::test]
async fn nothing_starts_or_seals_with_a_vault_key_that_is_not_the_databases() {
    let cli = Cli::migrated().await;
    add(&cli, &[], "canary");
    let other_key = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
    let cli = cli.with("LEADRAIL_VAULT_KEY", other_key);
    for arguments in [&["worker"][..], &["serve", "--listen", "127.0.0.1:0"], &ADD] {
        let ran = cli.run_with(arguments, "canary");
        ran.refused(1, "connections are sealed with k-");
        assert!(!ran.err.contains(other_key));
    }
    let cli = cli.with("LEADRAIL_VAULT_OLD_KEY", VAULT_KEY);
    assert!(
        cli.run(&["doctor"])
            .well()
            .out
            .contains("opens all 1 connections")
    );
    let mut worker = cli.serve(&["worker"]);
    assert_eq!(worker.stop().code, 0);
    cli.run_with(&ADD, "canary").well();
}

/// Waits until there is a lead in this state.
fn until(cli: &Cli, state: &str) {
    let began = std::time::Instant::now();
    loop {
        let listed = cli
            .run(&["lead", "list", "--state", state, "--json"])
            .well()
            .json();
        if listed != json!([]) {
            return;
        }
        let leads = cli.run(&["lead", "list"]).out;
        assert!(
            began.elapsed().as_secs() < 20,
            "no lead is {state}: {leads}"
        );
    }
}

#[tokio::test]
async fn the_vault_key_is_changed_by_one_command_and_the_old_one_is_refused_afterwards() {
    let next = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
    let cli = Cli::migrated().await;
    let added = add(&cli, &[], "canary");
    let status = cli.run(&["vault", "status", "--json"]).well().json();
    let old = status["current"].as_str().expect("a key").to_owned();
    assert_eq!(
        status["sealed"],
        json!([{"vault_key_id": old, "connections": 1, "clients": 0}])
    );

    let cli = cli.with("LEADRAIL_VAULT_KEY", next);
    let locked = cli.run(&["vault", "status"]);
    assert_eq!(locked.code, 1, "{}", locked.out);
    assert!(locked.out.contains("not configured"), "{}", locked.out);
    cli.run(&["vault", "rotate"]).refused(
        1,
        "1 connections or clients of ours are sealed with a key that is not configured here",
    );
    let cli = cli.with("LEADRAIL_VAULT_OLD_KEY", VAULT_KEY);
    let rotated = cli.run(&["vault", "rotate", "--json"]).well().json();
    assert_eq!(rotated, json!({"moved": 1, "left": 0}));
    let said = cli.run(&["vault", "status"]).well().out;
    assert!(
        said.contains("the one that seals") && said.contains(&old),
        "{said}"
    );

    let cli = cli.with("LEADRAIL_VAULT_OLD_KEY", "");
    let again = add(&cli, &[], "canary");
    assert_eq!(again["id"], added["id"]);
    let cli = cli.with("LEADRAIL_VAULT_KEY", VAULT_KEY);
    cli.run(&["worker"])
        .refused(1, &format!("this is the vault key {old}"));
}
