//! A migration needs of its role what it does, and says what is lacking.

use crate::kit::Bench;
use leadrail_engine::{DatabaseHosts, Engine};
use leadrail_postgres::testing::TestDatabase;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

async fn run(database: &TestDatabase, sql: String) {
    let mut admin = PgConnection::connect(database.url()).await.expect("admin");
    let ran = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await;
    ran.expect("it runs");
}

/// A role without any right, and an engine that is used as that role.
async fn somebody(database: &TestDatabase) -> (String, Engine) {
    let role = format!("migrator_{}", Uuid::new_v4().simple());
    run(
        database,
        format!("create role {role} login password 'secret'"),
    )
    .await;
    let options: PgConnectOptions = database.url().parse().expect("a URL");
    let hosts = DatabaseHosts::from(options.username(&role).password("secret"));
    let pool = hosts.connect(PgPoolOptions::new().max_connections(2)).await;
    (role, Engine::new(pool.expect("connect")))
}

#[tokio::test]
async fn a_schema_of_its_own_is_all_that_a_role_needs() {
    let database = TestDatabase::fresh().await;
    let (role, engine) = somebody(&database).await;
    let refused = engine.migrate().await.expect_err("refused").to_string();
    let way = format!("`create schema leadrail authorization {role}`");
    assert!(refused.contains(&way), "{refused}");
    assert!(refused.contains("grant create on database"), "{refused}");

    run(
        &database,
        format!("create schema leadrail authorization {role}"),
    )
    .await;
    let applied = engine.migrate().await.expect("migrated");
    assert!(applied.len() > 10, "{applied:?}");
}

#[tokio::test]
async fn what_belongs_to_another_role_is_said_to_and_only_if_something_is_to_be_done() {
    let bench = Bench::new().await;
    let (role, engine) = somebody(&bench.database).await;
    let granted = format!(
        "grant usage, create on schema leadrail to {role};
         grant all on all tables in schema leadrail to {role}"
    );
    run(&bench.database, granted).await;
    assert!(engine.migrate().await.expect("nothing to do").is_empty());
    let differs = "update leadrail.function_file set checksum = '' where file = 'claim.sql'";
    run(&bench.database, differs.to_owned()).await;
    let refused = engine.migrate().await.expect_err("refused").to_string();
    assert!(refused.contains("migrate as "), "{refused}");
    assert!(refused.contains(&format!(" to {role}`")), "{refused}");
}
