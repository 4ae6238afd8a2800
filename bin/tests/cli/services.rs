use crate::kit::{Cli, VAULT_KEY, connect, crm, lead, post};
use sqlx::{Connection as _, PgConnection};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

#[tokio::test]
async fn the_api_says_where_it_is_and_ends_in_order() {
    let cli = Cli::migrated().await;
    let mut api = cli.serve(&["serve", "--listen", "127.0.0.1:0"]);
    let address = api
        .ready
        .trim_end()
        .rsplit_once("http://")
        .expect("an address")
        .1
        .to_owned();
    assert!(
        !address.ends_with(":0"),
        "the port that was chosen: {address}"
    );
    assert!(std::net::TcpStream::connect(&address).is_ok());
    assert_eq!(api.stop().code, 0);
}

#[test]
fn the_api_is_for_this_machine_only() {
    let cli = Cli::new()
        .with("DATABASE_URL", "postgres://u@127.0.0.1:1/d")
        .with("LEADRAIL_VAULT_KEY", VAULT_KEY);
    let ran = cli.run(&["serve", "--listen", "0.0.0.0:0"]);
    ran.refused(2, "can be reached from other machines");
}

#[test]
fn services_wait_for_a_database_that_is_away_and_can_be_stopped_meanwhile() {
    let cli = Cli::new()
        .with("DATABASE_URL", "postgres://u:canary@127.0.0.1:1/d")
        .with("LEADRAIL_VAULT_KEY", VAULT_KEY);
    for arguments in [&["worker"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let mut service = cli.start(arguments);
        service.until_logged("waiting for it");
        let stopped = service.stop();
        assert_eq!(stopped.code, 0, "{}", stopped.err);
        assert!(!stopped.err.contains("canary"));
    }
}

#[tokio::test]
async fn json_logs_are_one_object_a_line() {
    let cli = Cli::migrated().await.with("LEADRAIL_LOG_FORMAT", "json");
    let mut worker = cli.serve(&["worker"]);
    let stopped = worker.stop();
    assert_eq!(stopped.code, 0);
    assert!(!stopped.err.is_empty());
    for line in stopped.err.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("an object");
        assert!(line["fields"]["message"].is_string(), "{line}");
    }
}

const LATER: &str = "update leadrail.clock set shift = interval '5 minutes'";

#[tokio::test]
async fn a_failed_attempt_is_logged_and_answers_and_ended_leads_are_counted() {
    let cli = Cli::migrated().await;
    let (_crm, url) = crm(&cli);
    let (sim, _) = url["http://".len()..].split_once('/').expect("a path");
    let fault = r#"{"match": {"method": "POST", "path_prefix": "/leads", "times": 1},
                    "fault": {"kind": "status_before", "status": 503}}"#;
    let added = post(sim, "/_sim/housecall_pro/faults", fault);
    assert!(added.starts_with("HTTP/1.1 20"), "{added}");
    connect(&cli, &url, &["--settings", r#"{"settle_seconds": 1}"#]);
    let mut worker = cli.serve(&["worker", "--listen", "127.0.0.1:0"]);
    let said = worker.ready.trim_end().to_owned();
    let (_, address) = said.rsplit_once("http://").expect("an address");
    cli.run_with(&["lead", "push", "-"], &lead(1, "acme").to_string())
        .well();
    worker.until_logged("An attempt failed: http_503 (retrying)");
    let counted = ask(address, "/metrics");
    let answer =
        r#"leadrail_crm_answers_total{crm="housecall_pro",kind="ambiguous",reason="http_503"} 1"#;
    assert!(counted.contains(answer), "{counted}");

    let mut session = PgConnection::connect(cli.url()).await.expect("a session");
    sqlx::query(LATER)
        .execute(&mut session)
        .await
        .expect("later");
    let ended =
        r#"leadrail_leads_ended_total{crm="housecall_pro",outcome="delivered",reason=""} 1"#;
    while !ask(address, "/metrics").contains(ended) {}
    assert_eq!(worker.stop().code, 0);
}

/// What `path` is answered at this address.
fn ask(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

#[tokio::test]
async fn a_worker_answers_for_its_health_where_it_is_told_to() {
    let cli = Cli::migrated().await;
    let mut worker = cli.serve(&["worker", "--listen", "127.0.0.1:0"]);
    let said = worker.ready.trim_end().to_owned();
    let (_, address) = said.rsplit_once("http://").expect("an address");
    assert!(ask(address, "/healthz").starts_with("HTTP/1.1 200 "));
    // Ready once it is registered.
    while !ask(address, "/readyz").starts_with("HTTP/1.1 200 ") {}
    let metrics = ask(address, "/metrics");
    for figure in [
        "leadrail_workers 1",
        "leadrail_database_xid_age ",
        "leadrail_database_oldest_transaction_seconds ",
    ] {
        assert!(metrics.contains(figure), "{figure}: {metrics}");
    }
    assert!(ask(address, "/v1/leads").starts_with("HTTP/1.1 404 "));
    assert_eq!(worker.stop().code, 0);
    cli.run(&["worker", "--listen", "0.0.0.0:0"])
        .refused(2, "can be reached from other machines");
}

#[tokio::test]
async fn a_key_is_made_used_and_taken_back_from_the_command_line() {
    let cli = Cli::migrated()
        .await
        .with("LEADRAIL_API_REQUIRE_KEYS", "true");
    let made = cli.run(&[
        "key",
        "create",
        "--purpose",
        "pipeline",
        "--role",
        "account",
        "--account",
        "acme",
    ]);
    let made = made.well();
    let key = made.out.trim();
    assert!(
        key.starts_with("lr_live_") && made.err.contains("only time"),
        "{}",
        made.err
    );
    let listed = cli.run(&["key", "list", "--json"]).well();
    assert!(!listed.out.contains(key), "{}", listed.out);
    let listed = listed.json();
    let id = listed[0]["id"].as_str().expect("an id");
    assert!(key.starts_with(listed[0]["shown"].as_str().expect("its beginning")));
    cli.run(&["key", "revoke", id]).well();
    let again = cli.run(&["key", "revoke", id, "--json"]).well().json();
    assert_eq!(again["revoked"], serde_json::json!(false));
    assert!(cli.run(&["key", "list"]).well().out.contains("revoked"));
    let log = cli.run(&["audit", "--subject", id]).well().out;
    assert!(
        log.contains("key.create") && log.contains("revoked before"),
        "{log}"
    );
    let nothing = cli.run(&["audit", "--actor", "api:local"]).well().out;
    assert_eq!(nothing.trim(), "no such entries");
    let test = ["key", "create", "--purpose", "build", "--test", "--role"];
    let made = cli.run(&[&test[..], &["intake"]].concat()).well();
    assert!(made.out.starts_with("lr_test_"), "{}", made.err);
    cli.run(&[&test[..], &["operator"]].concat())
        .refused(2, "a test key has the role account or intake");
    cli.run(&["key", "revoke", "3d1f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10"])
        .refused(2, "no API key");
    cli.run(&["key", "create", "--purpose", "x", "--role", "account"])
        .refused(2, "needs an account");
    let unknown = cli.run(&["key", "create", "--purpose", "x", "--role", "admin"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.err.contains("operator_read_only"),
        "{}",
        unknown.err
    );
}
