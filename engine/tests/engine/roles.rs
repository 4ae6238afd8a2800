//! Workers under several roles of one database, and under logins that take a role on: as passwords are
//! changed without a pause.

use crate::kit::{Act, Bench, Working, World, quick, quick_config, registry};
use leadrail_engine::{ActivityOptions, DatabaseHosts, Engine, HistoryKind, RunState};
use leadrail_postgres::testing::TestDatabase;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// A role that may do what a worker does; nobody else has heard of its name.
async fn worker_role(bench: &Bench, more: &str) -> String {
    let role = format!("worker_{}", Uuid::new_v4().simple());
    run(
        &bench.database,
        format!(
            "create role {role} {more} password 'secret';
             grant usage on schema leadrail to {role};
             grant all on all tables in schema leadrail to {role}"
        ),
    )
    .await;
    role
}

async fn run(database: &TestDatabase, sql: String) {
    let mut admin = PgConnection::connect(database.url()).await.expect("admin");
    let ran = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await;
    ran.expect("it runs");
}

async fn engine_as(bench: &Bench, login: &str) -> Engine {
    let options: PgConnectOptions = bench.database.url().parse().expect("a URL");
    let hosts = DatabaseHosts::from(options.username(login).password("secret"));
    let pool = hosts.connect(PgPoolOptions::new().max_connections(8)).await;
    Engine::new(pool.expect("connect"))
}

/// As the kit's, but it may take as long as the test does.
fn long() -> ActivityOptions {
    ActivityOptions {
        timeout: Duration::from_secs(60),
        ..quick()
    }
}

/// Waits until every worker has been seen for so long.
async fn until_seen_for(bench: &Bench, workers: i64, seconds: f64) {
    let patience = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let seen: i64 = sqlx::query_scalar(
            "select count(*) from leadrail.worker
             where extract(epoch from seen_at - started_at) >= $1",
        )
        .bind(seconds)
        .fetch_one(bench.engine.pool())
        .await
        .expect("read");
        if seen == workers {
            return;
        }
        assert!(
            tokio::time::Instant::now() < patience,
            "{seen} of {workers}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_cannot_see_each_others_sessions_leave_each_other_alone() {
    let bench = Bench::new().await;
    let world = World::new();
    let told = Arc::new(Notify::new());
    world.script("long", &[Act::When(told.clone())]);
    let run = bench.enqueue(&["long", "short"]).await;
    let mut workers = Vec::new();
    for _ in 0..2 {
        let login = worker_role(&bench, "login").await;
        let engine = engine_as(&bench, &login).await;
        workers.push(Working::of(
            &engine,
            registry(&world, long()),
            quick_config(),
        ));
    }
    until_seen_for(&bench, 2, 4.0).await;
    let mut checks = engine_as(&bench, &worker_role(&bench, "login").await)
        .await
        .check_invariants()
        .await
        .expect("checked")
        .into_iter();
    let sessions = checks.find(|check| check.name == "worker_sessions");
    let sessions = sessions.expect("a check");
    assert!(
        sessions.ok && sessions.detail.contains("2 of 2"),
        "{sessions:?}"
    );
    told.notify_one();
    bench.until(run, RunState::Completed).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(bench.count(run, HistoryKind::RunLost).await, 0);
    assert_eq!(bench.count(run, HistoryKind::RunStarted).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_takes_a_role_on_works_and_ends_its_own_sessions() {
    let bench = Bench::new().await;
    let world = World::new();
    let role = worker_role(&bench, "nologin").await;
    let login = format!("login_{}", Uuid::new_v4().simple());
    let made = format!(
        "create role {login} login noinherit password 'secret' in role {role};
         alter role {login} set role {role}"
    );
    run(&bench.database, made).await;
    let engine = engine_as(&bench, &login).await;
    let worker = Working::of(&engine, registry(&world, quick()), quick_config());
    let first = bench.enqueue(&["first"]).await;
    bench.until(first, RunState::Completed).await;
    let cut: i64 = sqlx::query_scalar(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity
         where datname = current_database() and query like '%leadrail.journal(%'
           and pid <> pg_backend_pid()",
    )
    .fetch_one(bench.engine.pool())
    .await
    .expect("cut");
    assert!(cut >= 1);
    let second = bench.enqueue(&["second"]).await;
    bench.until(second, RunState::Completed).await;
    worker.stop().await;
    assert_eq!((world.effects("first"), world.effects("second")), (1, 1));
}
