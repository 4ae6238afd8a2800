//! Effects that must happen once: intents, looks, and what nobody can know.

use crate::kit::{Act, Bench, Working, World, quick, quick_config, registry};
use leadrail_engine::{ActivityOptions, Event, FailureKind, HistoryKind, RunState};
use std::sync::Arc;
use std::time::Duration;

const LOST_ANSWER: Act = Act::EffectThen(FailureKind::Ambiguous, "timeout");

/// Runs these steps with one failure on the way, which the clock is moved past.
async fn with_one_failure(world: &Arc<World>, steps: &[&str]) -> Vec<Event> {
    let bench = Bench::new().await;
    let run = bench.enqueue(steps).await;
    let worker = Working::start(&bench, registry(world, quick()), quick_config());
    bench.pass_first_retry(run).await;
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
    bench.engine.history(run).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_whose_answer_was_lost_is_found_and_not_made_again() {
    let world = World::new();
    world.script("create", &[LOST_ANSWER]);
    let history = with_one_failure(&world, &["create", "next"]).await;
    assert_eq!(
        (world.effects("create"), world.executions("create")),
        (1, 1)
    );
    let adopted = history.iter().any(|event| {
        event.kind == HistoryKind::ActivityCompleted
            && event.payload.as_ref().unwrap()["source"] == "reconciled"
    });
    assert!(adopted, "{history:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_did_not_happen_is_made_after_the_look() {
    let world = World::new();
    world.script("create", &[Act::Fail(FailureKind::Ambiguous, "http_500")]);
    with_one_failure(&world, &["create"]).await;
    assert_eq!(
        (world.effects("create"), world.executions("create")),
        (1, 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_fails_proves_nothing_so_nothing_is_made() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("create", &[LOST_ANSWER]);
    *world.looks.lock().unwrap() = vec![Act::Fail(FailureKind::NotDone, "http_503"); 3];
    let run = bench.enqueue(&["create"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    for starts in 1..=4 {
        let parked = |view: &leadrail_engine::RunView| {
            view.state == RunState::Retrying && view.starts == starts
        };
        bench.until_that(run, parked, "retrying").await;
        bench.pass(4_300).await;
    }
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
    assert_eq!(
        (world.effects("create"), world.executions("create")),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_look_waits_until_the_effect_would_have_shown() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("create", &[LOST_ANSWER]);
    let run = bench.enqueue(&["create"]).await;
    let slow = ActivityOptions {
        timeout: Duration::from_millis(300),
        settle: Duration::from_secs(3_600),
        ..quick()
    };
    let worker = Working::start(&bench, registry(&world, slow), quick_config());
    let view = bench.until(run, RunState::Retrying).await;
    worker.stop().await;
    let wait = (view.due_at.unwrap() - view.changed_at).num_seconds();
    assert!(
        (3_599..3_602).contains(&wait),
        "30 s of the schedule give way to the settle time: {wait}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_of_unknown_outcome_is_looked_up_when_revived() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("create", &[LOST_ANSWER]);
    *world.looks.lock().unwrap() = vec![Act::Fail(FailureKind::Rejected, "auth")];
    let run = bench.enqueue(&["create"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    bench.pass_first_retry(run).await;
    bench.until(run, RunState::Dead).await;
    assert!(bench.engine.revive(run, "ann").await.unwrap());
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
    assert_eq!(
        (world.effects("create"), world.executions("create")),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_intent_is_committed_before_the_effect_and_the_checkpoint_before_the_next_intent() {
    let bench = Bench::new().await;
    let world = World::new();
    let run = bench.enqueue(&["a", "b"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
    use HistoryKind::{ActivityCompleted, ActivityStarted, RunCompleted, RunStarted};
    let expected = [
        RunStarted,
        ActivityStarted,
        ActivityCompleted,
        ActivityStarted,
        ActivityCompleted,
        RunCompleted,
    ];
    assert_eq!(bench.kinds(run).await, expected);
    let history = bench.engine.history(run).await.unwrap();
    assert_eq!(history[2].at, history[3].at, "they shared one commit");
}
