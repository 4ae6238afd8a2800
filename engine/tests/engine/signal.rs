//! Signals: kept until asked for, taken once, in order, never lost between look and park.

use crate::kit::{Bench, Working, World, quick_config, step, told};
use leadrail_engine::{HistoryKind, LARGEST_VALUE, Registry, RunId, RunState, Sent};
use serde_json::{Value, json};
use std::time::Duration;

fn two_signals() -> Registry {
    Registry::new().with(told(|ctx, _| async move {
        let first: Value = ctx.signal("news").await?;
        let second: Value = ctx.signal("news").await?;
        Ok(json!([first, second]))
    }))
}

#[tokio::test]
async fn signals_come_in_the_order_sent_whether_before_or_after_the_run_asks() {
    let bench = Bench::new().await;
    let run = bench.tell(Value::Null).await;
    let sent = bench.engine.signal(run, "news", &1, None).await.unwrap();
    assert_eq!(sent, Sent::Sent);
    let worker = Working::start(&bench, two_signals(), quick_config());
    bench.until(run, RunState::Waiting).await;
    bench.engine.signal(run, "other", &7, None).await.unwrap();
    bench.engine.signal(run, "news", &2, None).await.unwrap();
    assert_eq!(bench.output(run).await, json!([1, 2]));
    worker.stop().await;
}

#[tokio::test]
async fn two_signals_sent_before_the_run_asks_are_both_taken_once() {
    let bench = Bench::new().await;
    let run = bench.tell(Value::Null).await;
    for value in [1, 2] {
        bench
            .engine
            .signal(run, "news", &value, None)
            .await
            .unwrap();
    }
    let worker = Working::start(&bench, two_signals(), quick_config());
    assert_eq!(bench.output(run).await, json!([1, 2]));
    worker.stop().await;
}

#[tokio::test]
async fn the_same_key_again_is_the_same_signal() {
    let bench = Bench::new().await;
    let run = bench.tell(Value::Null).await;
    let engine = &bench.engine;
    assert_eq!(
        engine.signal(run, "news", &1, Some("a")).await.unwrap(),
        Sent::Sent
    );
    assert_eq!(
        engine.signal(run, "news", &9, Some("a")).await.unwrap(),
        Sent::Duplicate
    );
    let worker = Working::start(&bench, two_signals(), quick_config());
    bench.until(run, RunState::Waiting).await;
    assert_eq!(
        engine.signal(run, "news", &9, Some("a")).await.unwrap(),
        Sent::Duplicate
    );
    assert_eq!(
        engine.signal(run, "news", &2, Some("b")).await.unwrap(),
        Sent::Sent
    );
    assert_eq!(bench.output(run).await, json!([1, 2]));
    assert_eq!(
        engine.signal(run, "news", &3, None).await.unwrap(),
        Sent::Ended
    );
    assert_eq!(
        engine.signal(RunId::new(), "news", &3, None).await.unwrap(),
        Sent::Unknown
    );
    worker.stop().await;
}

#[tokio::test]
async fn a_limit_counts_from_when_the_run_first_asked() {
    let bench = Bench::new().await;
    let registry = Registry::new().with(told(|ctx, _| async move {
        let answer: Option<Value> = ctx
            .signal_within("answer", Duration::from_secs(3_600))
            .await?;
        Ok(json!(answer))
    }));
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, registry.clone(), quick_config());
    bench.until(run, RunState::Waiting).await;
    worker.stop().await;
    bench.pass(1_800).await;
    bench.engine.try_now(run).await.unwrap();
    let worker = Working::start(&bench, registry, quick_config());
    bench
        .until_that(
            run,
            |view| view.starts == 2 && view.state == RunState::Waiting,
            "waiting again",
        )
        .await;
    bench.pass(1_801).await;
    assert_eq!(bench.output(run).await, Value::Null);
    assert_eq!(bench.count(run, HistoryKind::SignalTimedOut).await, 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_payload_that_is_no_such_thing_ends_the_run_with_a_reason() {
    let bench = Bench::new().await;
    let registry = Registry::new().with(told(|ctx, _| async move {
        let number: u32 = ctx.signal("number").await?;
        Ok(json!(number))
    }));
    let run = bench.tell(Value::Null).await;
    bench
        .engine
        .signal(run, "number", &"<script>", None)
        .await
        .unwrap();
    let worker = Working::start(&bench, registry, quick_config());
    let dead = bench.until(run, RunState::Dead).await;
    assert_eq!(dead.reason.as_deref(), Some("invalid"));
    worker.stop().await;
}

#[tokio::test]
async fn hostile_names_and_huge_payloads_are_refused_or_kept_whole() {
    let bench = Bench::new().await;
    let run = bench.tell(Value::Null).await;
    let engine = &bench.engine;
    assert!(engine.signal(run, "", &1, None).await.is_err());
    assert!(
        engine
            .signal(run, &"x".repeat(201), &1, None)
            .await
            .is_err()
    );
    assert!(engine.signal(run, "nul", &"a\0b", None).await.is_err());
    let over = "x".repeat(LARGEST_VALUE);
    assert!(engine.signal(run, "news", &over, None).await.is_err());
    let huge = "x".repeat(LARGEST_VALUE - 2);
    engine.signal(run, "news", &huge, None).await.unwrap();
    engine
        .signal(run, "news", &"'; drop table leadrail.signal; --", None)
        .await
        .unwrap();
    let worker = Working::start(&bench, two_signals(), quick_config());
    let output = bench.output(run).await;
    assert_eq!(output[0].as_str().map(str::len), Some(huge.len()));
    worker.stop().await;
}

/// Every round sends while the run is somewhere between its look and its park.
#[tokio::test]
async fn no_signal_is_lost_between_look_and_park() {
    const RUNS: usize = 40;
    const EACH: usize = 5;
    let bench = Bench::new().await;
    let world = World::new();
    let step = step(&world);
    let registry = Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            let mut sum = 0;
            for _ in 0..EACH {
                sum += ctx.signal::<u64>("add").await?;
                ctx.activity(&*step, &"add".to_owned()).await?;
            }
            Ok(json!(sum))
        }
    }));
    let workers: Vec<_> = (0..2)
        .map(|_| Working::start(&bench, registry.clone(), quick_config()))
        .collect();
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        runs.push(bench.tell(Value::Null).await);
    }
    let sending = runs.iter().map(|run| async {
        for value in 0..EACH {
            bench
                .engine
                .signal(*run, "add", &value, None)
                .await
                .unwrap();
        }
    });
    futures::future::join_all(sending).await;
    for run in runs {
        assert_eq!(bench.output(run).await, json!(10));
        assert_eq!(bench.count(run, HistoryKind::SignalReceived).await, EACH);
    }
    assert_eq!(world.effects("add"), RUNS * EACH);
    for worker in workers {
        worker.stop().await;
    }
}
