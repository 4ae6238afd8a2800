//! The doctor: sound databases pass, and each planted violation is found by its own check.

use crate::kit::{Bench, Working, World, quick, quick_config, registry};
use leadrail_engine::{Check, LetterFilter, NewRun, RunId, RunState};
use std::time::Duration;

const NAMES: [&str; 19] = [
    "clock_shift",
    "one_run_a_key",
    "one_head_a_run",
    "dead_letters",
    "replays",
    "running_has_worker",
    "worker_sessions",
    "waiting_has_end",
    "due_is_claimed",
    "stuck_runs",
    "intent_before_result",
    "one_result_a_step",
    "claim_before_result",
    "no_open_intent",
    "no_secrets",
    "history_partitions",
    "housekeeping",
    "doubt",
    "bloat",
];

/// Runs SQL as somebody would who edits tables by hand.
async fn meddle(bench: &Bench, sql: &'static str, run: Option<RunId>) {
    let query = sqlx::query(sql);
    let query = match run {
        Some(run) => query.bind(run.0),
        None => query,
    };
    let done = query.execute(bench.engine.pool()).await.expect(sql);
    assert!(done.rows_affected() > 0, "nothing was changed: {sql}");
}

async fn examine(bench: &Bench) -> Vec<Check> {
    bench
        .engine
        .check_invariants()
        .await
        .expect("the checks run")
}

/// Exactly this check fails; its detail.
async fn the_only_complaint(bench: &Bench, name: &str) -> String {
    let checks = examine(bench).await;
    let failed: Vec<_> = checks.into_iter().filter(|check| !check.ok).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].name, name, "{failed:?}");
    failed[0].detail.clone()
}

async fn keyed_run(bench: &Bench, key: &str) -> RunId {
    let run = NewRun::of::<crate::kit::Story>(&vec![]).expect("input");
    let run = run.keyed("acme", key);
    bench.engine.enqueue(&[run]).await.expect("enqueue")[0].run_id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_and_one_at_work_are_sound() {
    let bench = Bench::new().await;
    let checks = examine(&bench).await;
    let names: Vec<_> = checks.iter().map(|check| check.name).collect();
    assert_eq!(names, NAMES);
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    let run = bench.enqueue(&["a", "b"]).await;
    let worker = Working::start(&bench, registry(&World::new(), quick()), quick_config());
    bench.until(run, RunState::Completed).await;
    let checks = examine(&bench).await;
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    worker.stop().await;
}

#[tokio::test]
async fn a_shifted_clock_is_found() {
    let bench = Bench::new().await;
    let hour = Duration::from_secs(3600);
    bench.engine.shift_clock(hour).await.expect("shift");
    let detail = the_only_complaint(&bench, "clock_shift").await;
    assert!(detail.contains("01:00:00"), "{detail}");
}

#[tokio::test]
async fn the_sums_of_the_states_are_shown() {
    let bench = Bench::new().await;
    keyed_run(&bench, "a").await;
    keyed_run(&bench, "b").await;
    let checks = examine(&bench).await;
    assert_eq!(checks[1].detail, "2 keys = 2 runs: 2 queued");
}

#[tokio::test]
async fn an_accepted_key_without_its_run_is_found() {
    let bench = Bench::new().await;
    let run = keyed_run(&bench, "a").await;
    meddle(
        &bench,
        "delete from leadrail.workflow_run where id = $1",
        Some(run),
    )
    .await;
    let detail = the_only_complaint(&bench, "one_run_a_key").await;
    assert!(
        detail.contains("1 keys were accepted and 0 runs"),
        "{detail}"
    );
    assert!(detail.contains(&run.to_string()), "{detail}");
}

#[tokio::test]
async fn a_run_whose_key_was_never_accepted_is_found() {
    let bench = Bench::new().await;
    let run = keyed_run(&bench, "a").await;
    meddle(
        &bench,
        "update leadrail.run_key set key = 'b' where run_id = $1",
        Some(run),
    )
    .await;
    // The sums are equal; only the pairs are not.
    let detail = the_only_complaint(&bench, "one_run_a_key").await;
    assert!(detail.contains(&run.to_string()), "{detail}");
}

#[tokio::test]
async fn a_replay_that_will_never_come_to_its_letters_and_one_that_is_miscounted_are_found() {
    let bench = Bench::new().await;
    bench.bury(&[crate::kit::dead::doomed("a", 2)]).await;
    let replay = bench.tell(serde_json::Value::Null).await;
    let chosen = bench.engine.enlist(replay, &LetterFilter::default()).await;
    assert_eq!(chosen.expect("enlist"), 1);
    let checks = examine(&bench).await;
    assert_eq!(checks[4].detail, "1 dead letters wait in 1 replays");
    let miscount = "update leadrail.replay_lane set revived = 1 where replay_id = $1";
    meddle(&bench, miscount, Some(replay)).await;
    let detail = the_only_complaint(&bench, "replays").await;
    assert!(detail.contains(&replay.to_string()), "{detail}");
    let recount = "update leadrail.replay_lane set revived = 0 where replay_id = $1";
    meddle(&bench, recount, Some(replay)).await;
    let lose = "delete from leadrail.workflow_run where id = $1";
    meddle(&bench, lose, Some(replay)).await;
    let detail = the_only_complaint(&bench, "replays").await;
    assert!(detail.starts_with("1 replays have letters"), "{detail}");
    bench.engine.keep_house().await.expect("keep");
    assert!(examine(&bench).await.iter().all(|check| check.ok));
}

#[tokio::test]
async fn a_dead_run_without_its_letter_and_a_letter_without_its_run_are_found() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["ok"]).await;
    let bury = "insert into leadrail.dead_letter (run_id, priority, workflow, scope, lane, reason, died_at)
                values ($1, 2, 'story', '', '', 'x', leadrail.now())";
    meddle(&bench, bury, Some(run)).await;
    let detail = the_only_complaint(&bench, "dead_letters").await;
    assert!(detail.starts_with("1 are dead without"), "{detail}");
    meddle(
        &bench,
        "delete from leadrail.dead_letter where run_id = $1",
        Some(run),
    )
    .await;
    meddle(&bench, CLAIM, Some(run)).await;
    meddle(
        &bench,
        "update leadrail.workflow_run set state = 'dead' where id = $1",
        Some(run),
    )
    .await;
    let detail = the_only_complaint(&bench, "dead_letters").await;
    assert!(detail.contains(&run.to_string()), "{detail}");
}

const CLAIM: &str = "update leadrail.workflow_run
    set state = 'running', due_at = null, worker_id = gen_random_uuid() where id = $1";

#[tokio::test]
async fn a_running_run_that_no_worker_holds_is_found() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["ok"]).await;
    meddle(&bench, CLAIM, Some(run)).await;
    let detail = the_only_complaint(&bench, "running_has_worker").await;
    assert!(detail.starts_with("1 of 1 running"), "{detail}");
}

#[tokio::test]
async fn a_run_that_waits_for_nothing_is_found() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["ok"]).await;
    meddle(&bench, CLAIM, Some(run)).await;
    meddle(
        &bench,
        "update leadrail.workflow_run set state = 'waiting' where id = $1",
        Some(run),
    )
    .await;
    the_only_complaint(&bench, "waiting_has_end").await;
    let gate = "insert into leadrail.run_gate (run_id, gate) values ($1, 'g')";
    meddle(&bench, gate, Some(run)).await;
    assert!(examine(&bench).await.iter().all(|check| check.ok));
}

#[tokio::test]
async fn a_result_without_its_intent_is_found() {
    let bench = Bench::new().await;
    let proper = bench.enqueue(&["ok"]).await;
    let other = bench.enqueue(&["ok"]).await;
    let history = "insert into leadrail.history (run_id, seq, at, kind, attempt, activity)
                   values ($1, 0, leadrail.now(), 'run_started', null, null),
                          ($1, 1, leadrail.now(), 'activity_started', 1, 'make'),
                          ($1, 2, leadrail.now(), 'activity_completed', 1, 'make')";
    meddle(&bench, history, Some(proper)).await;
    assert!(examine(&bench).await.iter().all(|check| check.ok));
    // The intent of another use of the activity is none for this one, nor is one that came later.
    let history = "insert into leadrail.history (run_id, seq, at, kind, attempt, activity)
                   values ($1, 0, leadrail.now(), 'run_started', null, null),
                          ($1, 1, leadrail.now(), 'activity_started', 1, 'make'),
                          ($1, 2, leadrail.now(), 'activity_completed', 1, 'make#2'),
                          ($1, 3, leadrail.now(), 'activity_started', 1, 'make#2')";
    meddle(&bench, history, Some(other)).await;
    let detail = the_only_complaint(&bench, "intent_before_result").await;
    assert!(
        detail.starts_with("1 of 2 results") && detail.contains(&other.to_string()),
        "{detail}"
    );
}

#[tokio::test]
async fn work_that_is_overdue_is_found_only_while_workers_live() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["ok"]).await;
    let late = "update leadrail.workflow_run set due_at = leadrail.now() - interval '61 seconds',
                changed_at = leadrail.now() - interval '61 seconds' where id = $1";
    meddle(&bench, late, Some(run)).await;
    let checks = examine(&bench).await;
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    let due = checks.iter().find(|check| check.name == "due_is_claimed");
    let due = due.expect("a check");
    assert!(due.detail.contains("no worker lives"), "{checks:?}");
    let register = "select leadrail.register_worker('w', 1, '0', interval '15 seconds')";
    meddle(&bench, register, None).await;
    the_only_complaint(&bench, "due_is_claimed").await;
    // A run that was given back just now keeps its age; that alone is no delay.
    let back = "update leadrail.workflow_run set changed_at = leadrail.now() where id = $1";
    meddle(&bench, back, Some(run)).await;
    assert!(examine(&bench).await.iter().all(|check| check.ok));
}

#[tokio::test]
async fn partitions_that_end_soon_or_came_too_late_are_found() {
    let bench = Bench::new().await;
    let ends =
        "delete from leadrail.history_partition where to_at > leadrail.now() + interval '1 day'";
    meddle(&bench, ends, None).await;
    let detail = the_only_complaint(&bench, "history_partitions").await;
    assert!(detail.contains("within two days"), "{detail}");
    let late = "insert into leadrail.history (run_id, seq, at, kind)
                values ('00000000-0000-7000-8000-000000000000', 0, leadrail.now(), 'run_started')";
    meddle(&bench, late, None).await;
    let detail = the_only_complaint(&bench, "history_partitions").await;
    assert!(detail.contains("history_default"), "{detail}");
}

#[tokio::test]
async fn a_run_in_both_tables_is_found() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["ok"]).await;
    let copy = "insert into leadrail.ended_run
                    (id, state, starts, changed_at, priority, workflow, scope, lane, created_at, input)
                select id, 'completed', 1, changed_at, priority, workflow, scope, lane, created_at, input
                from leadrail.workflow_run where id = $1";
    meddle(&bench, copy, Some(run)).await;
    let detail = the_only_complaint(&bench, "one_head_a_run").await;
    assert!(detail.contains(&run.to_string()), "{detail}");
}

#[tokio::test]
async fn a_dead_letter_of_another_tenant_is_found() {
    let bench = Bench::new().await;
    let run = keyed_run(&bench, "a").await;
    meddle(&bench, CLAIM, Some(run)).await;
    let dead = "update leadrail.workflow_run set state = 'dead' where id = $1";
    meddle(&bench, dead, Some(run)).await;
    let bury = "insert into leadrail.dead_letter (run_id, priority, workflow, scope, lane, reason, died_at)
                select id, priority, workflow, 'other', lane, 'x', leadrail.now()
                from leadrail.workflow_run where id = $1";
    meddle(&bench, bury, Some(run)).await;
    the_only_complaint(&bench, "dead_letters").await;
}

#[tokio::test]
async fn a_run_without_news_for_an_hour_is_found() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["ok"]).await;
    let register = "select leadrail.register_worker('w', 1, '0', interval '15 seconds')";
    meddle(&bench, register, None).await;
    let claim = "update leadrail.workflow_run
        set state = 'running', due_at = null, worker_id = (select id from leadrail.worker),
            changed_at = leadrail.now() - interval '61 minutes'
        where id = $1";
    meddle(&bench, claim, Some(run)).await;
    the_only_complaint(&bench, "stuck_runs").await;
    let news = "insert into leadrail.history (run_id, seq, at, kind)
                values ($1, 0, leadrail.now() - interval '59 minutes', 'run_started')";
    meddle(&bench, news, Some(run)).await;
    assert!(examine(&bench).await.iter().all(|check| check.ok));
}

#[tokio::test]
async fn a_second_result_of_a_step_is_found() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["ok"]).await;
    let history = "insert into leadrail.history (run_id, seq, at, kind, attempt, activity)
                   values ($1, 0, leadrail.now(), 'run_started', null, null),
                          ($1, 1, leadrail.now(), 'activity_completed', 1, 'make'),
                          ($1, 2, leadrail.now(), 'activity_completed', 1, 'make#2')";
    meddle(&bench, history, Some(run)).await;
    assert!(examine(&bench).await.iter().all(|check| check.ok));
    let again = "insert into leadrail.history (run_id, seq, at, kind, attempt, activity)
                 values ($1, 3, leadrail.now(), 'activity_completed', 2, 'make')";
    meddle(&bench, again, Some(run)).await;
    let detail = the_only_complaint(&bench, "one_result_a_step").await;
    assert!(detail.starts_with("1 of 2 steps"), "{detail}");
}

#[tokio::test]
async fn a_result_from_before_the_claim_is_found() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["ok"]).await;
    let history = "insert into leadrail.history (run_id, seq, at, kind, attempt, activity)
                   values ($1, 0, leadrail.now(), 'activity_completed', 1, 'make')";
    meddle(&bench, history, Some(run)).await;
    the_only_complaint(&bench, "claim_before_result").await;
    let claim = "insert into leadrail.history (run_id, seq, at, kind)
                 values ($1, 1, leadrail.now(), 'run_started')";
    meddle(&bench, claim, Some(run)).await;
    the_only_complaint(&bench, "claim_before_result").await;
}

#[tokio::test]
async fn an_intent_that_a_completed_run_left_open_is_found() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["ok"]).await;
    let history = "insert into leadrail.history (run_id, seq, at, kind, attempt, activity)
                   values ($1, 0, leadrail.now(), 'run_started', null, null),
                          ($1, 1, leadrail.now(), 'activity_started', 1, 'make')";
    meddle(&bench, history, Some(run)).await;
    assert!(examine(&bench).await.iter().all(|check| check.ok));
    let done = "insert into leadrail.history (run_id, seq, at, kind)
                values ($1, 2, leadrail.now(), 'run_completed')";
    meddle(&bench, done, Some(run)).await;
    the_only_complaint(&bench, "no_open_intent").await;
}

#[tokio::test]
async fn a_credential_in_a_history_is_found() {
    let bench = Bench::new().await;
    let run = bench.enqueue(&["ok"]).await;
    let harmless = r#"insert into leadrail.history (run_id, seq, at, kind, payload)
        values ($1, 0, leadrail.now(), 'run_started', '{"note": "basic understanding of the bearer"}')"#;
    meddle(&bench, harmless, Some(run)).await;
    assert!(examine(&bench).await.iter().all(|check| check.ok));
    let secret = r#"insert into leadrail.history (run_id, seq, at, kind, payload)
        values ($1, 1, leadrail.now(), 'activity_failed',
                '{"headers": [["authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.t-1234"]]}')"#;
    meddle(&bench, secret, Some(run)).await;
    let detail = the_only_complaint(&bench, "no_secrets").await;
    assert!(
        detail.contains(&run.to_string()) && !detail.contains("eyJ"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_day_without_a_place_for_its_ended_runs_is_found() {
    let bench = Bench::new().await;
    let drop = "do $$ begin execute (
        select format('drop table leadrail.%I', replace(name, 'history_', 'ended_run_'))
        from leadrail.history_partition order by name desc limit 1
    ); end $$";
    let dropped = sqlx::query(drop).execute(bench.engine.pool()).await;
    dropped.expect("drop");
    let detail = the_only_complaint(&bench, "history_partitions").await;
    assert!(detail.contains("ended_run"), "{detail}");
}

#[tokio::test]
async fn a_clean_up_that_failed_is_found_and_heals() {
    let bench = Bench::new().await;
    let rename =
        |from: &str, to: &str| format!("alter function leadrail.{from}(text, date) rename to {to}");
    let broken = sqlx::AssertSqlSafe(rename("make_partition", "elsewhere"));
    let broken = sqlx::query(broken).execute(bench.engine.pool()).await;
    broken.expect("rename");
    bench.engine.keep_house().await.expect("keep");
    let detail = the_only_complaint(&bench, "housekeeping").await;
    assert!(detail.contains("partitions: function"), "{detail}");
    let mended = sqlx::AssertSqlSafe(rename("elsewhere", "make_partition"));
    let mended = sqlx::query(mended).execute(bench.engine.pool()).await;
    mended.expect("rename");
    bench.engine.keep_house().await.expect("keep");
    assert!(examine(&bench).await.iter().all(|check| check.ok));
}

#[tokio::test]
async fn a_clean_up_that_no_worker_does_is_found() {
    let bench = Bench::new().await;
    bench.engine.keep_house().await.expect("keep");
    let long_ago = "update leadrail.housekeeping set done_at = leadrail.now() - interval '4 hours'
                    where task = 'partitions'";
    meddle(&bench, long_ago, None).await;
    // Without workers nobody could have.
    assert!(examine(&bench).await.iter().all(|check| check.ok));
    // Alive for as long as this test may take.
    let register = "select leadrail.register_worker('w', 1, '0', interval '1 hour')";
    meddle(&bench, register, None).await;
    let old = "update leadrail.worker set started_at = leadrail.now() - interval '4 hours'";
    meddle(&bench, old, None).await;
    let detail = the_only_complaint(&bench, "housekeeping").await;
    assert!(detail.contains("partitions"), "{detail}");
}

#[tokio::test]
async fn a_hot_table_that_vacuum_leaves_behind_is_found() {
    let bench = Bench::new().await;
    let alone = "alter table leadrail.workflow_run set (autovacuum_enabled = false)";
    let alone = sqlx::query(alone).execute(bench.engine.pool()).await;
    alone.expect("autovacuum off");
    let fill = "insert into leadrail.workflow_run (id, due_at, workflow, input)
                select gen_random_uuid(), leadrail.now(), 'w', '1' from generate_series(1, 110000)";
    meddle(&bench, fill, None).await;
    meddle(&bench, "delete from leadrail.workflow_run", None).await;
    // The server tells its statistics within a second or so of the session's last statement.
    let patience = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let checks = examine(&bench).await;
        let failed: Vec<_> = checks.iter().filter(|check| !check.ok).collect();
        if failed.iter().any(|check| check.name == "bloat") {
            assert_eq!(failed.len(), 1, "{failed:?}");
            return;
        }
        assert!(
            tokio::time::Instant::now() < patience,
            "bloat is not seen: {checks:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
