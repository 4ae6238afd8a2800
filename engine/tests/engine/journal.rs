//! The journal under bad data: one bad entry harms nobody else.

use crate::kit::{Bench, Working, World, quick, quick_config, registry};
use leadrail_engine::{
    Activity, ActivityResult, Attempt, Ctx, NewRun, RunState, Workflow, WorkflowResult,
};

struct Shout;

impl Activity for Shout {
    const NAME: &'static str = "shout";
    type Input = String;
    type Output = String;

    async fn run(&self, _: &Attempt, text: &String) -> ActivityResult<String> {
        Ok(text.clone())
    }
}

struct Echo;

impl Workflow for Echo {
    const NAME: &'static str = "echo";
    type Input = String;
    type Output = String;

    async fn run(&self, ctx: Ctx, text: String) -> WorkflowResult<String> {
        ctx.activity(&Shout, &text).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_postgres_cannot_store_as_such_is_kept_all_the_same() {
    let bench = Bench::new().await;
    let hostile = "nul \u{0} quote \" backslash \\ emoji 🔥 rtl \u{202e} \u{ffff}";
    let run = NewRun::of::<Echo>(&hostile.to_owned()).unwrap();
    let run = bench.engine.enqueue(&[run]).await.unwrap()[0].run_id;
    let registry = leadrail_engine::Registry::new().with(Echo);
    let worker = Working::start(&bench, registry, quick_config());
    bench.until(run, RunState::Completed).await;
    worker.stop().await;
    let history = bench.engine.history(run).await.unwrap();
    let last = history.last().unwrap().payload.clone().unwrap();
    assert_eq!(last["output"], hostile);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_the_database_refuses_ends_its_own_run_and_no_other() {
    let bench = Bench::new().await;
    // A constraint that only one of the runs violates stands in for whatever a database may refuse.
    sqlx::query("alter table leadrail.history add constraint clean_text check (payload::text not like '%curse%')")
        .execute(bench.engine.pool())
        .await
        .unwrap();
    let world = World::new();
    let mut good = Vec::new();
    for n in 0..20 {
        good.push(bench.enqueue(&[&format!("fine {n}")]).await);
    }
    let bad = bench.enqueue(&["curse"]).await;
    let worker = Working::start(&bench, registry(&world, quick()), quick_config());
    for run in good {
        bench.until(run, RunState::Completed).await;
    }
    let dead = bench.until(bad, RunState::Dead).await;
    worker.stop().await;
    assert_eq!(dead.reason.as_deref(), Some("not_storable"));
}
