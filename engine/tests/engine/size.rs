//! Oversized values are refused where they come in, with the limit named, and never retried.

use crate::kit::{Bench, Story, Working, quick_config, told};
use leadrail_engine::{
    Activity, ActivityResult, Attempt, LARGEST_VALUE, NewRun, Registry, RunState,
};
use serde_json::{Value, json};

/// Answers with more than can be stored.
struct Flood;

impl Activity for Flood {
    const NAME: &'static str = "flood";
    type Input = ();
    type Output = String;

    async fn run(&self, _: &Attempt, (): &()) -> ActivityResult<String> {
        Ok("x".repeat(LARGEST_VALUE))
    }
}

#[tokio::test]
async fn a_result_over_the_limit_ends_the_run_at_its_first_attempt() {
    let bench = Bench::new().await;
    let run = bench.tell(Value::Null).await;
    let registry = Registry::new().with(told(|ctx, _| async move {
        ctx.activity(&Flood, &()).await?;
        Ok(json!("stored"))
    }));
    let worker = Working::start(&bench, registry, quick_config());
    let dead = bench.until(run, RunState::Dead).await;
    assert_eq!(
        (dead.reason.as_deref(), dead.starts),
        (Some("too_large"), 1)
    );
    let history = bench.engine.history(run).await.unwrap();
    let said = history.last().unwrap().payload.as_ref().unwrap()["message"].to_string();
    assert!(said.contains("1048576"), "{said}");
    worker.stop().await;
}

#[tokio::test]
async fn an_input_over_the_limit_is_refused_with_the_limit_named_and_nothing_is_written() {
    let bench = Bench::new().await;
    let fits = NewRun::of::<Story>(&vec!["x".repeat(LARGEST_VALUE - 4)]).unwrap();
    assert_eq!(fits.input.len(), LARGEST_VALUE);
    let over = NewRun::of::<Story>(&vec!["x".repeat(LARGEST_VALUE)]).unwrap();
    let refused = bench
        .engine
        .enqueue(&[fits.clone(), over.clone()])
        .await
        .unwrap_err();
    let said = refused.to_string();
    assert!(
        said.contains("item 1") && said.contains("1048576"),
        "{said}"
    );
    let runs: i64 = sqlx::query_scalar("select count(*) from leadrail.workflow_run")
        .fetch_one(bench.engine.pool())
        .await
        .unwrap();
    assert_eq!(runs, 0);
    bench.engine.enqueue(&[fits]).await.unwrap();
    // Whoever writes past the edge meets the table.
    let past = sqlx::query("update leadrail.workflow_run set input = $1::text::json")
        .bind(over.input)
        .execute(bench.engine.pool())
        .await;
    assert!(past.unwrap_err().to_string().contains("input_fits"));
}
