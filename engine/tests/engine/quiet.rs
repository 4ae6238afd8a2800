//! A worker without work asks rarely, and is still told of work at once.

use crate::kit::{Bench, Story, Working, World, quick, quick_config, registry};
use leadrail_engine::{Engine, NewRun, RunState, WorkerConfig};
use sqlx::postgres::PgListener;
use std::time::Duration;

/// Only a notification can bring work to this one once it has asked.
fn patient() -> WorkerConfig {
    WorkerConfig {
        poll: Duration::from_secs(3_600),
        quiet_after: Duration::from_millis(300),
        ..quick_config()
    }
}

/// Waits until so many workers are there of whom this holds.
async fn until_workers(bench: &Bench, holds: &str, wanted: i64) {
    let count = format!("select count(*) from leadrail.worker where {holds}");
    let patience = tokio::time::Instant::now() + Duration::from_secs(15);
    loop {
        let there: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count.as_str()))
            .fetch_one(bench.engine.pool())
            .await
            .unwrap();
        if there == wanted {
            return;
        }
        assert!(
            tokio::time::Instant::now() < patience,
            "{there} are {holds}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_enqueued_inside_a_transaction_wakes_quiet_workers_at_its_commit() {
    let bench = Bench::new().await;
    let world = World::new();
    let worker = Working::start(&bench, registry(&world, quick()), patient());
    until_workers(&bench, "quiet", 1).await;
    let mut transaction = bench.engine.pool().begin().await.unwrap();
    let runs = [NewRun::of::<Story>(&vec!["step".to_owned()]).unwrap()];
    let run = Engine::enqueue_in(&mut transaction, &runs).await.unwrap()[0].run_id;
    sqlx::query("select leadrail.hint_if_quiet()")
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_a_worker_asks_by_itself_or_none_is_there() {
    let bench = Bench::new().await;
    let mut listener = PgListener::connect_with(bench.engine.pool()).await.unwrap();
    let hint = async || {
        sqlx::query("select leadrail.hint_if_quiet()")
            .execute(bench.engine.pool())
            .await
            .unwrap();
    };
    listener.listen("leadrail_run").await.unwrap();
    hint().await;
    let world = World::new();
    let quiet = Working::start(&bench, registry(&world, quick()), patient());
    until_workers(&bench, "quiet", 1).await;
    let busy = WorkerConfig {
        quiet_after: Duration::from_secs(3_600),
        ..quick_config()
    };
    let busy = Working::start(&bench, registry(&world, quick()), busy);
    until_workers(&bench, "true", 2).await;
    hint().await;
    sqlx::query("select pg_notify('leadrail_run', 'afterwards')")
        .execute(bench.engine.pool())
        .await
        .unwrap();
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| last != "afterwards") {
        heard.push(listener.recv().await.unwrap().payload().to_owned());
    }
    // Each worker says that it has come.
    assert_eq!(heard, ["worker", "worker", "afterwards"]);
    quiet.stop().await;
    busy.stop().await;
}
