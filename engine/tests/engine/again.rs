//! Revive, restart and try now; continuing as new; what a run shows of itself.

use crate::kit::{Act, AnyChild, Bench, Working, World, quick, quick_config, registry, step, told};
use leadrail_engine::{
    FailureKind, HistoryKind, NewRun, Outcome, Registry, Restarted, RunId, RunState,
};
use serde_json::{Value, json};

#[tokio::test]
async fn try_now_uses_up_no_attempt() {
    let bench = Bench::new().await;
    let world = World::new();
    let failing = vec![Act::Fail(FailureKind::NotDone, "http_503"); 12];
    world.script("only", &failing);
    let run = bench.enqueue(&["only"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    let first = bench.until(run, RunState::Retrying).await;
    for hurried in 2..=4 {
        assert!(bench.engine.try_now(run).await.unwrap());
        let again = bench
            .until_that(
                run,
                |view| view.starts == hurried && view.state == RunState::Retrying,
                "retrying again",
            )
            .await;
        assert_eq!(
            again.attempt, first.attempt,
            "the schedule stands where it stood"
        );
    }
    assert!(!bench.engine.try_now(RunId::new()).await.unwrap());
    worker.stop().await;
}

#[tokio::test]
async fn restart_from_an_activity_keeps_what_came_before_and_looks_before_it_makes_again() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("c", &[Act::Fail(FailureKind::Rejected, "http_422")]);
    let run = bench.enqueue(&["a", "b", "c"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    bench.until(run, RunState::Dead).await;
    let engine = &bench.engine;
    assert_eq!(
        engine.restart(run, Some("nothing")).await.unwrap(),
        Restarted::NoSuchActivity
    );
    assert_eq!(
        engine.restart(run, Some("step#2")).await.unwrap(),
        Restarted::Restarted
    );
    bench.until(run, RunState::Completed).await;
    // What `b` had made is found, not made again.
    assert_eq!(
        (
            world.executions("a"),
            world.executions("b"),
            world.executions("c")
        ),
        (1, 1, 2)
    );
    for each in ["a", "b", "c"] {
        assert_eq!(world.effects(each), 1, "{each}");
    }
    assert_eq!(
        engine.restart(run, None).await.unwrap(),
        Restarted::NotRestartable
    );
    assert_eq!(
        engine.restart(RunId::new(), None).await.unwrap(),
        Restarted::Unknown
    );
    let checks = engine.check_invariants().await.unwrap();
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    worker.stop().await;
}

#[tokio::test]
async fn an_effect_that_a_person_removed_is_made_again_by_a_restart() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("b", &[Act::Fail(FailureKind::Rejected, "http_422")]);
    let run = bench.enqueue(&["a", "b"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    bench.until(run, RunState::Dead).await;
    world.books.lock().unwrap().clear();
    assert_eq!(
        bench.engine.restart(run, None).await.unwrap(),
        Restarted::Restarted
    );
    bench.until(run, RunState::Completed).await;
    assert_eq!((world.effects("a"), world.effects("b")), (1, 1));
    assert_eq!(world.executions("a"), 2);
    worker.stop().await;
}

#[tokio::test]
async fn reviving_is_for_dead_letters_and_trying_now_for_parked_runs() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("dead", &[Act::Fail(FailureKind::Rejected, "http_422")]);
    world.script("late", &[Act::Fail(FailureKind::NotDone, "http_503")]);
    let dead = bench.enqueue(&["dead"]).await;
    let late = bench.enqueue(&["late"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    bench.until(dead, RunState::Dead).await;
    bench.until(late, RunState::Retrying).await;
    let engine = &bench.engine;
    assert!(!engine.try_now(dead).await.unwrap());
    assert!(!engine.revive(late, "ann").await.unwrap());
    assert!(engine.revive(dead, "ann").await.unwrap());
    assert!(engine.try_now(late).await.unwrap());
    for run in [dead, late] {
        bench.until(run, RunState::Completed).await;
        assert!(!engine.revive(run, "ann").await.unwrap());
        assert!(!engine.try_now(run).await.unwrap());
    }
    worker.stop().await;
}

#[tokio::test]
async fn a_run_that_continues_as_new_keeps_its_key_and_loses_no_signal() {
    let bench = Bench::new().await;
    let rounds = Registry::new().with(told(|ctx, left| async move {
        ctx.signal::<Value>("tick").await?;
        match left.as_u64().unwrap_or(0) {
            0 => Ok(json!("over")),
            // The workflow's own type is a closure's; any of this name and shape will do.
            left => ctx.continue_as_new::<AnyChild>(&json!(left - 1)),
        }
    }));
    let new = NewRun {
        workflow: "told".to_owned(),
        input: "4".to_owned(),
        ..NewRun::of::<AnyChild>(&Value::Null)
            .unwrap()
            .keyed("tenant", "key")
    };
    let first = bench
        .engine
        .enqueue(std::slice::from_ref(&new))
        .await
        .unwrap()[0]
        .run_id;
    for tick in 0..5 {
        bench
            .engine
            .signal(first, "tick", &tick, None)
            .await
            .unwrap();
    }
    let worker = Working::start(&bench, rounds, quick_config());
    bench.until(first, RunState::Completed).await;
    let last = loop {
        let found = bench.engine.runs_by_key("key").await.unwrap();
        assert_eq!(found.len(), 1, "one run a key");
        let input = &found[0].input;
        if *input == json!(0) {
            break found[0].id;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(bench.output(last).await, json!("over"));
    let again = bench.engine.enqueue(&[new]).await.unwrap();
    assert_eq!(
        (again[0].outcome, again[0].run_id),
        (Outcome::Duplicate, last)
    );
    let checks = bench.engine.check_invariants().await.unwrap();
    assert!(checks.iter().all(|check| check.ok), "{checks:?}");
    worker.stop().await;
}

#[tokio::test]
async fn what_a_run_publishes_is_seen_while_it_lives_and_written_once() {
    let bench = Bench::new().await;
    let world = World::new();
    let step = step(&world);
    let shown = Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            ctx.publish("progress", &json!({ "done": 0 }))?;
            ctx.activity(&*step, &"one".to_owned()).await?;
            ctx.publish("progress", &json!({ "done": 1 }))?;
            ctx.signal::<Value>("go").await
        }
    }));
    let run = bench.tell(Value::Null).await;
    assert_eq!(bench.engine.query(run, "progress").await.unwrap(), None);
    let worker = Working::start(&bench, shown, quick_config());
    bench.until(run, RunState::Waiting).await;
    assert_eq!(
        bench.engine.query(run, "progress").await.unwrap(),
        Some(json!({ "done": 1 }))
    );
    assert_eq!(bench.engine.query(run, "progres").await.unwrap(), None);
    bench.engine.signal(run, "go", &1, None).await.unwrap();
    bench.until(run, RunState::Completed).await;
    assert_eq!(bench.count(run, HistoryKind::StatePublished).await, 2);
    worker.stop().await;
}
