//! Named locks: one run at a time, whatever happens to workers.

use crate::kit::{Act, AnyChild, Bench, Working, World, child, quick_config, step, told};
use leadrail_engine::{
    Activity, ActivityResult, Attempt, ChildOptions, Ctx, FailureKind, HistoryKind, NewRun,
    Registry, RunId, RunState, RunView, WorkerConfig, Workflow, WorkflowResult,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Counts how many are inside at once.
#[derive(Default)]
struct Inside {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Enter(Arc<Inside>);

impl Activity for Enter {
    const NAME: &'static str = "enter";
    type Input = ();
    type Output = ();

    async fn run(&self, _: &Attempt, (): &()) -> ActivityResult<()> {
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(now, Ordering::SeqCst);
        // Long enough that others would be seen inside.
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.0.now.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

struct OneAtATime(Enter);

impl Workflow for OneAtATime {
    const NAME: &'static str = "one_at_a_time";
    type Input = String;
    type Output = ();

    async fn run(&self, ctx: Ctx, name: String) -> WorkflowResult<()> {
        ctx.under_lock(&name, async |ctx| {
            ctx.activity(&self.0, &()).await?;
            ctx.sleep(Duration::from_millis(1)).await?;
            ctx.activity(&self.0, &()).await
        })
        .await
    }
}

/// Who has this lock.
async fn holder(bench: &Bench, name: &str) -> Option<RunId> {
    sqlx::query_scalar("select run_id from leadrail.run_lock where name = $1")
        .bind(name)
        .fetch_optional(bench.engine.pool())
        .await
        .unwrap()
}

/// Lets a run have this lock, as its worker would.
async fn give(bench: &Bench, name: &str, run: RunId) {
    sqlx::query("insert into leadrail.run_lock (name, run_id, taken_at) values ($1, $2, now())")
        .bind(name)
        .bind(run)
        .execute(bench.engine.pool())
        .await
        .unwrap();
}

/// These steps under the lock `phone`, a signal, one more step.
fn story(world: &Arc<World>, under_lock: &'static [&'static str]) -> Registry {
    let step = step(world);
    Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            let inside = async |ctx: Ctx| {
                for name in under_lock {
                    ctx.activity(&*step, &(*name).to_owned()).await?;
                }
                Ok(())
            };
            ctx.under_lock("phone", inside).await?;
            ctx.signal::<Value>("go").await?;
            ctx.activity(&*step, &"end".to_owned()).await?;
            Ok(json!("done"))
        }
    }))
}

fn is_locked_out(view: &RunView) -> bool {
    view.state == RunState::Waiting && view.reason.as_deref() == Some("locked")
}

fn is_at_signal(view: &RunView) -> bool {
    view.state == RunState::Waiting && view.reason.as_deref() == Some("signal")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_run_at_a_time_holds_a_lock_and_all_get_it_in_the_end() {
    let bench = Bench::new().await;
    let inside = Arc::new(Inside::default());
    let runs: Vec<_> = (0..8)
        .map(|_| NewRun::of::<OneAtATime>(&"phone".to_owned()).unwrap())
        .collect();
    let runs = bench.engine.enqueue(&runs).await.unwrap();
    let workers: Vec<_> = (0..2)
        .map(|_| {
            Working::start(
                &bench,
                Registry::new().with(OneAtATime(Enter(inside.clone()))),
                quick_config(),
            )
        })
        .collect();
    for run in runs {
        bench.until(run.run_id, RunState::Completed).await;
    }
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(inside.most.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_a_dead_run_is_free() {
    let bench = Bench::new().await;
    let holder = bench.enqueue(&["a"]).await;
    give(&bench, "phone", holder).await;
    let inside = Arc::new(Inside::default());
    let run = NewRun::of::<OneAtATime>(&"phone".to_owned()).unwrap();
    let run = bench.engine.enqueue(&[run]).await.unwrap()[0].run_id;
    let worker = Working::start(
        &bench,
        Registry::new().with(OneAtATime(Enter(inside))),
        quick_config(),
    );
    bench.until_that(run, is_locked_out, "locked").await;
    sqlx::query(
        "update leadrail.workflow_run set state = 'cancelled', due_at = null where id = $1",
    )
    .bind(holder)
    .execute(bench.engine.pool())
    .await
    .unwrap();
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_dies_in_the_block_has_the_lock_still_and_gives_it_back() {
    let (bench, world) = (Bench::new().await, World::new());
    world.script("b", &[Act::Hang]);
    let run = bench.tell(Value::Null).await;
    let registry = story(&world, &["a", "b"]);
    let impatient = WorkerConfig {
        grace: Duration::from_millis(100),
        ..quick_config()
    };
    let worker = Working::start(&bench, registry.clone(), impatient);
    let inside = |_: &RunView| world.executions("b") == 1;
    bench.until_that(run, inside, "inside").await;
    worker.stop().await;
    assert_eq!(holder(&bench, "phone").await, Some(run));

    let worker = Working::start(&bench, registry, quick_config());
    bench.pass(15).await;
    bench.until_that(run, is_at_signal, "past the block").await;
    assert_eq!(holder(&bench, "phone").await, None);
    assert_eq!((world.effects("a"), world.effects("b")), (1, 1));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_died_between_the_last_result_and_the_end_of_the_block_gives_the_lock_back()
 {
    let (bench, world) = (Bench::new().await, World::new());
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, story(&world, &["a"]), quick_config());
    bench.until_that(run, is_at_signal, "past the block").await;
    give(&bench, "phone", run).await;
    // The end takes too long, so that the run lives when the lock is looked for.
    world.script("end", &[Act::Hang]);
    bench.engine.signal(run, "go", &1, None).await.unwrap();
    let at_end = |_: &RunView| world.executions("end") == 1;
    bench.until_that(run, at_end, "at its end").await;
    assert_eq!(holder(&bench, "phone").await, None);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_resumes_with_everything_recorded_asks_for_no_lock() {
    let (bench, world) = (Bench::new().await, World::new());
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, story(&world, &["a"]), quick_config());
    bench.until_that(run, is_at_signal, "past the block").await;
    let other = bench.enqueue(&[]).await;
    give(&bench, "phone", other).await;
    bench.engine.signal(run, "go", &1, None).await.unwrap();
    assert_eq!(bench.output(run).await, json!("done"));
    assert_eq!(holder(&bench, "phone").await, Some(other));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_a_retry_in_the_block_keeps_the_lock() {
    let (bench, world) = (Bench::new().await, World::new());
    world.script("a", &[Act::Fail(FailureKind::NotDone, "http_503")]);
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, story(&world, &["a", "b"]), quick_config());
    bench.until(run, RunState::Retrying).await;
    let second = bench.tell(Value::Null).await;
    bench.until_that(second, is_locked_out, "locked out").await;
    assert_eq!(holder(&bench, "phone").await, Some(run));
    assert_eq!(world.executions("a"), 1);

    bench.pass(45).await;
    for run in [run, second] {
        bench.until_that(run, is_at_signal, "past the block").await;
    }
    assert_eq!(holder(&bench, "phone").await, None);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_fails_gives_the_lock_back_although_the_run_goes_on() {
    let (bench, world) = (Bench::new().await, World::new());
    world.script("a", &[Act::Fail(FailureKind::Rejected, "http_422")]);
    let run = bench.tell(Value::Null).await;
    let step = step(&world);
    let forgiving = Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            let tried = ctx.under_lock("phone", async |ctx| {
                ctx.activity(&*step, &"a".to_owned()).await
            });
            let refused = tried.await.unwrap_err();
            ctx.signal::<Value>("go").await?;
            Ok(json!(refused.reason))
        }
    }));
    let worker = Working::start(&bench, forgiving, quick_config());
    bench.until_that(run, is_at_signal, "past the block").await;
    assert_eq!(holder(&bench, "phone").await, None);
    bench.engine.signal(run, "go", &1, None).await.unwrap();
    assert_eq!(bench.output(run).await, json!("http_422"));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_to_stop_waits_for_no_lock_but_to_clean_up() {
    let (bench, world) = (Bench::new().await, World::new());
    let other = bench.enqueue(&[]).await;
    give(&bench, "phone", other).await;
    let run = bench.tell(Value::Null).await;
    let step = step(&world);
    let careful = Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            let inside = async |ctx: Ctx| ctx.activity(&*step, &"a".to_owned()).await;
            let Err(stopped) = ctx.under_lock("phone", inside).await else {
                return Ok(Value::Null);
            };
            let undo = async |ctx: Ctx| ctx.activity(&*step, &"undo".to_owned()).await;
            ctx.clean_up().under_lock("phone", undo).await?;
            Err(stopped)
        }
    }));
    let worker = Working::start(&bench, careful, quick_config());
    bench.until_that(run, is_locked_out, "locked out").await;
    bench.engine.cancel(run, "spam").await.unwrap();
    let again = |view: &RunView| is_locked_out(view) && view.starts > 1;
    bench.until_that(run, again, "waiting to clean up").await;
    sqlx::query("delete from leadrail.run_lock")
        .execute(bench.engine.pool())
        .await
        .unwrap();
    bench.until(run, RunState::Cancelled).await;
    assert_eq!((world.effects("a"), world.effects("undo")), (0, 1));
    assert_eq!(holder(&bench, "phone").await, None);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_told_to_stop_looks_first_for_what_it_may_have_made_under_the_lock() {
    let (bench, world) = (Bench::new().await, World::new());
    world.script("a", &[Act::EffectThen(FailureKind::Ambiguous, "timeout")]);
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, story(&world, &["a", "b"]), quick_config());
    bench.until(run, RunState::Retrying).await;
    bench.engine.cancel(run, "spam").await.unwrap();
    bench.until(run, RunState::Cancelled).await;
    assert_eq!(bench.count(run, HistoryKind::ActivityCompleted).await, 1);
    assert_eq!((world.executions("a"), world.effects("b")), (1, 0));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_and_blocks_within_blocks_share_the_runs_lock_until_the_last_one_ends() {
    let (bench, world) = (Bench::new().await, World::new());
    let run = bench.tell(Value::Null).await;
    let step = step(&world);
    let both = Registry::new().with(told(move |ctx, _| {
        let step = step.clone();
        async move {
            let (left, right) = (ctx.branch(), ctx.branch());
            let quick = left.under_lock("phone", async |ctx| {
                let inner = async |ctx: Ctx| ctx.activity(&*step, &"a".to_owned()).await;
                ctx.under_lock("phone", inner).await
            });
            let slow = right.under_lock("phone", async |ctx| ctx.signal::<Value>("go").await);
            ctx.join(quick, slow).await?;
            ctx.signal::<Value>("end").await
        }
    }));
    let worker = Working::start(&bench, both, quick_config());
    bench.until_that(run, is_at_signal, "waiting").await;
    assert_eq!(world.effects("a"), 1);
    assert_eq!(holder(&bench, "phone").await, Some(run));
    bench.engine.signal(run, "go", &1, None).await.unwrap();
    let again = |view: &RunView| is_at_signal(view) && view.starts > 1;
    bench.until_that(run, again, "past both blocks").await;
    assert_eq!(holder(&bench, "phone").await, None);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_keeps_the_lock_while_its_child_is_at_work_and_not_beyond_the_block() {
    let (bench, world) = (Bench::new().await, World::new());
    let told_to = Arc::new(Notify::new());
    world.script("a", &[Act::When(told_to.clone())]);
    let step = step(&world);
    let registry = Registry::new()
        .with(told(|ctx, _| async move {
            let nothing = Value::Null;
            let waits = ctx.under_lock("phone", async |ctx| {
                ctx.child::<AnyChild>(&nothing).await?;
                ctx.start_child::<AnyChild>(&nothing, ChildOptions::default())
                    .await
            });
            waits.await?.result().await?;
            ctx.signal::<Value>("go").await
        }))
        .with(child(move |ctx, _| {
            let step = step.clone();
            async move {
                ctx.activity(&*step, &"a".to_owned()).await?;
                Ok(Value::Null)
            }
        }));
    let run = bench.tell(Value::Null).await;
    let worker = Working::start(&bench, registry, quick_config());
    let at_child = |view: &RunView| view.reason.as_deref() == Some("child");
    bench.until_that(run, at_child, "waiting").await;
    assert_eq!(holder(&bench, "phone").await, Some(run));
    told_to.notify_one();
    // The second child's end is waited for outside.
    bench.until_that(run, is_at_signal, "past the block").await;
    assert_eq!(holder(&bench, "phone").await, None);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_for_other_code_has_not_taken_the_lock() {
    let (bench, world) = (Bench::new().await, World::new());
    let run = bench.tell(Value::Null).await;
    let old = story(&world, &["a"]);
    let worker = Working::start(&bench, old.clone(), quick_config());
    bench.until_that(run, is_at_signal, "past the block").await;
    worker.stop().await;
    bench.engine.signal(run, "go", &1, None).await.unwrap();
    let new = Registry::new().with(told(|ctx, _| async move {
        let nap = async |ctx: Ctx| ctx.sleep(Duration::ZERO).await;
        ctx.under_lock("phone", nap).await?;
        Ok(Value::Null)
    }));
    let worker = Working::start(&bench, new, quick_config());
    let put_down = |view: &RunView| view.reason.as_deref() == Some("nondeterminism");
    bench.until_that(run, put_down, "put down").await;
    assert_eq!(holder(&bench, "phone").await, None);
    worker.stop().await;
    let worker = Working::start(&bench, old, quick_config());
    assert_eq!(bench.output(run).await, json!("done"));
    worker.stop().await;
}
