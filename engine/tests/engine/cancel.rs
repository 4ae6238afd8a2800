//! Cancellation: cooperative, with clean-up, and never with an effect left half known.

use crate::kit::{Act, Bench, Working, World, quick_config, step, told};
use leadrail_engine::{Cancelled, FailureKind, HistoryKind, Registry, RunId, RunState};
use serde_json::{Value, json};
use std::sync::Arc;

/// Two steps, a wait between them, and a clean-up when told to stop.
fn careful(world: &Arc<World>) -> Registry {
    let step = step(world);
    Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            let story = async {
                ctx.activity(&*step, &"first".to_owned()).await?;
                ctx.signal::<Value>("go").await?;
                ctx.activity(&*step, &"second".to_owned()).await
            };
            match story.await {
                Err(error) if error.is_cancelled() => {
                    let ctx = ctx.clean_up();
                    ctx.activity(&*step, &"undo first".to_owned()).await?;
                    Err(error)
                }
                Ok(_) => Ok(json!("done")),
                Err(error) => Err(error),
            }
        }
    }))
}

#[tokio::test]
async fn a_run_that_waits_is_told_at_once_and_cleans_up() {
    let bench = Bench::new().await;
    let world = World::new();
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, careful(&world), quick_config());
    bench.until(run, RunState::Waiting).await;
    assert_eq!(
        bench
            .engine
            .cancel(run, "the customer called back")
            .await
            .unwrap(),
        Cancelled::Asked
    );
    bench.until(run, RunState::Cancelled).await;
    assert_eq!(
        (world.effects("second"), world.effects("undo first")),
        (0, 1)
    );
    assert_eq!(bench.count(run, HistoryKind::CancelRequested).await, 1);
    assert_eq!(
        bench.engine.cancel(run, "again").await.unwrap(),
        Cancelled::Ended
    );
    worker.stop().await;
}

#[tokio::test]
async fn a_clean_up_that_must_retry_resumes_as_a_clean_up() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("undo first", &[Act::Fail(FailureKind::NotDone, "http_503")]);
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, careful(&world), quick_config());
    bench.until(run, RunState::Waiting).await;
    bench.engine.cancel(run, "stop").await.unwrap();
    bench.until(run, RunState::Retrying).await;
    bench.pass(60).await;
    bench.until(run, RunState::Cancelled).await;
    assert_eq!(
        (world.effects("second"), world.effects("undo first")),
        (0, 1)
    );
    worker.stop().await;
}

#[tokio::test]
async fn a_run_that_never_began_is_cancelled_without_a_worker() {
    let bench = Bench::new().await;
    let run = bench.tell(Value::Null).await;
    assert_eq!(
        bench.engine.cancel(run, "typo").await.unwrap(),
        Cancelled::Cancelled
    );
    bench.until(run, RunState::Cancelled).await;
    assert_eq!(bench.kinds(run).await, [HistoryKind::RunCancelled]);
    assert_eq!(
        bench.engine.cancel(RunId::new(), "nobody").await.unwrap(),
        Cancelled::Unknown
    );
}

#[tokio::test]
async fn a_dead_letter_is_cancelled_at_once_and_for_good() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("first", &[Act::Fail(FailureKind::Rejected, "http_422")]);
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, careful(&world), quick_config());
    bench.until(run, RunState::Dead).await;
    assert_eq!(
        bench.engine.cancel(run, "spam").await.unwrap(),
        Cancelled::Cancelled
    );
    bench.until(run, RunState::Cancelled).await;
    assert!(
        !bench.engine.revive(run, "ann").await.unwrap(),
        "a cancelled letter stays cancelled"
    );
    let checks = bench.engine.check_invariants().await.unwrap();
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    worker.stop().await;
}

#[tokio::test]
async fn a_run_at_work_is_told_at_its_next_call() {
    let bench = Bench::new().await;
    let world = World::new();
    let step = step(&world);
    let endless = Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            loop {
                ctx.activity(&*step, &"again".to_owned()).await?;
            }
        }
    }));
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, endless, quick_config());
    bench
        .until_that(run, |_| world.executions("again") > 3, "at work")
        .await;
    assert_eq!(
        bench.engine.cancel(run, "enough").await.unwrap(),
        Cancelled::Asked
    );
    bench.until(run, RunState::Cancelled).await;
    assert_eq!(world.effects("again"), world.executions("again"));
    worker.stop().await;
}

#[tokio::test]
async fn an_effect_that_may_exist_is_looked_for_before_the_run_stops() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script(
        "first",
        &[Act::EffectThen(FailureKind::Ambiguous, "timeout")],
    );
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, careful(&world), quick_config());
    bench.until(run, RunState::Retrying).await;
    bench.engine.cancel(run, "stop").await.unwrap();
    bench.until(run, RunState::Cancelled).await;
    let history = bench.engine.history(run).await.unwrap();
    let found = history.iter().any(|event| {
        event.kind == HistoryKind::ActivityCompleted
            && event
                .payload
                .as_ref()
                .is_some_and(|payload| payload["source"] == "reconciled")
    });
    assert!(found, "{history:#?}");
    assert_eq!(
        (world.effects("first"), world.effects("undo first")),
        (1, 1)
    );
    worker.stop().await;
}
