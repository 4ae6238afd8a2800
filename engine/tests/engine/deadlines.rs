//! Whatever is locked or frozen, other runs go on, and a worker that is to end does.

use crate::kit::{Act, Bench, Working, World, quick, quick_config, registry, told};
use chrono::{DateTime, TimeDelta, Utc};
use leadrail_engine::{Registry, RunState, WorkerConfig};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

async fn session(bench: &Bench) -> PgConnection {
    let session = PgConnection::connect(bench.database.url()).await;
    session.expect("a session")
}

async fn run(session: &mut PgConnection, sql: &str) {
    let ran = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(session)
        .await;
    ran.expect("it runs");
}

/// A workflow that waits for a signal.
fn waiting() -> Registry {
    Registry::new().with(told(|ctx, _| async move {
        ctx.signal::<serde_json::Value>("go").await
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_somebody_has_locked_stops_nothing_but_what_parks_there() {
    let bench = Bench::new().await;
    let blocked = bench.tell(serde_json::Value::Null).await;
    let mut holder = session(&bench).await;
    run(&mut holder, &format!(
        "select pg_advisory_lock(leadrail.lock_number('gate:' || leadrail.signal_gate('{blocked}', 'go')))"
    )).await;
    let mut free = Vec::new();
    for _ in 0..20 {
        free.push(bench.tell(serde_json::Value::Null).await);
    }
    let worker = Working::start(
        &bench,
        waiting(),
        WorkerConfig {
            concurrency: 64,
            ..quick_config()
        },
    );
    for other in free {
        bench.until(other, RunState::Waiting).await;
    }
    bench.until(blocked, RunState::Running).await;
    run(&mut holder, "select pg_advisory_unlock_all()").await;
    bench.until(blocked, RunState::Waiting).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_role_without_rights_does_not_learn_the_numbers_of_our_locks() {
    let bench = Bench::new().await;
    let role = format!("nobody_{}", Uuid::new_v4().simple());
    let mut stranger = session(&bench).await;
    run(
        &mut stranger,
        &format!("create role {role}; set role {role}"),
    )
    .await;
    for asked in [
        "salt from leadrail.lock_salt",
        "leadrail.lock_number('gate:code:story')",
    ] {
        let asked = sqlx::query(AssertSqlSafe(format!("select {asked}")));
        let refused = asked.execute(&mut stranger).await.expect_err("refused");
        let refused = refused.into_database_error().expect("by PostgreSQL");
        assert_eq!(refused.code().as_deref(), Some("42501"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_an_operator_has_locked_waits_and_the_others_go_on() {
    let bench = Bench::new().await;
    let world = World::new();
    let told = Arc::new(Notify::new());
    world.script("looked at", &[Act::When(told.clone())]);
    let locked = bench.enqueue(&["looked at"]).await;
    let config = WorkerConfig {
        concurrency: 64,
        ..quick_config()
    };
    let worker = Working::start(&bench, registry(&world, quick()), config);
    let executing = |_: &leadrail_engine::RunView| world.executions("looked at") == 1;
    bench.until_that(locked, executing, "executing").await;
    let mut operator = session(&bench).await;
    run(
        &mut operator,
        &format!("begin; select from leadrail.workflow_run where id = '{locked}' for update"),
    )
    .await;
    told.notify_one();
    for _ in 0..50 {
        bench.enqueue(&["other"]).await;
    }
    bench.until_completed(50).await;
    bench.until(locked, RunState::Running).await;
    run(&mut operator, "rollback").await;
    bench.until(locked, RunState::Completed).await;
    worker.stop().await;
    assert_eq!(
        (world.effects("looked at"), world.effects("other")),
        (1, 50)
    );
}

/// A process of the server that does nothing until this is dropped.
struct Frozen(i32);

impl Frozen {
    /// The one that serves the journal, while it has nothing to do. `None` where the server's processes
    /// are not on this machine.
    async fn journal(bench: &Bench) -> Option<Self> {
        let patience = tokio::time::Instant::now() + Duration::from_secs(15);
        let idle = "select pid from pg_stat_activity
             where datname = current_database() and query like '%leadrail.journal(%'
               and pid <> pg_backend_pid() and state = 'idle'";
        let pid: i32 = loop {
            let found = sqlx::query_scalar(idle).fetch_optional(bench.engine.pool());
            if let Some(pid) = found.await.expect("read") {
                break pid;
            }
            let now = tokio::time::Instant::now();
            assert!(now < patience, "the journal is never idle");
        };
        let title = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        title
            .contains(bench.database.name())
            .then(|| Self::signal(pid, "-STOP"))
    }

    fn signal(pid: i32, signal: &str) -> Self {
        let sent = Command::new("kill")
            .args([signal, &pid.to_string()])
            .status();
        assert!(sent.expect("kill").success());
        Self(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-CONT", &self.0.to_string()])
            .status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_whose_server_process_is_frozen_goes_on_with_another() {
    let bench = Bench::new().await;
    let world = World::new();
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    bench.enqueue(&["before"]).await;
    bench.until_completed(1).await;
    let Some(frozen) = Frozen::journal(&bench).await else {
        return;
    };
    for _ in 0..20 {
        bench.enqueue(&["after"]).await;
    }
    bench.until_completed(21).await;
    drop(frozen);
    worker.stop().await;
    assert_eq!((world.effects("before"), world.effects("after")), (1, 20));
}

/// The only worker there is.
async fn only_worker(bench: &Bench) -> Uuid {
    let id = sqlx::query_scalar("select id from leadrail.worker");
    id.fetch_one(bench.engine.pool()).await.expect("a worker")
}

/// For how long after `since` a worker renewed its lease, once its row is gone.
async fn renewed_for(bench: &Bench, worker: Uuid, since: DateTime<Utc>) -> TimeDelta {
    let mut last = since;
    let patience = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let seen: Option<DateTime<Utc>> =
            sqlx::query_scalar("select seen_at from leadrail.worker where id = $1")
                .bind(worker)
                .fetch_optional(bench.engine.pool())
                .await
                .expect("read");
        let Some(seen) = seen else {
            return last - since;
        };
        last = seen.max(last);
        assert!(tokio::time::Instant::now() < patience, "it still has a row");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_not_renewed_while_the_journal_is_silent() {
    let bench = Bench::new().await;
    let world = World::new();
    let told = Arc::new(Notify::new());
    world.script("held", &[Act::When(told.clone())]);
    // A lease of two seconds.
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    let run = bench.enqueue(&["held"]).await;
    let executing = |_: &leadrail_engine::RunView| world.executions("held") == 1;
    bench.until_that(run, executing, "executing").await;
    let silent = only_worker(&bench).await;
    let Some(frozen) = Frozen::journal(&bench).await else {
        return;
    };
    let now: DateTime<Utc> = sqlx::query_scalar("select leadrail.now()")
        .fetch_one(bench.engine.pool())
        .await
        .expect("a clock");
    told.notify_one();
    let other = Working::start(&bench, registry(&world, quick()), quick_config());
    let renewed = renewed_for(&bench, silent, now).await;
    drop(frozen);
    // By itself it gives up after seven: a session that is frozen is waited for.
    assert!(renewed <= TimeDelta::seconds(5), "for {renewed}");
    bench.until(run, RunState::Completed).await;
    other.stop().await;
    worker.stop().await;
    assert_eq!(world.effects("held"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_journal_is_frozen_ends_soon_after_its_grace() {
    let bench = Bench::new().await;
    let world = World::new();
    let told = Arc::new(Notify::new());
    world.script("held", &[Act::When(told.clone())]);
    let config = WorkerConfig {
        lease: Duration::from_secs(60),
        ..quick_config()
    };
    let worker = Working::start(&bench, registry(&world, quick()), config);
    let run = bench.enqueue(&["held"]).await;
    let executing = |_: &leadrail_engine::RunView| world.executions("held") == 1;
    bench.until_that(run, executing, "executing").await;
    let Some(_frozen) = Frozen::journal(&bench).await else {
        return;
    };
    told.notify_one();
    let ended = tokio::time::timeout(Duration::from_secs(20), worker.stop()).await;
    assert!(ended.is_ok(), "it has a grace of two seconds");
}
