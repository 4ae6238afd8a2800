//! Fences and takeovers: a worker that lost its runs commits nothing, and nobody waits long.

use crate::kit::{Act, Bench, Working, World, quick, quick_config, registry};
use leadrail_engine::{HistoryKind, RunState, WorkerConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Takes over all workers there are.
async fn evict_workers(bench: &Bench) {
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar("select id from leadrail.worker")
        .fetch_all(bench.engine.pool())
        .await
        .unwrap();
    // A worker that is writing at this moment is passed over, as by its peers, who come again.
    while !evicted(bench, &ids).await {}
}

/// In one transaction, so that no worker renews its lease in between.
async fn evicted(bench: &Bench, ids: &[uuid::Uuid]) -> bool {
    let mut others = bench.engine.pool().begin().await.unwrap();
    sqlx::query(
        "update leadrail.worker set seen_at = seen_at - interval '1 hour', backend_pid = 0
         where id = any($1)",
    )
    .bind(ids)
    .execute(&mut *others)
    .await
    .unwrap();
    let _: i32 = sqlx::query_scalar("select leadrail.take_over($1)")
        .bind(ids)
        .fetch_one(&mut *others)
        .await
        .unwrap();
    let left: bool =
        sqlx::query_scalar("select exists (select from leadrail.worker where id = any($1))")
            .bind(ids)
            .fetch_one(&mut *others)
            .await
            .unwrap();
    others.commit().await.unwrap();
    !left
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_taken_over_commits_nothing_and_starts_afresh() {
    let bench = Bench::new().await;
    let world = World::new();
    let told = Arc::new(Notify::new());
    world.script("a", &[Act::When(told.clone())]);
    let run = bench.enqueue(&["a"]).await;
    let config = WorkerConfig {
        // It is not told of its loss before it hands in what it did.
        lease: Duration::from_secs(60),
        ..quick_config()
    };
    let worker = Working::start(&bench, registry(&world, quick()), config);
    let executing = |_: &leadrail_engine::RunView| world.executions("a") == 1;
    bench.until_that(run, executing, "executing").await;
    evict_workers(&bench).await;
    told.notify_one();

    // The first incarnation's completion is refused; the second one looks and finds the effect.
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
    let kinds = bench.kinds(run).await;
    assert!(kinds.contains(&HistoryKind::RunLost));
    assert!(!kinds.contains(&HistoryKind::ActivityFailed), "{kinds:?}");
    let nth = |kind| kinds.iter().position(|&there| there == kind).unwrap();
    let completions = kinds
        .iter()
        .filter(|&&kind| kind == HistoryKind::ActivityCompleted)
        .count();
    assert_eq!(completions, 1, "{kinds:?}");
    assert!(nth(HistoryKind::RunLost) < nth(HistoryKind::ActivityCompleted));
    assert_eq!((world.executions("a"), world.effects("a")), (1, 1));
}

/// Its statement hangs, its session breaks, and before it can look what became of it, it is taken
/// over: the line that now stands where its own would be is the takeover's.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_taken_over_behind_a_broken_session_does_nothing_more() {
    let bench = Bench::new().await;
    let world = World::new();
    let told = Arc::new(Notify::new());
    world.script("first", &[Act::When(told.clone())]);
    let run = bench.enqueue(&["first", "then"]).await;
    let config = WorkerConfig {
        lease: Duration::from_secs(60),
        ..quick_config()
    };
    let worker = Working::start(&bench, registry(&world, quick()), config);
    let executing = |_: &leadrail_engine::RunView| world.executions("first") == 1;
    bench.until_that(run, executing, "executing").await;

    let mut others = bench.engine.pool().begin().await.unwrap();
    sqlx::query("select from leadrail.worker for update")
        .execute(&mut *others)
        .await
        .unwrap();
    told.notify_one();
    let journal = blocked_journal(&bench).await;
    sqlx::query("select pg_terminate_backend($1)")
        .bind(journal)
        .execute(bench.engine.pool())
        .await
        .unwrap();
    sqlx::query(
        "with gone as (delete from leadrail.worker)
         select leadrail.requeue(array[$1], 'run_lost')",
    )
    .bind(run)
    .execute(&mut *others)
    .await
    .unwrap();
    others.commit().await.unwrap();

    bench.until(run, RunState::Completed).await;
    worker.stop().await;
    assert_eq!(world.executions("then"), 1);
    assert_eq!(world.effects("then"), 1);
    assert_eq!(world.effects("first"), 1);
}

/// The server process of the journal, once it waits for a lock.
async fn blocked_journal(bench: &Bench) -> i32 {
    let patience = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let blocked: Option<i32> = sqlx::query_scalar(
            "select pid from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'
               and query like '%leadrail.journal(%'",
        )
        .fetch_optional(bench.engine.pool())
        .await
        .unwrap();
        if let Some(pid) = blocked {
            return pid;
        }
        assert!(
            tokio::time::Instant::now() < patience,
            "nothing was handed in"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broken_session_left_behind_is_ended_before_anybody_looks() {
    let bench = Bench::new().await;
    let pool = bench.engine.pool();
    let mut left = pool.begin().await.unwrap();
    sqlx::query("lock table leadrail.worker in row exclusive mode")
        .execute(&mut *left)
        .await
        .unwrap();
    let (pid, started): (i32, chrono::DateTime<chrono::Utc>) = sqlx::query_as(
        "select pid, backend_start from pg_stat_activity where pid = pg_backend_pid()",
    )
    .fetch_one(&mut *left)
    .await
    .unwrap();
    let end = "select leadrail.end_session(gen_random_uuid(), $1, $2)";
    let another = started - Duration::from_secs(1);
    for (since, lives) in [(another, true), (started, false)] {
        let ended: bool = sqlx::query_scalar(end)
            .bind(pid)
            .bind(since)
            .fetch_one(pool)
            .await
            .unwrap();
        assert!(ended, "there is nothing left that could commit");
        let asked = sqlx::query("select 1").execute(&mut *left).await;
        assert_eq!(asked.is_ok(), lives, "since {since}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_worker_id_is_refused_by_the_journal_whatever_it_brings() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["a"]).await;
    let stale = uuid::Uuid::new_v4();
    let refused = sqlx::query(
        "select * from leadrail.journal($1, array[$2]::uuid[], array[7], array['run_completed']::leadrail.history_kind[],
         array[null]::smallint[], array[null]::text[], array[null]::text[], array[$2]::uuid[],
         array['completed']::leadrail.run_state[], array[null]::bigint[], array[null]::smallint[],
         array[null]::text[], array[null]::text[], '{}', '{}', '{}', '{}', '{}', '{}', '{}', 10, array['story'])",
    )
    .bind(stale)
    .bind(run)
    .execute(bench.engine.pool())
    .await
    .unwrap_err();
    assert_eq!(
        refused.as_database_error().unwrap().code().as_deref(),
        Some("LR002")
    );
    assert!(bench.kinds(run).await.is_empty());
    bench.until(run, RunState::Queued).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_keeps_killing_its_worker_is_quarantined() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script(
        "a",
        &[
            Act::Hang,
            Act::Hang,
            Act::Hang,
            Act::Hang,
            Act::Hang,
            Act::Hang,
        ],
    );
    let run = bench.enqueue(&["a"]).await;
    let patient = leadrail_engine::ActivityOptions {
        timeout: Duration::from_secs(60),
        settle: Duration::ZERO,
        ..quick()
    };
    let config = WorkerConfig {
        // Told of its loss by its next renewal: nothing is claimed while a suspect is alone.
        lease: Duration::from_secs(3),
        ..quick_config()
    };
    let worker = Working::start(&bench, registry(&world, patient), config);
    for crash in 1..=5 {
        let executing = |_: &leadrail_engine::RunView| world.executions("a") == crash;
        bench.until_that(run, executing, "executing").await;
        bench.until(run, RunState::Running).await;
        evict_workers(&bench).await;
        bench.pass(61).await;
    }
    let dead = bench.until(run, RunState::Dead).await;
    worker.stop().await;
    assert_eq!(dead.reason.as_deref(), Some("poison"));
    assert_eq!(world.executions("a"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_gives_unstarted_runs_back_at_once_and_lets_running_activities_end() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("slow", &[Act::Hang]);
    let run = bench.enqueue(&["slow", "after"]).await;
    let options = leadrail_engine::ActivityOptions {
        timeout: Duration::from_millis(700),
        ..quick()
    };
    let worker = Working::start(&bench, registry(&world, options), quick_config());
    bench
        .until_that(run, |_| world.executions("slow") == 1, "executing")
        .await;
    let waiting = bench.enqueue(&["other"]).await;
    worker.stop().await;
    bench.until(run, RunState::Retrying).await;
    let view = bench.engine.run(waiting).await.unwrap().unwrap();
    assert!(
        matches!(view.state, RunState::Queued | RunState::Completed),
        "{view:?}"
    );
    let workers: i64 = sqlx::query_scalar("select count(*) from leadrail.worker")
        .fetch_one(bench.engine.pool())
        .await
        .unwrap();
    assert_eq!(workers, 0, "it retired in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn four_workers_that_all_take_over_at_once_move_each_run_once() {
    let bench = Bench::new().await;
    let world = World::new();
    let mut runs = Vec::new();
    for _ in 0..20 {
        runs.push(bench.enqueue(&["a"]).await);
    }
    let dead = uuid::Uuid::new_v4();
    sqlx::query(
        "insert into leadrail.worker (id, name, pid, version, backend_pid, backend_start, lease, seen_at)
         values ($1, 'gone', 1, '0', 0, now(), '1 second', now() - interval '1 hour')",
    )
    .bind(dead)
    .execute(bench.engine.pool())
    .await
    .unwrap();
    sqlx::query("update leadrail.workflow_run set state = 'running', due_at = null, worker_id = $1, starts = 1")
        .bind(dead)
        .execute(bench.engine.pool())
        .await
        .unwrap();
    let workers: Vec<_> = (0..4)
        .map(|_| Working::start(&bench, registry(&world, quick()), quick_config()))
        .collect();
    for run in &runs {
        bench.until(*run, RunState::Completed).await;
        let lost = bench
            .kinds(*run)
            .await
            .into_iter()
            .filter(|kind| *kind == HistoryKind::RunLost)
            .count();
        assert_eq!(lost, 1);
    }
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(world.effects("a"), 20);
}
