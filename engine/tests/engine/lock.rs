//! Named locks: one run at a time, whatever happens to workers.

use crate::kit::{Bench, Working, quick_config};
use leadrail_engine::{
    Activity, ActivityResult, Attempt, Ctx, NewRun, Registry, RunState, Workflow, WorkflowResult,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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
        let lock = ctx.lock(&name).await?;
        ctx.activity(&self.0, &()).await?;
        lock.release().await
    }
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
    sqlx::query(
        "insert into leadrail.run_lock (name, run_id, taken_at) values ('phone', $1, now())",
    )
    .bind(holder)
    .execute(bench.engine.pool())
    .await
    .unwrap();
    let inside = Arc::new(Inside::default());
    let run = NewRun::of::<OneAtATime>(&"phone".to_owned()).unwrap();
    let run = bench.engine.enqueue(&[run]).await.unwrap()[0].run_id;
    let worker = Working::start(
        &bench,
        Registry::new().with(OneAtATime(Enter(inside))),
        quick_config(),
    );
    bench
        .until_that(
            run,
            |view| view.reason.as_deref() == Some("locked"),
            "locked",
        )
        .await;
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
