//! A database that is not what it was: what its runs have done elsewhere is looked for before it is done.

use crate::kit::{Act, Bench, Working, World, quick, quick_config, registry};
use leadrail_engine::{ActivityOptions, Engine, HistoryKind, RunId, RunState};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// A look-up may be made soon after.
fn soon() -> ActivityOptions {
    ActivityOptions {
        timeout: Duration::from_secs(1),
        ..quick()
    }
}

async fn run(bench: &Bench, sql: &'static str) {
    let ran = sqlx::raw_sql(sql).execute(bench.engine.pool()).await;
    ran.expect(sql);
}

/// A run of one step that took effect somewhere else, and never in this database.
async fn done_elsewhere(bench: &Bench, world: &World) -> RunId {
    world.books.lock().unwrap().push("a".to_owned());
    bench.enqueue(&["a"]).await
}

async fn doubt(engine: &Engine) -> String {
    let checks = engine.check_invariants().await.expect("checked");
    let broken: Vec<_> = checks.iter().filter(|check| !check.ok).collect();
    assert!(broken.is_empty(), "{broken:?}");
    let doubt = checks.into_iter().find(|check| check.name == "doubt");
    doubt.expect("a check").detail
}

/// Copies a database, whoever uses it: nobody comes back to it while it is copied.
async fn copy(admin: &mut PgConnection, original: &str, name: &str) {
    let close = format!("alter database {original} with allow_connections false");
    command(admin, close).await;
    let end = "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1";
    let ended = sqlx::query(end).bind(original).execute(&mut *admin).await;
    ended.expect("ended");
    command(admin, format!("create database {name} template {original}")).await;
    let open = format!("alter database {original} with allow_connections true");
    command(admin, open).await;
}

async fn command(admin: &mut PgConnection, sql: String) {
    let ran = sqlx::raw_sql(AssertSqlSafe(sql)).execute(admin).await;
    ran.expect("ran");
}

/// A snapshot of an hour ago: a worker was at work, and nothing has come since.
const SNAPSHOT: &str = "
    update leadrail.workflow_run set created_at = created_at - interval '1 hour';
    insert into leadrail.worker (name, pid, version, backend_pid, lease, seen_at, renewed_at)
    values ('of the original', 1, '0', 1, interval '15 seconds',
            leadrail.now() - interval '1 hour', clock_timestamp() - interval '1 hour')";

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_fell_silent_without_a_goodbye_are_those_of_a_snapshot() {
    let (bench, world) = (Bench::new().await, World::new());
    let known = done_elsewhere(&bench, &world).await;
    run(&bench, SNAPSHOT).await;
    let worker = Working::start(&bench, registry(&world, soon()), quick_config());
    bench.until(known, RunState::Completed).await;
    worker.stop().await;
    assert_eq!((world.effects("a"), world.executions("a")), (1, 0));
    assert!(doubt(&bench.engine).await.contains("(silence)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_left_in_order_for_an_hour_is_believed() {
    let (bench, world) = (Bench::new().await, World::new());
    let worker = Working::start(&bench, registry(&world, soon()), quick_config());
    let before = bench.enqueue(&["before"]).await;
    bench.until(before, RunState::Completed).await;
    worker.stop().await;
    let after = bench.enqueue(&["after"]).await;
    run(
        &bench,
        "update leadrail.workflow_run set created_at = created_at - interval '1 hour'",
    )
    .await;
    let worker = Working::start(&bench, registry(&world, soon()), quick_config());
    bench.until(after, RunState::Completed).await;
    worker.stop().await;
    assert_eq!(bench.count(after, HistoryKind::RunWaiting).await, 0);
    assert!(doubt(&bench.engine).await.starts_with("neither"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_beside_its_original_is_noticed() {
    let (bench, world) = (Bench::new().await, World::new());
    let known = done_elsewhere(&bench, &world).await;
    bench.engine.pool().close().await;
    let name = format!("{}c", bench.database.name());
    let mut admin = PgConnection::connect(bench.database.admin_url())
        .await
        .expect("admin");
    copy(&mut admin, bench.database.name(), &name).await;
    let url = bench.database.url().replace(bench.database.name(), &name);
    let copy = Bench {
        engine: Engine::connect(&url).await.expect("connect"),
        database: bench.database,
    };
    assert!(doubt(&copy.engine).await.contains("is a copy"));
    let worker = Working::start(&copy, registry(&world, soon()), quick_config());
    copy.until(known, RunState::Completed).await;
    worker.stop().await;
    assert!(doubt(&copy.engine).await.contains("(copy)"));
    copy.engine.pool().close().await;
    let dropped = format!("drop database {name} with (force)");
    sqlx::raw_sql(AssertSqlSafe(dropped))
        .execute(&mut admin)
        .await
        .expect("dropped");
    assert_eq!((world.effects("a"), world.executions("a")), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_may_be_declared_beside_a_worker_which_begins_anew() {
    let (bench, world) = (Bench::new().await, World::new());
    let told = Arc::new(Notify::new());
    world.script("held", &[Act::When(told.clone())]);
    let worker = Working::start(&bench, registry(&world, soon()), quick_config());
    let held = bench.enqueue(&["held", "then"]).await;
    let executing = |_: &leadrail_engine::RunView| world.executions("held") == 1;
    bench.until_that(held, executing, "executing").await;
    let declared = bench.engine.declare_restored().await.expect("declared");
    assert_eq!((declared.runs, declared.workers), (1, 1));
    bench.until(held, RunState::Completed).await;
    worker.stop().await;
    assert_eq!((world.effects("held"), world.effects("then")), (1, 1));
    assert_eq!(bench.count(held, HistoryKind::RunReleased).await, 1);
    assert_eq!(bench.count(held, HistoryKind::RunLost).await, 0);
    assert!(doubt(&bench.engine).await.contains("(declared)"));
}
