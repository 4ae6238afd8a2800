//! What tests may rely on when they ask for a database or a server.

use std::collections::HashSet;

use leadrail_postgres::testing::{TestDatabase, TestServer};
use sqlx::{Connection, PgConnection};

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url)
        .await
        .expect("the server answers")
}

async fn databases(admin_url: &str) -> HashSet<String> {
    let names: Vec<String> = sqlx::query_scalar("select datname::text from pg_database")
        .fetch_all(&mut connect(admin_url).await)
        .await
        .expect("a list of databases");
    names.into_iter().collect()
}

#[tokio::test]
async fn every_test_gets_an_empty_database_of_its_own() {
    let (first, second) = tokio::join!(TestDatabase::fresh(), TestDatabase::fresh());
    assert_ne!(first.name(), second.name());
    sqlx::query("create table lead (n int)")
        .execute(&mut connect(first.url()).await)
        .await
        .expect("created");
    let tables: i64 =
        sqlx::query_scalar("select count(*) from pg_tables where schemaname = 'public'")
            .fetch_one(&mut connect(second.url()).await)
            .await
            .expect("counted");
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn a_dropped_database_is_gone_even_with_a_connection_open() {
    let database = TestDatabase::fresh().await;
    let (admin_url, name) = (database.admin_url().to_owned(), database.name().to_owned());
    let _open = connect(database.url()).await;
    assert!(databases(&admin_url).await.contains(&name));
    drop(database);
    assert!(!databases(&admin_url).await.contains(&name));
}

#[test]
fn a_database_can_be_made_after_the_runtime_of_the_first_one_ended() {
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let database = TestDatabase::fresh().await;
            connect(database.url())
                .await
                .ping()
                .await
                .expect("it answers");
        });
    }
}

#[tokio::test]
async fn databases_of_a_killed_run_are_dropped_by_the_next_one() {
    // Made by hand with the name that a run of an hour and a half ago would have given it.
    let database = TestDatabase::fresh().await;
    let random = database.name().rsplit('_').next().expect("a random part");
    let made: u64 = database
        .name()
        .split('_')
        .nth(2)
        .and_then(|time| time.parse().ok())
        .expect("a time");
    let leftover = format!("leadrail_test_{}_{random}", made - 5400);
    let create = sqlx::AssertSqlSafe(format!("create database {leftover}"));
    sqlx::query(create)
        .execute(&mut connect(database.admin_url()).await)
        .await
        .expect("created");

    let next_run = std::process::Command::new(std::env::current_exe().expect("this test program"))
        .args(["--exact", "every_test_gets_an_empty_database_of_its_own"])
        .env("LEADRAIL_TEST_DATABASE_URL", database.admin_url())
        .output()
        .expect("it runs");
    assert!(
        next_run.status.success(),
        "{}",
        String::from_utf8_lossy(&next_run.stdout)
    );
    let said = String::from_utf8_lossy(&next_run.stderr);
    assert!(
        said.contains("test postgres: the server behind LEADRAIL_TEST_DATABASE_URL"),
        "{said}"
    );
    assert!(!databases(database.admin_url()).await.contains(&leftover));
}

#[tokio::test]
async fn a_dedicated_server_keeps_what_was_committed_through_every_kind_of_end() {
    let server = TestServer::dedicated_with(&[("work_mem", "12MB")]).await;
    server.create_database("chaos").await;
    let url = server.url("chaos");
    sqlx::query("create table step (n bigint)")
        .execute(&mut connect(&url).await)
        .await
        .expect("created");
    for end in ["stop", "immediate", "kill"] {
        sqlx::query("insert into step values (1)")
            .execute(&mut connect(&url).await)
            .await
            .expect("inserted");
        match end {
            "stop" => server.stop().await,
            "immediate" => server.stop_immediate().await,
            _ => server.kill().await,
        }
        assert!(
            PgConnection::connect(&url).await.is_err(),
            "it answers after {end}"
        );
        server.start().await;
    }
    let mut connection = connect(&url).await;
    let steps: i64 = sqlx::query_scalar("select count(*) from step")
        .fetch_one(&mut connection)
        .await
        .expect("counted");
    let memory: String = sqlx::query_scalar("show work_mem")
        .fetch_one(&mut connection)
        .await
        .expect("shown");
    assert_eq!((steps, memory.as_str()), (3, "12MB"));
}

#[tokio::test]
async fn a_dedicated_server_is_gone_with_its_test() {
    let server = TestServer::dedicated().await;
    let url = server.url("postgres");
    connect(&url).await.ping().await.expect("it answers");
    drop(server);
    let mut tries = 0;
    while PgConnection::connect(&url).await.is_ok() {
        tries += 1;
        assert!(tries < 10_000, "it still answers");
    }
}
