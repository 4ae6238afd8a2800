use crate::kit::Cli;
use leadrail_postgres::testing::TestServer;
use leadrail_postgres::{Options, PrivateServer};
use sqlx::{Connection as _, PgConnection};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

async fn sql(cli: &Cli, text: &'static str) {
    let mut session = PgConnection::connect(cli.url()).await.expect("a session");
    sqlx::query(text).execute(&mut session).await.expect(text);
}

const FORGETFUL: &str = "do $$ begin
    execute format('alter database %I set synchronous_commit = off', current_database());
end $$";

#[tokio::test]
async fn migrate_check_fails_until_the_migrations_are_applied() {
    let cli = Cli::with_database().await;
    let before = cli.run(&["migrate", "--check", "--json"]);
    assert_eq!(before.code, 1);
    let missing = before.json()["pending"].as_array().expect("names").len();
    assert!(missing > 5);
    let applied = cli.run(&["migrate", "--json"]).well().json();
    assert_eq!(applied["applied"].as_array().expect("names").len(), missing);
    let after = cli.run(&["migrate", "--check"]).well();
    assert_eq!(after.out, "the database is up to date\n");
    assert_eq!(
        cli.run(&["migrate"]).well().out,
        "the database is up to date\n"
    );
}

#[tokio::test]
async fn an_older_release_may_run_on_a_newer_database_and_says_that_it_is() {
    let cli = Cli::migrated().await;
    sql(
        &cli,
        "insert into leadrail.function_file (set_name, file, checksum)
         values ('engine', 'claim.sql', 'of tomorrow')",
    )
    .await;
    let newer = "the database is newer than this release";
    for arguments in [&["migrate", "--check"][..], &["migrate"], &["doctor"]] {
        let said = cli.run(arguments).well().out;
        assert!(
            said.contains(newer) && said.contains("engine claim.sql"),
            "{said}"
        );
    }
    let told = cli.run(&["migrate", "--check", "--json"]).well().json();
    let wanted = serde_json::json!({ "pending": [], "newer": ["engine claim.sql"] });
    assert_eq!(told, wanted);
    cli.run(&["lead", "list"]).well();
}

const READ_ONLY: &str = "do $$ begin
    execute format('alter database %I set default_transaction_read_only = on', current_database());
end $$";

#[tokio::test]
async fn a_database_that_is_only_read_is_waited_for_with_the_reason() {
    let cli = Cli::migrated().await;
    sql(&cli, READ_ONLY).await;
    let why = "default_transaction_read_only is on";
    for arguments in [&["worker"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let mut service = cli.start(arguments);
        service.until_logged(why);
        assert_eq!(service.stop().code, 0);
    }
    let doctor = cli.run(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.out.contains("FAIL  writable"), "{}", doctor.out);
    assert!(doctor.out.contains(why), "{}", doctor.out);
    cli.run(&["lead", "list"]).well();
}

#[tokio::test]
async fn a_standby_as_the_only_host_is_waited_for_with_the_reason() {
    let primary = PrivateServer::start(Options::default())
        .await
        .expect("a primary");
    primary.create_database("leadrail").await.expect("created");
    let standby = primary.standby(&[]).await.expect("a standby");
    let cli = Cli::new()
        .with("DATABASE_URL", &standby.url("leadrail"))
        .with("LEADRAIL_VAULT_KEY", crate::kit::VAULT_KEY);
    for arguments in [&["worker"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let mut service = cli.start(arguments);
        service.until_logged("is a standby");
        assert_eq!(service.stop().code, 0);
    }
    let doctor = cli.run(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.out.contains("is a standby"), "{}", doctor.out);
}

#[test]
fn a_server_beyond_this_machine_without_tls_is_told_nothing() {
    let server = TcpListener::bind("0.0.0.0:0").expect("listening");
    let port = server.local_addr().expect("an address").port();
    let heard = std::thread::spawn(move || {
        let (mut client, _) = server.accept().expect("a client");
        let mut asked = [0; 8];
        client.read_exact(&mut asked).expect("it asks for TLS");
        client.write_all(b"N").expect("answered");
        let mut more = Vec::new();
        let _ = client.read_to_end(&mut more);
        more
    });
    let cli = Cli::new()
        .with(
            "DATABASE_URL",
            &format!("postgres://u:canary@0.0.0.0:{port}/d"),
        )
        .with("LEADRAIL_VAULT_KEY", crate::kit::VAULT_KEY);
    let ran = cli.run(&["worker"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("sslmode=disable"), "{}", ran.err);
    assert_eq!(heard.join().expect("it ends"), b"", "nothing in plain text");
}

#[tokio::test]
async fn a_function_that_differs_is_missing_to_migrate_doctor_and_worker() {
    let cli = Cli::migrated().await;
    sql(
        &cli,
        "update leadrail.function_file set checksum = '' where file = 'claim.sql'",
    )
    .await;
    for arguments in [&["doctor"][..], &["worker"], &["migrate", "--check"]] {
        let ran = cli.run(arguments);
        assert_eq!(ran.code, 1, "{}", ran.err);
        let said = ran.out + &ran.err;
        assert!(said.contains("engine claim.sql"), "{said}");
    }
    assert_eq!(
        cli.run(&["migrate"]).well().out,
        "applied  engine claim.sql\n"
    );
    cli.run(&["doctor"]).well();
}

#[tokio::test]
async fn nothing_runs_on_a_database_without_its_migrations() {
    let cli = Cli::with_database().await;
    for arguments in [
        &["worker"][..],
        &["serve", "--listen", "127.0.0.1:0"],
        &["lead", "list"],
        &["connection", "list"],
    ] {
        let ran = cli.run(arguments);
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(ran.err.contains("run `leadrail migrate`"), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_database_that_may_forget_commits_is_refused() {
    let cli = Cli::migrated().await;
    sql(&cli, FORGETFUL).await;
    for arguments in [&["worker"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let ran = cli.run(arguments);
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(ran.err.contains("synchronous_commit = off"), "{}", ran.err);
        assert!(
            ran.err.contains("set synchronous_commit = on"),
            "{}",
            ran.err
        );
    }
    let doctor = cli.run(&["doctor"]);
    assert_eq!(doctor.code, 1);
    assert!(doctor.out.contains("FAIL  durability"), "{}", doctor.out);
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_not_waited_for() {
    let cli = Cli::migrated().await;
    let wrong = format!("{}_missing", cli.url());
    let cli = cli.with("LEADRAIL_DATABASE_URL", &wrong);
    for arguments in [&["worker"][..], &["lead", "list"]] {
        let ran = cli.run(arguments);
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert!(ran.err.contains("does not exist"), "{}", ran.err);
    }
}

#[tokio::test]
async fn the_doctor_finds_a_sound_database_sound() {
    let cli = Cli::migrated().await;
    let checks = cli.run(&["doctor", "--json"]).well().json();
    let checks = checks.as_array().expect("an array");
    let names: Vec<_> = checks
        .iter()
        .filter_map(|check| check["name"].as_str())
        .collect();
    for name in [
        "database",
        "durability",
        "writable",
        "privacy",
        "clock_skew",
        "migrations",
        "vault_key",
        "one_run_a_key",
        "dead_letters",
        "old_transactions",
    ] {
        assert!(names.contains(&name), "{name} is not checked");
    }
    let text = cli.run(&["doctor"]).well().out;
    assert_eq!(text.lines().count(), checks.len());
    assert!(
        text.lines().all(|line| line.starts_with("ok    ")),
        "{text}"
    );
}

#[tokio::test]
async fn the_doctor_tells_what_it_cannot_reach_and_what_is_missing() {
    let away = Cli::new().with("DATABASE_URL", "postgres://u:canary@127.0.0.1:1/d");
    let ran = away.run(&["doctor"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out.contains("FAIL  database") && ran.out.contains("127.0.0.1:1/d"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("canary") && !ran.err.contains("canary"));
    let empty = Cli::with_database().await.run(&["doctor"]);
    assert_eq!(empty.code, 1);
    assert!(empty.out.contains("FAIL  migrations"), "{}", empty.out);
}

#[tokio::test]
async fn the_doctor_finds_what_was_broken_by_hand() {
    let cli = Cli::migrated().await;
    sql(&cli, "update leadrail.clock set shift = interval '1 hour'").await;
    let ran = cli.run(&["doctor"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("FAIL  clock_shift"), "{}", ran.out);
}

#[tokio::test]
async fn a_server_without_fsync_is_refused() {
    let server = TestServer::dedicated_with(&[]).await;
    server.create_database("leadrail").await;
    let cli = Cli::new()
        .with("DATABASE_URL", &server.url("leadrail"))
        .with("LEADRAIL_VAULT_KEY", crate::kit::VAULT_KEY);
    cli.run(&["migrate"]).well();
    let mut session = PgConnection::connect(&server.url("leadrail"))
        .await
        .expect("a session");
    sqlx::query("alter system set fsync = off")
        .execute(&mut session)
        .await
        .expect("altered");
    sqlx::query("select pg_reload_conf()")
        .execute(&mut session)
        .await
        .expect("reloaded");
    let is_off = "select setting = 'off' from pg_settings where name = 'fsync'";
    // The reload reaches a session at its next statement or a little later.
    while !sqlx::query_scalar::<_, bool>(is_off)
        .fetch_one(&mut session)
        .await
        .expect("read")
    {
        tokio::task::yield_now().await;
    }
    let ran = cli.run(&["worker"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("fsync = off"), "{}", ran.err);
}

#[test]
fn a_bad_list_of_hosts_says_which_one_is_wrong_and_no_password() {
    for (hosts, wrong) in [
        ("h1,,h2", "host 2 of its list is empty"),
        ("h1:5432,h2:x", "host 2 of its list has no valid port"),
        ("h1,h1", "host 2 of its list is there twice"),
    ] {
        let url = format!("postgres://u:canary@{hosts}/d");
        let ran = Cli::new().with("DATABASE_URL", &url).run(&["doctor"]);
        ran.refused(2, wrong);
    }
}

#[test]
fn a_list_of_hosts_that_are_all_away_names_each() {
    let away = Cli::new().with(
        "DATABASE_URL",
        "postgres://u:canary@127.0.0.1:1,127.0.0.1:2/d",
    );
    let ran = away.run(&["doctor"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    for said in ["127.0.0.1:1", "127.0.0.1:2", "takes writes"] {
        assert!(ran.out.contains(said), "{}", ran.out);
    }
    assert!(!ran.out.contains("canary") && !ran.err.contains("canary"));
}
