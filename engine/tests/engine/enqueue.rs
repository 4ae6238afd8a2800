//! Once per key, and only if the caller's transaction commits.

use crate::kit::{Bench, Story};
use leadrail_engine::{Engine, Enqueued, LARGEST_VALUE, NewRun, NotEnqueued, Outcome};
use std::collections::HashSet;
use std::slice;

fn run(key: &str, fingerprint: &str) -> NewRun {
    let mut run = NewRun::of::<Story>(&vec!["a".to_owned()])
        .unwrap()
        .keyed("tenant", key);
    run.fingerprint = fingerprint.to_owned();
    run
}

async fn runs_in(bench: &Bench) -> i64 {
    sqlx::query_scalar("select count(*) from leadrail.workflow_run")
        .fetch_one(bench.engine.pool())
        .await
        .unwrap()
}

/// Enqueues as a caller does who is told that all sessions are in use: again.
async fn patiently(engine: &Engine, run: NewRun) -> Enqueued {
    loop {
        match engine.enqueue(slice::from_ref(&run)).await {
            Ok(mut answers) => return answers.remove(0),
            Err(sqlx::Error::PoolTimedOut) => {}
            Err(error) => panic!("not enqueued: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_one_run_however_often_it_comes_at_once() {
    let bench = Bench::new().await;
    let attempts = (0..100).map(|_| {
        let engine = bench.engine.clone();
        tokio::spawn(async move { patiently(&engine, run("k", "f")).await })
    });
    let answers = futures::future::join_all(attempts).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let ids: HashSet<_> = answers.iter().map(|answer| answer.run_id).collect();
    let created = answers
        .iter()
        .filter(|answer| answer.outcome == Outcome::Created)
        .count();
    assert_eq!((ids.len(), created, runs_in(&bench).await), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_body_under_the_same_key_is_a_conflict_and_changes_nothing() {
    let bench = Bench::new().await;
    let first = bench.engine.enqueue(&[run("k", "f")]).await.unwrap();
    let second = bench.engine.enqueue(&[run("k", "g")]).await.unwrap();
    assert_eq!(second[0].outcome, Outcome::Conflict);
    assert_eq!(second[0].run_id, first[0].run_id);
    assert_eq!(second[0].fingerprint, "f");
    assert_eq!(runs_in(&bench).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_answers_each_item_in_order_even_with_repeats_inside() {
    let bench = Bench::new().await;
    bench.engine.enqueue(&[run("old", "f")]).await.unwrap();
    let batch = [
        run("b", "f"),
        run("old", "f"),
        run("a", "f"),
        run("b", "f"),
        run("a", "other"),
    ];
    let answers = bench.engine.enqueue(&batch).await.unwrap();
    let outcomes: Vec<_> = answers.iter().map(|answer| answer.outcome).collect();
    use Outcome::{Conflict, Created, Duplicate};
    assert_eq!(outcomes, [Created, Duplicate, Created, Duplicate, Conflict]);
    assert_eq!(answers[0].run_id, answers[3].run_id);
    assert_eq!(runs_in(&bench).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_of_two_tenants_makes_two_runs() {
    let bench = Bench::new().await;
    let mut other = run("k", "f");
    other.scope = "somebody else".to_owned();
    let answers = bench.engine.enqueue(&[run("k", "f"), other]).await.unwrap();
    assert!(
        answers
            .iter()
            .all(|answer| answer.outcome == Outcome::Created)
    );
    assert_ne!(answers[0].run_id, answers[1].run_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_back_transaction_leaves_nothing() {
    let bench = Bench::new().await;
    let mut transaction = bench.engine.pool().begin().await.unwrap();
    Engine::enqueue_in(&mut transaction, &[run("k", "f")])
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(runs_in(&bench).await, 0);
    let again = bench.engine.enqueue(&[run("k", "g")]).await.unwrap();
    assert_eq!(again[0].outcome, Outcome::Created);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_share_a_commit_get_their_own_answers_and_one_that_is_refused_harms_no_other() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    engine.enqueue(&[run("old", "f")]).await.unwrap();
    let mut bad = run("bad", "f");
    bad.priority = 12;
    let mut large = run("large", "f");
    large.input = format!("\"{}\"", "x".repeat(LARGEST_VALUE));
    let runs = [
        run("new", "f"),
        run("old", "f"),
        bad,
        run("old", "other"),
        large,
        run("new", "f"),
    ];
    let answers = futures::future::join_all(runs.map(|run| engine.enqueue_shared(run))).await;
    let outcomes: Vec<_> = answers
        .iter()
        .map(|answer| answer.as_ref().map(|there| there.outcome))
        .collect();
    let expected = [
        Ok(Outcome::Created),
        Ok(Outcome::Duplicate),
        Err(&NotEnqueued::Refused),
        Ok(Outcome::Conflict),
        Err(&NotEnqueued::Refused),
        Ok(Outcome::Duplicate),
    ];
    assert_eq!(outcomes, expected);
    let id = |nth: usize| answers[nth].as_ref().unwrap().run_id;
    assert_eq!((id(0), id(1)), (id(5), id(3)));
    assert_eq!(runs_in(&bench).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_told_from_one_that_refuses() {
    let bench = Bench::new().await;
    bench.engine.pool().close().await;
    let answer = bench.engine.enqueue_shared(run("k", "f")).await;
    assert_eq!(answer, Err(NotEnqueued::Unavailable));
}
