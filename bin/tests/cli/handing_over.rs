//! What a person sees who hands leads over and waits, and what a script sees who does it wrongly.

use crate::kit::{ADD, Cli, VAULT_KEY, connect, crm, lead};
use sqlx::postgres::PgListener;
use std::time::Duration;

#[tokio::test]
async fn whoever_waits_for_a_lead_without_a_connection_is_told_once_what_to_do() {
    let cli = Cli::migrated().await;
    let (_crm, url) = crm(&cli);
    let _worker = cli.serve(&["worker"]);
    let file = cli.write("lead.json", &lead(1, "acme").to_string());
    let mut waiting = cli.start(&["lead", "push", &file, "--wait"]);
    waiting.until_logged("1 lead waits: The account acme has no connection to Housecall Pro");
    connect(&cli, &url, &[]);
    let ended = waiting.until_its_end();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        !ended.err.contains("has no connection"),
        "it was said before: {}",
        ended.err
    );
    assert!(ended.err.ends_with("1 completed\n"), "{}", ended.err);
}

#[tokio::test]
async fn whoever_waits_without_a_worker_or_for_a_paused_lane_is_told_so() {
    let cli = Cli::migrated().await;
    let file = cli.write("lead.json", &lead(1, "acme").to_string());
    let mut waiting = cli.start(&["lead", "push", &file, "--wait"]);
    waiting.until_logged("`leadrail worker` starts one");
    cli.run(&["lane", "pause", "acme/housecall_pro"]).well();
    waiting.until_logged("`leadrail lane resume acme/housecall_pro` lets it go on");
}

#[tokio::test]
async fn an_input_without_a_lead_is_wrong_use() {
    let cli = Cli::migrated().await;
    for nothing in ["", " \n", "[]"] {
        let ran = cli.run_with(&["lead", "push", "-"], nothing);
        ran.refused(2, "holds no lead; `leadrail schema lead --example`");
    }
}

#[tokio::test]
async fn workers_are_told_before_the_command_ends() {
    let cli = Cli::migrated().await;
    let mut ear = PgListener::connect(cli.url()).await.expect("a session");
    ear.listen("leadrail_run").await.expect("listening");
    cli.run_with(&["lead", "push", "-"], &lead(1, "acme").to_string())
        .well();
    let heard = tokio::time::timeout(Duration::from_secs(20), ear.recv());
    assert!(heard.await.expect("it was sent").is_ok());
}

#[test]
fn a_vault_key_that_is_none_is_wrong_use_however_it_is_none() {
    let service = || Cli::new().with("DATABASE_URL", "postgres://u@127.0.0.1:1/d");
    service()
        .run(&["worker"])
        .refused(2, "openssl rand -hex 32");
    let malformed = service().with("LEADRAIL_VAULT_KEY", "canary");
    let ran = malformed.run(&["worker"]);
    ran.refused(2, "64 hex digits");
    assert!(!ran.err.contains("canary"));
    let missing = service().with("LEADRAIL_VAULT_KEY_FILE", "missing.key");
    missing
        .run(&["worker"])
        .refused(2, "missing.key is not usable");
    let good = service().with("LEADRAIL_VAULT_KEY", VAULT_KEY);
    let file = [&ADD[..], &["--secret-file", "missing"]].concat();
    good.run(&file).refused(2, "missing cannot be read");
}

#[tokio::test]
async fn a_command_may_print_the_vault_key_and_no_core_dump_will_have_it() {
    let cli = Cli::migrated().await;
    let asked = |line: &str| {
        let url = cli.url().to_owned();
        Cli::new()
            .with("DATABASE_URL", &url)
            .with("LEADRAIL_VAULT_KEY_COMMAND", line)
    };
    let limits = cli.path("limits");
    let line = format!(
        "grep core /proc/$PPID/limits >{}; echo {VAULT_KEY}",
        limits.display()
    );
    asked(&line).run(&["vault", "status"]).well();
    let limits = std::fs::read_to_string(limits).expect("it ran");
    let words: Vec<_> = limits.split_whitespace().collect();
    assert_eq!(words[..6], ["Max", "core", "file", "size", "0", "0"]);

    let broken = asked("echo canary; exit 3").run(&["vault", "status"]);
    broken.refused(2, "vault_key_command ended with exit status: 3");
    assert!(!broken.err.contains("canary"), "{}", broken.err);
    let nonsense = asked("echo canary").run(&["vault", "status"]);
    nonsense.refused(2, "64 hex digits");
    assert!(!nonsense.err.contains("canary"), "{}", nonsense.err);
}

#[tokio::test]
async fn an_error_of_postgresql_does_not_name_the_line_of_its_source() {
    let cli = Cli::with_database().await;
    let place = cli.url().rsplit_once('/').expect("a name").0.to_owned();
    let cli = cli.with("DATABASE_URL", &format!("{place}/no_such_database"));
    let ran = cli.run(&["lead", "list"]);
    ran.refused(1, "does not exist");
    assert!(!ran.err.contains("at line"), "{}", ran.err);
}
