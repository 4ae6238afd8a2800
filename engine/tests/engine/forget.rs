//! Forgetting: what runs were given goes at its time, and what they did stays.

use crate::kit::dead::doomed;
use crate::kit::{Act, Bench, Story, Working, World, quick, quick_config, registry};
use leadrail_engine::{FailureKind, LetterFilter, NewRun, Outcome, RunId, RunState};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn sql(bench: &Bench, statement: &'static str) {
    let done = sqlx::raw_sql(statement).execute(bench.engine.pool()).await;
    done.expect(statement);
}

fn new_run(key: &str, step: &str) -> NewRun {
    let run = NewRun::of::<Story>(&vec![step.to_owned()]).expect("input");
    run.keyed("acme", key)
}

async fn ended(bench: &Bench, key: &str, step: &str, world: &Arc<World>, state: RunState) -> RunId {
    let answers = bench.engine.enqueue(&[new_run(key, step)]).await;
    let run = answers.expect("enqueue")[0].run_id;
    let worker = Working::start(bench, registry(world, quick()), quick_config());
    bench.until(run, state).await;
    worker.stop().await;
    run
}

fn refusing(step: &str) -> Arc<World> {
    let world = World::new();
    world.script(step, &[Act::Fail(FailureKind::Rejected, "refused")]);
    world
}

async fn later(bench: &Bench, by: Duration) {
    bench.engine.shift_clock(by).await.expect("shift");
    bench.engine.keep_house().await.expect("keep");
}

async fn is_forgotten(bench: &Bench, run: RunId) -> bool {
    let run = bench.engine.run(run).await.expect("read").expect("kept");
    run.input == json!({"forgotten": true})
}

async fn complaints(bench: &Bench) -> Vec<&'static str> {
    let checks = bench.engine.check_invariants().await.expect("the checks");
    let failed = checks.iter().filter(|check| !check.ok);
    failed.map(|check| check.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_ended_run_was_given_is_forgotten_in_its_time_and_what_it_did_is_not() {
    let bench = Bench::new().await;
    sql(
        &bench,
        "update leadrail.retention set input_for = '90 days'",
    )
    .await;
    let run = ended(&bench, "a", "one", &World::new(), RunState::Completed).await;
    let story = bench.kinds(run).await;
    later(&bench, 2 * HOUR).await;
    later(&bench, 89 * DAY).await;
    assert!(!is_forgotten(&bench, run).await);
    later(&bench, DAY).await;
    assert!(is_forgotten(&bench, run).await);
    assert_eq!(bench.kinds(run).await, story);
    let again = bench
        .engine
        .enqueue(&[new_run("a", "one")])
        .await
        .expect("enqueue");
    assert_eq!(
        again[0].outcome,
        Outcome::Duplicate,
        "its key is remembered"
    );
    assert_eq!(complaints(&bench).await, ["clock_shift"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_older_than_that_when_it_ends_forgets_when_it_leaves_the_hot_table() {
    let bench = Bench::new().await;
    sql(
        &bench,
        "update leadrail.retention set input_for = '90 days'",
    )
    .await;
    let run = ended(&bench, "a", "one", &refusing("one"), RunState::Dead).await;
    later(&bench, 100 * DAY).await;
    assert!(
        !is_forgotten(&bench, run).await,
        "a dead letter can be sent again"
    );
    assert!(bench.engine.revive(run, "ann").await.expect("revive"));
    let worker = Working::start(&bench, registry(&World::new(), quick()), quick_config());
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
    assert!(!is_forgotten(&bench, run).await);
    later(&bench, 2 * HOUR).await;
    assert!(is_forgotten(&bench, run).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_nobody_sees_to_is_retired_in_its_time_with_all_its_words() {
    let bench = Bench::new().await;
    sql(
        &bench,
        "update leadrail.retention set letters_for = '180 days'",
    )
    .await;
    let run = ended(&bench, "a", "one", &refusing("one"), RunState::Dead).await;
    later(&bench, 179 * DAY).await;
    assert_eq!(bench.until(run, RunState::Dead).await.state, RunState::Dead);
    later(&bench, 2 * DAY).await;
    let retired = bench.engine.run(run).await.expect("read").expect("kept");
    assert_eq!(
        (retired.state, retired.reason.as_deref()),
        (RunState::Cancelled, Some("expired"))
    );
    assert!(is_forgotten(&bench, run).await);
    let letters = bench
        .engine
        .letters(&LetterFilter::default(), None, 10)
        .await;
    assert!(letters.expect("letters").is_empty());
    let said: Vec<serde_json::Value> = sqlx::query_scalar(
        "select payload from leadrail.history where run_id = $1 and payload::text like '%message%'",
    )
    .bind(run.0)
    .fetch_all(bench.engine.pool())
    .await
    .expect("read");
    assert!(said.is_empty(), "{said:?}");
    assert_eq!(complaints(&bench).await, ["clock_shift"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_a_replay_has_taken_on_is_retired_only_once_it_is_given_back() {
    let bench = Bench::new().await;
    sql(
        &bench,
        "update leadrail.retention set letters_for = '180 days'",
    )
    .await;
    let runs = bench.bury(&vec![doomed("crm", 2); 2]).await;
    let replay = bench.tell(serde_json::Value::Null).await;
    let chosen = LetterFilter {
        runs: Some(vec![runs[0]]),
        ..LetterFilter::default()
    };
    let taken = bench.engine.enlist(replay, &chosen).await;
    assert_eq!(taken.expect("taken on"), 1);
    later(&bench, 181 * DAY).await;
    let state = async |run| {
        bench
            .engine
            .run(run)
            .await
            .expect("read")
            .expect("kept")
            .state
    };
    assert_eq!(state(runs[0]).await, RunState::Dead);
    assert!(!is_forgotten(&bench, runs[0]).await);
    assert_eq!(state(runs[1]).await, RunState::Cancelled, "in no replay");
    let gone = bench.engine.cancel(replay, "not wanted any more").await;
    gone.expect("cancelled");
    later(&bench, HOUR).await;
    assert_eq!(state(runs[0]).await, RunState::Cancelled);
    assert!(is_forgotten(&bench, runs[0]).await);
}

#[tokio::test]
async fn forgetting_a_run_locks_the_day_of_its_history_and_no_other() {
    let bench = Bench::new().await;
    let run = bench.bury(&[doomed("crm", 2)]).await[0];
    let mut session = bench.engine.pool().begin().await.expect("begun");
    sqlx::query("select leadrail.forget_history($1)")
        .bind([run.0])
        .execute(&mut *session)
        .await
        .expect("forgotten");
    let locked: i64 = sqlx::query_scalar(
        "select count(*)
         from pg_locks l
         join leadrail.history_partition p on l.relation = format('leadrail.%I', p.name)::regclass
         where l.pid = pg_backend_pid()",
    )
    .fetch_one(&mut *session)
    .await
    .expect("counted");
    assert_eq!(locked, 1);
}

#[tokio::test]
async fn keys_are_forgotten_by_the_batch_until_none_is_old_enough() {
    let bench = Bench::new().await;
    sql(
        &bench,
        "update leadrail.retention set keys_for = '300 days';
         insert into leadrail.run_key (key, scope, run_id, fingerprint, created_at)
         select n, 'acme', gen_random_uuid(), 'x', leadrail.now() - n * interval '1 minute' - interval '299 days'
         from generate_series(1, 10000) n",
    )
    .await;
    bench.engine.keep_house().await.expect("keep");
    let left: i64 = sqlx::query_scalar("select count(*) from leadrail.run_key")
        .fetch_one(bench.engine.pool())
        .await
        .expect("counted");
    assert!((1_430..=1_440).contains(&left), "{left} of one day");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_forgotten_in_its_time_and_never_before_its_run() {
    let bench = Bench::new().await;
    sql(
        &bench,
        "update leadrail.retention set keys_for = '300 days', history_for = '400 days'",
    )
    .await;
    let run = ended(&bench, "a", "one", &World::new(), RunState::Completed).await;
    later(&bench, 2 * HOUR).await;
    later(&bench, 350 * DAY).await;
    let again = bench
        .engine
        .enqueue(&[new_run("a", "one")])
        .await
        .expect("enqueue");
    assert_eq!(
        (again[0].outcome, again[0].run_id),
        (Outcome::Duplicate, run)
    );
    // The same housekeeping drops the run's day and then looks for keys.
    later(&bench, 52 * DAY).await;
    let again = bench
        .engine
        .enqueue(&[new_run("a", "one")])
        .await
        .expect("enqueue");
    assert_eq!(again[0].outcome, Outcome::Created);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_forgotten_on_demand_only_once_they_have_ended() {
    let bench = Bench::new().await;
    let done = ended(&bench, "done", "one", &World::new(), RunState::Completed).await;
    let waiting = bench
        .engine
        .enqueue(&[new_run("waits", "one")])
        .await
        .expect("enqueue")[0]
        .run_id;
    let gone: Vec<uuid::Uuid> = sqlx::query_scalar("select unnest(leadrail.forget_runs($1, true))")
        .bind([done.0, waiting.0, RunId::new().0])
        .fetch_all(bench.engine.pool())
        .await
        .expect("forgotten");
    assert_eq!(gone, [done.0]);
    assert!(is_forgotten(&bench, done).await && !is_forgotten(&bench, waiting).await);
    let again = bench
        .engine
        .enqueue(&[new_run("done", "one")])
        .await
        .expect("enqueue");
    assert_eq!(
        again[0].outcome,
        Outcome::Conflict,
        "nobody knows what it said"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn words_go_out_of_a_line_of_history_and_facts_stay() {
    let bench = Bench::new().await;
    let rows = [
        (
            json!({"kind": "rejected", "reason": "http_422", "message": "Ana", "final": true, "evidence": [
                {"activity": "x", "method": "POST", "url": "https://crm/ana", "status": 422, "duration_ms": 7,
                 "request_headers": [], "request_body": {"text": "Ana"}, "response_body": {"text": "Ana"}, "error": "http_422"},
                "Ana",
            ]}),
            json!({"kind": "rejected", "reason": "http_422", "final": true, "forgotten": true, "evidence": [
                {"activity": "x", "method": "POST", "status": 422, "duration_ms": 7, "error": "http_422"},
            ]}),
        ),
        (
            json!({"evidence": []}),
            json!({"evidence": [], "forgotten": true}),
        ),
        (
            json!({"signal": 1, "value": "Ana"}),
            json!({"signal": 1, "forgotten": true}),
        ),
        (json!(["Ana"]), json!({"forgotten": true})),
        (json!("Ana"), json!({"forgotten": true})),
        (json!({"value": "a\u{0}b"}), json!({"forgotten": true})),
    ];
    for (line, expected) in rows {
        let line = line.to_string();
        let left: serde_json::Value =
            sqlx::query_scalar("select leadrail.without_words($1::text::json)")
                .bind(&line)
                .fetch_one(bench.engine.pool())
                .await
                .expect("a line");
        assert_eq!(left, expected, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_up_of_somebody_elses_is_done_and_told_of_and_stops_no_other() {
    let bench = Bench::new().await;
    sql(
        &bench,
        "create table leadrail.cleaned (at timestamptz);
         create function leadrail.clean() returns void language sql as 'insert into leadrail.cleaned values (now())';
         create function leadrail.breaks() returns void language plpgsql as 'begin raise exception ''broken''; end';
         insert into leadrail.house_task (name, function) values ('theirs', 'clean'), ('broken', 'breaks')",
    )
    .await;
    bench.engine.keep_house().await.expect("keep");
    let cleaned: i64 = sqlx::query_scalar("select count(*) from leadrail.cleaned")
        .fetch_one(bench.engine.pool())
        .await
        .expect("counted");
    assert_eq!(cleaned, 1);
    let told: Vec<(String, Option<String>)> = sqlx::query_as(
        "select task, error from leadrail.housekeeping where task in ('theirs', 'broken', 'letters') order by task",
    )
    .fetch_all(bench.engine.pool())
    .await
    .expect("told");
    let told: Vec<_> = told
        .iter()
        .map(|(task, error)| (task.as_str(), error.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("broken", Some("broken")),
            ("letters", None),
            ("theirs", None)
        ]
    );
}
