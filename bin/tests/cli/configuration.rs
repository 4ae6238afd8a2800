use crate::kit::Cli;
use serde_json::Value;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

fn setting(ran: &Value, key: &str) -> (Value, String) {
    let all = ran.as_array().expect("an array");
    let found = all.iter().find(|setting| setting["key"] == key);
    let found = found.expect("the key");
    (
        found["value"].clone(),
        found["from"].as_str().expect("a place").to_owned(),
    )
}

#[test]
fn what_is_in_force_and_where_it_came_from_is_shown() {
    let cli = Cli::new()
        .with("LEADRAIL_WORKER_LEASE", "9s")
        .with("DATABASE_URL", "postgres://u@h/d");
    cli.write(
        "leadrail.toml",
        "log = 'warn'\n[worker]\nlease = '8s'\npoll = '2s'",
    );
    let shown = cli
        .run(&["config", "--json", "--log", "debug"])
        .well()
        .json();
    let place = |from: &str| from.to_owned();
    assert_eq!(setting(&shown, "log"), ("debug".into(), place("--log")));
    assert_eq!(
        setting(&shown, "worker.lease"),
        ("9s".into(), place("LEADRAIL_WORKER_LEASE"))
    );
    assert_eq!(
        setting(&shown, "worker.poll"),
        ("2s".into(), place("leadrail.toml"))
    );
    assert_eq!(
        setting(&shown, "worker.grace"),
        ("25s".into(), place("default"))
    );
    assert_eq!(
        setting(&shown, "database_url"),
        ("postgres://u@h/d".into(), place("DATABASE_URL"))
    );
    let table = cli.run(&["config"]).well().out;
    assert!(
        table.contains("worker.poll") && table.contains("leadrail.toml"),
        "{table}"
    );
}

#[test]
fn another_file_may_be_named() {
    let cli = Cli::new();
    let file = cli.write("other.toml", "listen = '127.0.0.1:5'");
    let by_flag = cli
        .run(&["config", "--json", "--config", &file])
        .well()
        .json();
    assert_eq!(setting(&by_flag, "listen").0, "127.0.0.1:5");
    let cli = cli.with("LEADRAIL_CONFIG", &file);
    let by_variable = cli.run(&["config", "--json"]).well().json();
    assert_eq!(setting(&by_variable, "listen").0, "127.0.0.1:5");
}

#[test]
fn unknown_keys_and_bad_values_are_refused_by_every_command() {
    let cli = Cli::new();
    let unknown = cli.write("unknown.toml", "[worker]\nconcurency = 3");
    let bad = cli.write("bad.toml", "log_format = 'xml'");
    for command in [&["config"][..], &["openapi"], &["doctor"]] {
        let with = |file: &str| cli.run(&[command, &["--config", file]].concat());
        with(&unknown).refused(2, "worker.concurency; did you mean worker.concurrency?");
        with(&bad).refused(2, "must be text or json");
    }
    let cli = cli.with("LEADRAIL_WORKER_POL", "1s");
    cli.run(&["config"])
        .refused(2, "did you mean LEADRAIL_WORKER_POLL?");
}

#[test]
fn a_file_that_anybody_can_write_is_not_believed() {
    let cli = Cli::new();
    let file = cli.write("leadrail.toml", "log = 'warn'");
    let mode = |mode| std::fs::set_permissions(&file, Permissions::from_mode(mode)).expect("set");
    mode(0o646);
    for arguments in [&["config"][..], &["config", "--config", &file]] {
        cli.run(arguments).refused(2, "chmod o-w");
    }
    mode(0o644);
    cli.run(&["config"]).well();
}

#[test]
fn secrets_are_masked() {
    let cli = Cli::new()
        .with("DATABASE_URL", "postgres://u:canary@h/d")
        .with("LEADRAIL_VAULT_KEY", "canary");
    for arguments in [&["config"][..], &["config", "--json"]] {
        let ran = cli.run(arguments).well();
        assert!(
            !ran.out.contains("canary") && ran.out.contains("********"),
            "{}",
            ran.out
        );
    }
    let ran = cli.run(&["worker"]);
    assert_eq!(ran.code, 2);
    assert!(!ran.err.contains("canary"), "{}", ran.err);
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    for url in [
        "postgres://u:canary@h/d",
        "postgres://u:can@ary@h1:1,h2:2/d",
        "postgres://u@h/d?password=canary",
    ] {
        let ran = Cli::new().run(&["config", "--database-url", url]);
        ran.refused(2, "DATABASE_URL");
        assert!(!ran.err.contains("ary"), "{}", ran.err);
    }
    let ran = Cli::new().run(&["config", "--database-url", "postgres://u@h:5432/d"]);
    ran.well();
}

#[test]
fn the_log_filter_is_checked_before_anything_is_done() {
    let ran = Cli::new().run(&["openapi", "--log", "loud=very"]);
    ran.refused(2, "the log filter is not valid");
}
