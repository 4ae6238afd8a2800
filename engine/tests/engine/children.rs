//! Children: started once, waited for in the database, cancelled with their parent unless detached.

use crate::kit::{AnyChild, Bench, Working, World, child, quick_config, step, told};
use leadrail_engine::{
    Cancelled, ChildOptions, HistoryKind, Registry, RunFilter, RunState, RunView, WorkflowError,
};
use serde_json::{Value, json};

fn doubler() -> Registry {
    Registry::new().with(child(|_, input| async move {
        match input.as_i64() {
            Some(number) => Ok(json!(number * 2)),
            None => Err(WorkflowError::new(
                "no_number",
                "only numbers can be doubled",
            )),
        }
    }))
}

async fn children(bench: &Bench) -> Vec<RunView> {
    let filter = RunFilter {
        workflow: Some("child".to_owned()),
        ..RunFilter::default()
    };
    bench
        .engine
        .runs_after(&filter, None, 100)
        .await
        .expect("list")
        .runs
}

#[tokio::test]
async fn a_parent_gets_the_outputs_of_its_children_each_started_once() {
    let bench = Bench::new().await;
    let registry = doubler().with(told(|ctx, _| async move {
        let (one, two) = (json!(1), json!(2));
        let (first, second) = ctx
            .join(ctx.child::<AnyChild>(&one), ctx.child::<AnyChild>(&two))
            .await?;
        let third = ctx.child::<AnyChild>(&json!(3)).await?;
        Ok(json!([first, second, third]))
    }));
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, registry, quick_config());
    assert_eq!(bench.output(run).await, json!([2, 4, 6]));
    assert_eq!(children(&bench).await.len(), 3);
    worker.stop().await;
}

#[tokio::test]
async fn a_childs_end_reaches_the_parent_with_its_reason() {
    let bench = Bench::new().await;
    let registry = doubler().with(told(|ctx, _| async move {
        match ctx.child::<AnyChild>(&json!("x")).await {
            Err(error) => Ok(json!(error.reason)),
            Ok(value) => Ok(value),
        }
    }));
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, registry, quick_config());
    assert_eq!(bench.output(run).await, json!("no_number"));
    worker.stop().await;
}

#[tokio::test]
async fn cancelling_a_parent_cancels_the_child_it_waits_for_but_no_detached_one() {
    let bench = Bench::new().await;
    let registry = Registry::new()
        .with(child(
            |ctx, _| async move { ctx.signal::<Value>("never").await },
        ))
        .with(told(|ctx, _| async move {
            let alone = ChildOptions {
                detached: true,
                lane: Some("alone".into()),
                ..ChildOptions::default()
            };
            ctx.start_child::<AnyChild>(&json!("alone"), alone).await?;
            ctx.child::<AnyChild>(&json!("mine")).await
        }));
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, registry, quick_config());
    bench
        .until_that(
            run,
            |view| view.reason.as_deref() == Some("child"),
            "waiting for its child",
        )
        .await;
    let born = children(&bench).await;
    assert_eq!(born.len(), 2);
    for child in &born {
        bench.until(child.id, RunState::Waiting).await;
    }
    assert_eq!(
        bench.engine.cancel(run, "enough").await.unwrap(),
        Cancelled::Asked
    );
    bench.until(run, RunState::Cancelled).await;
    for child in born {
        let expected = if child.lane == "alone" {
            RunState::Waiting
        } else {
            RunState::Cancelled
        };
        bench.until(child.id, expected).await;
    }
    worker.stop().await;
}

#[tokio::test]
async fn a_child_of_a_killed_parent_is_not_started_again() {
    let bench = Bench::new().await;
    let world = World::new();
    let step = step(&world);
    let registry = doubler().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            let child = ctx
                .start_child::<AnyChild>(&json!(21), ChildOptions::default())
                .await?;
            ctx.activity(&*step, &"between".to_owned()).await?;
            ctx.signal::<Value>("go").await?;
            child.result().await
        }
    }));
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, registry.clone(), quick_config());
    bench.until(run, RunState::Waiting).await;
    worker.stop().await;
    bench
        .engine
        .signal(run, "go", &Value::Null, None)
        .await
        .unwrap();
    let worker = Working::start(&bench, registry, quick_config());
    assert_eq!(bench.output(run).await, json!(42));
    assert_eq!(children(&bench).await.len(), 1);
    assert_eq!(bench.count(run, HistoryKind::ChildStarted).await, 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_parent_waits_for_the_last_of_a_child_that_continues_as_new() {
    let bench = Bench::new().await;
    let registry = Registry::new()
        .with(child(|ctx, left| async move {
            match left.as_i64().unwrap_or(0) {
                0 => ctx.signal::<Value>("end").await,
                left => ctx.continue_as_new::<AnyChild>(&json!(left - 1)),
            }
        }))
        .with(told(|ctx, _| async move {
            ctx.child::<AnyChild>(&json!(3)).await
        }));
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, registry, quick_config());
    let patience = tokio::time::Instant::now() + std::time::Duration::from_secs(15);
    let last = loop {
        let born = children(&bench).await;
        if let Some(last) = born.iter().find(|child| child.state == RunState::Waiting) {
            assert_eq!(born.len(), 4);
            break last.id;
        }
        assert!(
            tokio::time::Instant::now() < patience,
            "the chain does not come to its end: {born:?}"
        );
        tokio::task::yield_now().await;
    };
    // Sent to the first of the chain: it finds its way to the last.
    let first = children(&bench)
        .await
        .iter()
        .map(|child| child.id)
        .min()
        .expect("a first");
    assert_ne!(first, last);
    bench
        .engine
        .signal(first, "end", &"done", None)
        .await
        .unwrap();
    assert_eq!(bench.output(run).await, json!("done"));
    worker.stop().await;
}
