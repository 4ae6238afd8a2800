//! Retention: ended runs leave the hot table, old days are dropped, and nothing that matters is lost.

use crate::kit::{Act, Bench, Story, Working, World, quick, quick_config, registry};
use leadrail_engine::{
    Engine, FailureKind, NewRun, Outcome, RunFilter, RunId, RunState, WorkerConfig, count_by_state,
};
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

async fn keyed(bench: &Bench, key: &str, steps: &[&str]) -> RunId {
    let answers = bench.engine.enqueue(&[new_run(key, steps)]).await;
    answers.expect("enqueue")[0].run_id
}

fn new_run(key: &str, steps: &[&str]) -> NewRun {
    let steps = steps.iter().map(|&step| step.to_owned()).collect();
    let run = NewRun::of::<Story>(&steps).expect("input");
    run.keyed("acme", key)
}

async fn counted(bench: &Bench, sql: &'static str) -> i64 {
    let count = sqlx::query_scalar(sql).fetch_one(bench.engine.pool());
    count.await.expect(sql)
}

async fn hot(bench: &Bench) -> i64 {
    counted(bench, "select count(*) from leadrail.workflow_run").await
}

async fn sql(bench: &Bench, statement: &'static str) {
    let done = sqlx::query(statement).execute(bench.engine.pool()).await;
    done.expect(statement);
}

async fn complaints(bench: &Bench) -> Vec<&'static str> {
    let checks = bench.engine.check_invariants().await.expect("the checks");
    let failed = checks.iter().filter(|check| !check.ok);
    failed.map(|check| check.name).collect()
}

/// A worker that runs these to their ends.
async fn work(bench: &Bench, world: &Arc<World>, ends: &[(RunId, RunState)]) {
    let worker = Working::start(bench, registry(world, quick()), quick_config());
    for &(run, state) in ends {
        bench.until(run, state).await;
    }
    worker.stop().await;
}

fn refusing(step: &str) -> Arc<World> {
    let world = World::new();
    world.script(step, &[Act::Fail(FailureKind::Rejected, "refused")]);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_run_leaves_the_hot_table_and_is_read_as_before() {
    let bench = Bench::new().await;
    let run = keyed(&bench, "a", &["one"]).await;
    work(&bench, &World::new(), &[(run, RunState::Completed)]).await;
    let before = bench.engine.run(run).await.expect("read").expect("there");
    let history = bench.kinds(run).await;
    bench.engine.shift_clock(2 * HOUR).await.expect("shift");
    assert_eq!(bench.engine.keep_house().await.expect("keep"), 1);
    assert_eq!(hot(&bench).await, 0);

    let after = bench.engine.run(run).await.expect("read").expect("there");
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
    assert_eq!(bench.kinds(run).await, history);
    let by_key = bench.engine.runs_by_key("a").await.expect("read");
    assert_eq!(by_key[0].id, run);
    let filter = RunFilter::default();
    let listed = bench
        .engine
        .runs_after(&filter, None, 10)
        .await
        .expect("list")
        .runs;
    assert_eq!(listed[0].id, run);
    let counts = count_by_state(bench.engine.pool()).await.expect("counts");
    assert_eq!(counts, [(RunState::Completed, 1)]);
    assert_eq!(complaints(&bench).await, ["clock_shift"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_a_moved_run_is_answered_with_its_true_state() {
    let bench = Bench::new().await;
    let cancelled = keyed(&bench, "a", &["one"]).await;
    sql(
        &bench,
        "update leadrail.workflow_run set state = 'cancelled', due_at = null",
    )
    .await;
    bench.engine.shift_clock(2 * HOUR).await.expect("shift");
    assert_eq!(bench.engine.keep_house().await.expect("keep"), 1);
    let mut other = new_run("a", &["one"]);
    other.fingerprint = "other".to_owned();
    let again = [new_run("a", &["one"]), other];
    let answers = bench.engine.enqueue(&again).await.expect("enqueue");
    assert_eq!(answers[0].outcome, Outcome::Duplicate);
    assert_eq!(answers[1].outcome, Outcome::Conflict);
    for answer in answers {
        assert_eq!(
            (answer.run_id, answer.state),
            (cancelled, RunState::Cancelled)
        );
    }
    assert_eq!(hot(&bench).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lives_or_waits_for_a_person_or_ended_just_now_stays() {
    let bench = Bench::new().await;
    let dead = keyed(&bench, "dead", &["no"]).await;
    let done = keyed(&bench, "done", &["yes"]).await;
    let ends = [(dead, RunState::Dead), (done, RunState::Completed)];
    work(&bench, &refusing("no"), &ends).await;
    keyed(&bench, "queued", &["later"]).await;
    bench
        .engine
        .shift_clock(HOUR - 2 * HOUR / 60)
        .await
        .expect("shift");
    assert_eq!(bench.engine.keep_house().await.expect("keep"), 0);
    // How long is a setting that people can read and change.
    sql(
        &bench,
        "update leadrail.retention set ended_after = interval '30 minutes'",
    )
    .await;
    assert_eq!(bench.engine.keep_house().await.expect("keep"), 1);
    bench.engine.shift_clock(DAY).await.expect("shift");
    assert_eq!(bench.engine.keep_house().await.expect("keep"), 0);
    assert_eq!(hot(&bench).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_move_at_once_move_every_run_once() {
    let bench = Bench::new().await;
    sql(
        &bench,
        "insert into leadrail.workflow_run (id, state, changed_at, created_at, workflow, input)
         select leadrail.uuid_v7(leadrail.now() - interval '3 hours'), 'completed',
                leadrail.now() - interval '2 hours', leadrail.now() - interval '3 hours', 'w', '1'
         from generate_series(1, 5000)",
    )
    .await;
    sql(
        &bench,
        "insert into leadrail.workflow_run (id, due_at, workflow, input)
         select leadrail.uuid_v7(leadrail.now() - interval '3 hours'), leadrail.now(), 'w', '1'
         from generate_series(1, 5000)",
    )
    .await;
    let movers = (0..6).map(|_| {
        let engine = bench.engine.clone();
        tokio::spawn(async move { Engine::keep_house(&engine).await.expect("keep") })
    });
    let moved: u32 = futures::future::join_all(movers)
        .await
        .into_iter()
        .map(|each| each.expect("a mover"))
        .sum();
    // One that finds another at it leaves; the rest of the round is anybody's.
    let rest = bench.engine.keep_house().await.expect("keep");
    let last = bench.engine.keep_house().await.expect("keep");
    assert_eq!(moved + rest + last, 5_000);
    assert_eq!(hot(&bench).await, 5_000);
    assert_eq!(
        counted(&bench, "select count(*) from leadrail.ended_run").await,
        5_000
    );
    assert_eq!(complaints(&bench).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_moves_ended_runs_by_itself() {
    let bench = Bench::new().await;
    let run = keyed(&bench, "a", &["one"]).await;
    work(&bench, &World::new(), &[(run, RunState::Completed)]).await;
    bench.engine.shift_clock(2 * HOUR).await.expect("shift");
    let config = WorkerConfig {
        name: "keeper".to_owned(),
        ..quick_config()
    };
    let worker = Working::start(&bench, registry(&World::new(), quick()), config);
    let moved = async {
        while hot(&bench).await > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let moved = tokio::time::timeout(Duration::from_secs(20), moved).await;
    moved.expect("the run leaves the hot table");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_day_is_dropped_and_what_waits_for_a_person_is_kept() {
    let bench = Bench::new().await;
    let done = keyed(&bench, "done", &["yes"]).await;
    let dead = keyed(&bench, "dead", &["no"]).await;
    let ends = [(dead, RunState::Dead), (done, RunState::Completed)];
    work(&bench, &refusing("no"), &ends).await;
    let story = bench.kinds(dead).await;
    bench.engine.shift_clock(2 * HOUR).await.expect("shift");
    assert_eq!(bench.engine.keep_house().await.expect("keep"), 1);
    bench.engine.shift_clock(402 * DAY).await.expect("shift");
    bench.engine.keep_house().await.expect("keep");

    assert!(bench.engine.run(done).await.expect("read").is_none());
    assert!(bench.kinds(done).await.is_empty());
    assert_eq!(bench.kinds(dead).await, story);
    assert_eq!(complaints(&bench).await, ["clock_shift"]);
    // The key outlives the run.
    let again = bench.engine.enqueue(&[new_run("done", &["yes"])]).await;
    let again = &again.expect("enqueue")[0];
    assert_eq!(
        (again.run_id, again.outcome, again.state),
        (done, Outcome::Duplicate, RunState::Completed)
    );
    // A person decides: it goes on from its last checkpoint, and is forgotten a retention later.
    assert!(bench.engine.revive(dead, "ann").await.expect("revive"));
    work(&bench, &World::new(), &[(dead, RunState::Completed)]).await;
    bench.engine.shift_clock(2 * HOUR).await.expect("shift");
    assert_eq!(bench.engine.keep_house().await.expect("keep"), 1);
    assert!(bench.engine.run(dead).await.expect("read").is_some());
    assert_eq!(complaints(&bench).await, ["clock_shift"]);
    bench.engine.shift_clock(402 * DAY).await.expect("shift");
    bench.engine.keep_house().await.expect("keep");
    assert!(bench.engine.run(dead).await.expect("read").is_none());
    assert!(bench.kinds(dead).await.is_empty());
    assert_eq!(complaints(&bench).await, ["clock_shift"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_somebody_elses_is_partitioned_and_forgotten_with_its_runs() {
    let bench = Bench::new().await;
    sql(
        &bench,
        "create table leadrail.note (run uuid primary key) partition by range (run)",
    )
    .await;
    sql(
        &bench,
        "create table leadrail.note_default partition of leadrail.note default",
    )
    .await;
    sql(
        &bench,
        "insert into leadrail.dated_table (name, id_column, days) values ('note', 'run', 7)",
    )
    .await;
    bench.engine.make_partitions().await.expect("made");
    let done = keyed(&bench, "done", &["yes"]).await;
    let dead = keyed(&bench, "dead", &["no"]).await;
    sql(
        &bench,
        "insert into leadrail.note (run) select id from leadrail.workflow_run",
    )
    .await;
    let by_default = "select count(*) from leadrail.note_default";
    assert_eq!(counted(&bench, by_default).await, 0);
    let ends = [(dead, RunState::Dead), (done, RunState::Completed)];
    work(&bench, &refusing("no"), &ends).await;
    bench.engine.shift_clock(2 * HOUR).await.expect("shift");
    bench.engine.keep_house().await.expect("keep");
    let notes = "select count(*) from leadrail.note";
    assert_eq!(counted(&bench, notes).await, 2);
    // The day of a run is dropped before its week is: six days later at most the note goes too.
    bench.engine.shift_clock(408 * DAY).await.expect("shift");
    bench.engine.keep_house().await.expect("keep");
    assert_eq!(counted(&bench, notes).await, 1, "what waits is kept");
    assert_eq!(counted(&bench, by_default).await, 1);
    assert_eq!(complaints(&bench).await, ["clock_shift"]);
    assert!(
        bench
            .engine
            .revive(dead, "a person")
            .await
            .expect("revived")
    );
    work(&bench, &World::new(), &[(dead, RunState::Completed)]).await;
    bench.engine.shift_clock(2 * HOUR).await.expect("shift");
    bench.engine.keep_house().await.expect("keep");
    bench.engine.shift_clock(402 * DAY).await.expect("shift");
    bench.engine.keep_house().await.expect("keep");
    assert_eq!(counted(&bench, notes).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_for_ever_drops_nothing() {
    let bench = Bench::new().await;
    sql(&bench, "update leadrail.retention set history_for = null").await;
    bench.engine.shift_clock(5_000 * DAY).await.expect("shift");
    let days = "select count(*) from leadrail.history_partition";
    let before = counted(&bench, days).await;
    bench.engine.keep_house().await.expect("keep");
    assert_eq!(counted(&bench, days).await, before + 15);
}

#[tokio::test]
async fn every_column_of_a_head_moves_with_it() {
    let bench = Bench::new().await;
    let odd: Vec<String> = sqlx::query_scalar(
        "with head as (
             select column_name::text as name, data_type from information_schema.columns
             where table_schema = 'leadrail' and table_name = 'workflow_run' and column_name not in ('due_at', 'asleep')
         ), ended as (
             select column_name::text as name, data_type from information_schema.columns
             where table_schema = 'leadrail' and table_name = 'ended_run'
         )
         select coalesce(h.name, e.name) from head h full join ended e using (name, data_type)
         where h.name is null or e.name is null",
    )
    .fetch_all(bench.engine.pool())
    .await
    .expect("columns");
    assert_eq!(odd, [""; 0]);
}
