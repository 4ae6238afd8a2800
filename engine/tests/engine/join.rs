//! Calls side by side: all go on, the run is put down only when all of them wait.

use crate::kit::{Act, Bench, Working, World, quick_config, step, told};
use leadrail_engine::{FailureKind, HistoryKind, Registry, RunState};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn two_branches(world: &Arc<World>) -> Registry {
    let step = step(world);
    Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            let branch = |first: &'static str, second: &'static str| {
                let (ctx, step) = (ctx.branch(), step.clone());
                async move {
                    ctx.activity(&*step, &first.to_owned()).await?;
                    ctx.activity(&*step, &second.to_owned()).await
                }
            };
            let (left, right) = ctx.join(branch("l1", "l2"), branch("r1", "r2")).await?;
            Ok(json!([left.0, right.0]))
        }
    }))
}

#[tokio::test]
async fn one_branch_finishes_while_the_other_waits_for_its_retry() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("l1", &[Act::Fail(FailureKind::NotDone, "http_503")]);
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, two_branches(&world), quick_config());
    bench.until(run, RunState::Retrying).await;
    assert_eq!((world.effects("r1"), world.effects("r2")), (1, 1));
    bench.pass(60).await;
    assert_eq!(bench.output(run).await, json!(["l2", "r2"]));
    for each in ["l1", "l2", "r1", "r2"] {
        assert_eq!(world.effects(each), 1, "{each}");
    }
    worker.stop().await;
}

#[tokio::test]
async fn a_branch_that_gives_up_lets_the_other_end_first() {
    let bench = Bench::new().await;
    let world = World::new();
    world.script("l1", &[Act::Fail(FailureKind::Rejected, "http_422")]);
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, two_branches(&world), quick_config());
    let dead = bench.until(run, RunState::Dead).await;
    assert_eq!(dead.reason.as_deref(), Some("http_422"));
    assert_eq!(world.effects("r2"), 1);
    assert_eq!(world.executions("l2"), 0);
    worker.stop().await;
}

#[tokio::test]
async fn the_earliest_of_several_waits_decides_when_the_run_is_due() {
    let bench = Bench::new().await;
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(
        &bench,
        Registry::new().with(told(|ctx, _| async move {
            let naps = [300, 60, 7_200].map(|secs| ctx.sleep(Duration::from_secs(secs)));
            let signal = ctx.signal::<Value>("go");
            let (naps, go) = ctx.join(ctx.join_all(naps), signal).await?;
            Ok(json!([naps.len(), go]))
        })),
        quick_config(),
    );
    let parked = bench.until(run, RunState::Waiting).await;
    let wait = parked.due_at.expect("due") - parked.changed_at;
    assert!((58..=60).contains(&wait.num_seconds()), "{wait}");
    bench.engine.signal(run, "go", &"now", None).await.unwrap();
    bench
        .until_that(
            run,
            |view| view.starts == 2 && view.state == RunState::Waiting,
            "waiting again",
        )
        .await;
    bench.pass(7_200).await;
    assert_eq!(bench.output(run).await, json!([3, "now"]));
    assert_eq!(bench.count(run, HistoryKind::TimerStarted).await, 3);
    worker.stop().await;
}

#[tokio::test]
async fn a_killed_run_with_branches_resumes_each_where_it_stood() {
    let bench = Bench::new().await;
    let world = World::new();
    // The worker is gone in the middle of both branches.
    world.script("l2", &[Act::Hang]);
    world.script("r2", &[Act::Hang]);
    let run = bench.tell(Value::Null).await;
    let mut config = quick_config();
    config.grace = Duration::from_millis(50);
    let worker = Working::start(&bench, two_branches(&world), config);
    bench
        .until_that(
            run,
            |_| world.executions("l2") == 1 && world.executions("r2") == 1,
            "in the middle",
        )
        .await;
    worker.stop().await;
    bench.pass(10).await;
    let worker = Working::start(&bench, two_branches(&world), quick_config());
    assert_eq!(bench.output(run).await, json!(["l2", "r2"]));
    for each in ["l1", "l2", "r1", "r2"] {
        assert_eq!(world.effects(each), 1, "{each}");
    }
    worker.stop().await;
}

#[tokio::test]
async fn calls_of_one_branch_that_overlap_are_refused_with_the_way_out() {
    let bench = Bench::new().await;
    let world = World::new();
    let step = step(&world);
    let shared = Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            let twice = |name: &'static str| {
                let (ctx, step) = (ctx.clone(), step.clone());
                async move {
                    ctx.activity(&*step, &name.to_owned()).await?;
                    ctx.activity(&*step, &name.to_owned()).await
                }
            };
            ctx.join(twice("l"), twice("r")).await?;
            Ok(Value::Null)
        }
    }));
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, shared, quick_config());
    let dead = bench.until(run, RunState::Dead).await;
    assert_eq!(dead.reason.as_deref(), Some("overlapping_calls"));
    let history = bench.engine.history(run).await.unwrap();
    let said = history.last().unwrap().payload.as_ref().unwrap()["message"].to_string();
    assert!(said.contains("ctx.branch()"), "{said}");
    worker.stop().await;
}

#[tokio::test]
async fn history_has_no_gap_when_branches_write_at_once() {
    let bench = Bench::new().await;
    let world = World::new();
    let step = step(&world);
    let wide = Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            let names: Vec<String> = (0..50).map(|n| format!("s{n}")).collect();
            let calls: Vec<_> = names
                .iter()
                .map(|name| ctx.activity(&*step, name))
                .collect();
            Ok(json!(ctx.join_all(calls).await?.len()))
        }
    }));
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, wide, quick_config());
    assert_eq!(bench.output(run).await, json!(50));
    let history = bench.engine.history(run).await.unwrap();
    let seqs: Vec<i32> = history.iter().map(|event| event.seq).collect();
    assert_eq!(
        seqs,
        (0..i32::try_from(seqs.len()).unwrap()).collect::<Vec<_>>()
    );
    assert_eq!(seqs.len(), 102);
    worker.stop().await;
}
