//! Code changes with runs in flight: shown, never a blind failure, never tried for ever.

use crate::kit::{Bench, Working, World, quick_config, step, told};
use leadrail_engine::{
    Activity, ActivityResult, Attempt, Fit, HistoryKind, Registry, RunState, RunView, WorkerConfig,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// These steps, a wait, and one more step.
fn story(world: &Arc<World>, before: &'static [&'static str], after: &'static str) -> Registry {
    let step = step(world);
    Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            for name in before {
                ctx.side_value("marker", || 7)?;
                match *name {
                    "nap" => ctx.sleep(std::time::Duration::ZERO).await?,
                    name => drop(ctx.activity(&*step, &name.to_owned()).await?),
                }
            }
            ctx.signal::<Value>("go").await?;
            ctx.activity(&*step, &after.to_owned()).await?;
            Ok(json!("done"))
        }
    }))
}

#[tokio::test]
async fn a_history_that_does_not_fit_waits_with_both_sides_shown_until_code_comes_that_does() {
    let bench = Bench::new().await;
    let world = World::new();
    let run = bench.tell(Value::Null).await;
    let old = story(&world, &["a", "b"], "end");
    let worker = Working::start(&bench, old.clone(), quick_config());
    bench.until(run, RunState::Waiting).await;
    worker.stop().await;

    let new = story(&world, &["a", "nap"], "end");
    let rehearsed = bench.engine.rehearse(&new, None, 10).await.unwrap();
    let Fit::Mismatch(why) = &rehearsed[0].fit else {
        panic!("{rehearsed:?}");
    };
    assert!(why.contains("timer") && why.contains("step#2"), "{why}");
    assert_eq!(
        bench.engine.rehearse(&old, None, 10).await.unwrap()[0].fit,
        Fit::Continues
    );

    bench.engine.signal(run, "go", &1, None).await.unwrap();
    let worker = Working::start(&bench, new, quick_config());
    let parked = bench
        .until_that(
            run,
            |view| view.reason.as_deref() == Some("nondeterminism"),
            "put down",
        )
        .await;
    assert_eq!((parked.state, parked.due_at), (RunState::Waiting, None));
    let history = bench.engine.history(run).await.unwrap();
    let shown = history.last().unwrap().payload.as_ref().unwrap();
    assert_eq!(shown["asked"], "timer");
    assert_eq!(shown["recorded"], json!(["step#2"]));
    worker.stop().await;

    let worker = Working::start(&bench, old, quick_config());
    assert_eq!(bench.output(run).await, json!("done"));
    assert_eq!(world.effects("end"), 1);
    worker.stop().await;
}

#[tokio::test]
async fn a_workflow_that_ends_without_asking_for_what_was_recorded_is_put_down() {
    let bench = Bench::new().await;
    let world = World::new();
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, story(&world, &["a"], "end"), quick_config());
    bench.until(run, RunState::Waiting).await;
    worker.stop().await;
    bench.engine.signal(run, "go", &1, None).await.unwrap();
    let short = Registry::new().with(told(|_, _| async { Ok(json!("at once")) }));
    let worker = Working::start(&bench, short, quick_config());
    bench
        .until_that(
            run,
            |view| view.reason.as_deref() == Some("nondeterminism"),
            "put down",
        )
        .await;
    worker.stop().await;
}

#[tokio::test]
async fn a_version_is_old_for_runs_that_were_past_it_and_new_for_all_others() {
    let bench = Bench::new().await;
    let world = World::new();
    let old_run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, story(&world, &["a"], "end"), quick_config());
    bench.until(old_run, RunState::Waiting).await;
    worker.stop().await;

    let step = step(&world);
    let new = Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            if ctx.version("ask first", 1)? >= 1 {
                ctx.activity(&*step, &"ask".to_owned()).await?;
            }
            ctx.activity(&*step, &"a".to_owned()).await?;
            ctx.signal::<Value>("go").await?;
            Ok(json!(ctx.version("ask first", 1)?))
        }
    }));
    let new_run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, new, quick_config());
    for run in [old_run, new_run] {
        bench.engine.signal(run, "go", &1, None).await.unwrap();
    }
    assert_eq!(bench.output(old_run).await, json!(0));
    assert_eq!(bench.output(new_run).await, json!(1));
    assert_eq!((world.effects("ask"), world.effects("a")), (1, 2));
    worker.stop().await;
}

/// Does nothing; is stuck until it is killed if nobody lets it through.
struct Ask {
    began: Arc<Notify>,
    is_stuck: bool,
}

impl Activity for Ask {
    const NAME: &'static str = "ask";
    type Input = ();
    type Output = ();

    async fn run(&self, _: &Attempt, (): &()) -> ActivityResult<()> {
        self.began.notify_one();
        match self.is_stuck {
            true => std::future::pending().await,
            false => Ok(()),
        }
    }
}

/// Asks before the step, as a change has it.
fn asking(world: &Arc<World>, began: &Arc<Notify>, is_stuck: bool) -> Registry {
    let (step, began) = (step(world), began.clone());
    Registry::new().with(told(move |ctx, _| {
        let (step, began) = (step.clone(), began.clone());
        async move {
            if ctx.version("ask first", 1)? >= 1 {
                ctx.activity(&Ask { began, is_stuck }, &()).await?;
            }
            ctx.activity(&*step, &"a".to_owned()).await?;
            ctx.signal::<Value>("go").await?;
            Ok(json!(ctx.version("ask first", 1)?))
        }
    }))
}

#[tokio::test]
async fn a_build_that_was_stopped_before_it_recorded_anything_leaves_an_older_one_its_way() {
    let (bench, world) = (Bench::new().await, World::new());
    let began = Arc::new(Notify::new());
    let run = bench.tell(Value::Null).await;
    let config = WorkerConfig {
        grace: Duration::from_millis(100),
        ..quick_config()
    };
    let worker = Working::start(&bench, asking(&world, &began, true), config);
    began.notified().await;
    worker.stop().await;

    // In the middle of a deploy an older build goes on with it, and then the newer one again.
    let old = Working::start(&bench, story(&world, &["a"], "end"), quick_config());
    bench.until(run, RunState::Waiting).await;
    old.stop().await;
    bench.engine.signal(run, "go", &1, None).await.unwrap();
    let new = Working::start(&bench, asking(&world, &began, false), quick_config());
    assert_eq!(bench.output(run).await, json!(0));
    new.stop().await;
}

#[tokio::test]
async fn an_older_build_puts_down_what_follows_from_a_newer_version() {
    let (bench, world) = (Bench::new().await, World::new());
    let began = Arc::new(Notify::new());
    let run = bench.tell(Value::Null).await;
    let new = asking(&world, &began, false);
    let worker = Working::start(&bench, new.clone(), quick_config());
    bench.until(run, RunState::Waiting).await;
    worker.stop().await;
    bench.engine.signal(run, "go", &1, None).await.unwrap();
    let old = Working::start(&bench, story(&world, &["a"], "end"), quick_config());
    let parked = |view: &RunView| view.reason.as_deref() == Some("nondeterminism");
    bench.until_that(run, parked, "put down").await;
    old.stop().await;
    let worker = Working::start(&bench, new, quick_config());
    assert_eq!(bench.output(run).await, json!(1));
    worker.stop().await;
}

#[tokio::test]
async fn a_stored_value_that_fits_its_type_no_more_breaks_and_is_told_before_the_deploy() {
    let bench = Bench::new().await;
    let run = bench.tell(Value::Null).await;
    let told_as_text = Registry::new().with(told(|ctx, _| async move {
        let text = ctx.side_value("value", || "text".to_owned())?;
        ctx.signal::<Value>("go").await?;
        Ok(json!(text))
    }));
    let told_as_number = Registry::new().with(told(|ctx, _| async move {
        let number: u32 = ctx.side_value("value", || 1)?;
        ctx.signal::<Value>("go").await?;
        Ok(json!(number))
    }));
    let worker = Working::start(&bench, told_as_text, quick_config());
    bench.until(run, RunState::Waiting).await;
    worker.stop().await;
    let rehearsed = bench
        .engine
        .rehearse(&told_as_number, None, 10)
        .await
        .unwrap();
    assert!(matches!(rehearsed[0].fit, Fit::Breaks(_)), "{rehearsed:?}");
    let nothing = bench
        .engine
        .rehearse(&Registry::new(), None, 10)
        .await
        .unwrap();
    assert_eq!(nothing[0].fit, Fit::UnknownWorkflow);
    assert_eq!(bench.count(run, HistoryKind::SideValue).await, 1);
}
