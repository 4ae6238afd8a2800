//! What a statement reads depends on what it is asked for, not on what statistics say.

use crate::kit::dead::doomed;
use crate::kit::{Bench, Story};
use leadrail_engine::{Engine, LetterFilter, NewRun, RunFilter, RunView};
use sqlx::PgConnection;
use sqlx::postgres::PgPoolOptions;
use std::time::Duration;
use uuid::Uuid;

async fn enqueue(bench: &Bench, runs: usize) {
    let new = NewRun::of::<Story>(&vec!["a".to_owned()]).unwrap();
    bench.engine.enqueue(&vec![new; runs]).await.unwrap();
}

/// A session of the journal's, with a worker.
async fn session(bench: &Bench) -> (PgConnection, Uuid) {
    let mut session = bench.engine.pool().acquire().await.unwrap().detach();
    let worker =
        sqlx::query_scalar("select leadrail.register_worker('test', 0, '0', interval '1 hour')")
            .fetch_one(&mut session)
            .await
            .unwrap();
    (session, worker)
}

/// Completes these runs and claims so many more: what was claimed, and how many rows of the hot table
/// that made PostgreSQL read.
async fn journal(
    session: &mut PgConnection,
    worker: Uuid,
    complete: &[Uuid],
    want: i32,
) -> (Vec<Uuid>, i64) {
    sqlx::query("begin").execute(&mut *session).await.unwrap();
    let before = rows_read(session).await;
    let claimed: Vec<Option<Uuid>> = sqlx::query_scalar(
        "select run_id from leadrail.journal($1, '{}', '{}', '{}', '{}', '{}', '{}', $2,
             array_fill('completed'::leadrail.run_state, array[cardinality($2)]),
             array_fill(null::bigint, array[cardinality($2)]),
             array_fill(null::smallint, array[cardinality($2)]),
             array_fill(null::text, array[cardinality($2)]),
             array_fill(null::text, array[cardinality($2)]), '{}', '{}', '{}', '{}', '{}', '{}', '{}', $3, array['story'])",
    )
    .bind(worker)
    .bind(complete)
    .bind(want)
    .fetch_all(&mut *session)
    .await
    .unwrap();
    let read = rows_read(session).await - before;
    sqlx::query("commit").execute(&mut *session).await.unwrap();
    (claimed.into_iter().flatten().collect(), read)
}

/// How many rows of the hot table and of dead letters this session had to read; what was not reported
/// yet is in it.
async fn rows_read(session: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "select sum(seq_tup_read + idx_tup_fetch)::bigint from pg_stat_xact_user_tables
         where schemaname = 'leadrail' and relname in ('workflow_run', 'dead_letter')",
    )
    .fetch_one(session)
    .await
    .unwrap()
}

/// Statistics as they are now.
async fn analyze(bench: &Bench) {
    sqlx::query("vacuum analyze leadrail.workflow_run")
        .execute(bench.engine.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_flood_after_a_quiet_night_is_claimed_without_reading_all_of_it() {
    let bench = Bench::new().await;
    analyze(&bench).await;
    let (mut session, worker) = session(&bench).await;
    for _ in 0..8 {
        let (claimed, _) = journal(&mut session, worker, &[], 10).await;
        assert!(claimed.is_empty());
    }
    enqueue(&bench, 5_000).await;
    let (claimed, read) = journal(&mut session, worker, &[], 10).await;
    assert_eq!(claimed.len(), 10);
    assert!(read < 200, "{read} rows read to claim 10");
}

#[tokio::test]
async fn lanes_that_have_nothing_due_yet_cost_a_claim_nothing() {
    let bench = Bench::new().await;
    let parked = (0..20_000).map(|lane| NewRun {
        lane: lane.to_string(),
        delay: Duration::from_secs(600),
        ..NewRun::of::<Story>(&vec!["a".to_owned()]).unwrap()
    });
    for some in parked.collect::<Vec<_>>().chunks(5_000) {
        bench.engine.enqueue(some).await.unwrap();
    }
    analyze(&bench).await;
    let (mut session, worker) = session(&bench).await;
    enqueue(&bench, 20).await;
    let (claimed, read) = journal(&mut session, worker, &[], 10).await;
    assert_eq!(claimed.len(), 10);
    assert!(read < 100, "{read} rows read to claim 10");
    let (claimed, read) = journal(&mut session, worker, &[], 100).await;
    assert_eq!(claimed.len(), 10);
    assert!(read < 100, "{read} rows read to claim the rest");
    bench.pass(600).await;
    let (claimed, _) = journal(&mut session, worker, &[], 10).await;
    assert_eq!(claimed.len(), 10, "their time has come");
}

#[tokio::test]
async fn the_end_of_a_few_runs_does_not_read_all_that_the_worker_holds() {
    let bench = Bench::new().await;
    enqueue(&bench, 2_000).await;
    analyze(&bench).await;
    let (mut session, worker) = session(&bench).await;
    let (held, _) = journal(&mut session, worker, &[], 2_000).await;
    assert_eq!(held.len(), 2_000);
    for few in held.chunks(10).take(8) {
        let (_, read) = journal(&mut session, worker, few, 0).await;
        assert!(read < 200, "{read} rows read to end 10");
    }
}

#[tokio::test]
async fn a_round_of_a_replay_reads_what_it_sends_and_not_all_letters() {
    let bench = Bench::new().await;
    analyze(&bench).await;
    bench.bury(&vec![doomed("crm", 2); 3_000]).await;
    let replay = bench.tell(serde_json::Value::Null).await;
    let chosen = bench.engine.enlist(replay, &LetterFilter::default()).await;
    assert_eq!(chosen.unwrap(), 3_000);
    let mut session = bench.engine.pool().acquire().await.unwrap().detach();
    for round in 1..=8 {
        sqlx::query("begin").execute(&mut session).await.unwrap();
        let before = rows_read(&mut session).await;
        let sent: i32 =
            sqlx::query_scalar("select leadrail.revive_enlisted($1, null, 10, $2, 'replay')")
                .bind(replay)
                .bind(round)
                .fetch_one(&mut session)
                .await
                .unwrap();
        let read = rows_read(&mut session).await - before;
        sqlx::query("commit").execute(&mut session).await.unwrap();
        assert_eq!(sent, 10);
        assert!(read < 400, "{read} rows read to send 10");
    }
}

async fn keys_and_runs_read(session: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "select sum(seq_tup_read + idx_tup_fetch)::bigint from pg_stat_xact_user_tables
         where schemaname = 'leadrail' and relname in ('run_key', 'workflow_run')",
    )
    .fetch_one(session)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_batch_of_old_keys_is_found_without_reading_the_others_or_the_runs() {
    let bench = Bench::new().await;
    enqueue(&bench, 5_000).await;
    sqlx::raw_sql(
        "update leadrail.retention set keys_for = '300 days';
         insert into leadrail.run_key (key, scope, run_id, fingerprint, created_at)
         select n, 'acme', gen_random_uuid(), 'x',
                leadrail.now() - case when n <= 5000 then interval '301 days' else interval '1 day' end
         from generate_series(1, 60000) n",
    )
    .execute(bench.engine.pool())
    .await
    .unwrap();
    for table in ["run_key", "workflow_run"] {
        let analyze = sqlx::AssertSqlSafe(format!("vacuum analyze leadrail.{table}"));
        sqlx::raw_sql(analyze)
            .execute(bench.engine.pool())
            .await
            .unwrap();
    }
    let mut session = bench.engine.pool().begin().await.unwrap();
    // What the session did before, it may not have told yet.
    let before = keys_and_runs_read(&mut session).await;
    let forgotten: i32 = sqlx::query_scalar("select leadrail.forget_keys(1000)")
        .fetch_one(&mut *session)
        .await
        .unwrap();
    let read = keys_and_runs_read(&mut session).await - before;
    assert_eq!(forgotten, 1_000);
    assert!(read < 5_000, "{read} rows read to forget 1000");
}

/// One session whose plans are for any parameters, as those of statements that are asked often are.
async fn with_general_plans(bench: &Bench) -> Engine {
    let options = (*bench.engine.pool().connect_options()).clone();
    let options = options.options([("plan_cache_mode", "force_generic_plan")]);
    let one = PgPoolOptions::new().max_connections(1);
    Engine::new(one.connect_with(options).await.unwrap())
}

#[tokio::test]
async fn a_page_of_runs_reads_no_more_than_itself_wherever_it_begins() {
    let bench = Bench::new().await;
    enqueue(&bench, 2_000).await;
    analyze(&bench).await;
    let engine = with_general_plans(&bench).await;
    let filter = RunFilter::default();
    let all = engine.runs_after(&filter, None, 2_000).await.unwrap().runs;
    let (early, late) = (Some(all[99].id), Some(all[1_899].id));
    // The counters are those of the open transaction.
    let pool = engine.pool();
    sqlx::query("begin").execute(pool).await.unwrap();
    let read_before = rows_read(&mut pool.acquire().await.unwrap()).await;
    let forwards = engine.runs_after(&filter, late, 10).await.unwrap().runs;
    let backwards = engine.runs_before(&filter, early, 10).await.unwrap().runs;
    let read = rows_read(&mut pool.acquire().await.unwrap()).await - read_before;
    let ids = |runs: &[RunView]| runs.iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(ids(&forwards), ids(&all[1_900..1_910]));
    let mut before = ids(&all[89..99]);
    before.reverse();
    assert_eq!(ids(&backwards), before);
    assert!(read < 100, "{read} rows for twenty");
}
