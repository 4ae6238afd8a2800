//! A run that waits for somebody outside.
//!
//! ```text
//! export DATABASE_URL=postgres://localhost/examples
//! cargo run -p leadrail-engine --example signal
//! ```
//! The order waits for its payment in the database, not in memory: any worker may go on with it, a
//! payment that comes before the order asks is kept, and the same payment twice is one.

use leadrail_engine::{
    Ctx, Engine, NewRun, Registry, WorkerConfig, Workflow, WorkflowResult, run_worker,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[derive(Serialize, Deserialize)]
struct Payment {
    cents: u64,
}

struct AwaitPayment;

impl Workflow for AwaitPayment {
    const NAME: &'static str = "await_payment";
    type Input = u64;
    type Output = String;

    async fn run(&self, ctx: Ctx, due: u64) -> WorkflowResult<String> {
        let mut paid = 0;
        while paid < due {
            ctx.publish("paid", &paid)?;
            paid += ctx.signal::<Payment>("payment").await?.cents;
        }
        Ok(format!("{paid} cents came, {due} were due"))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let engine = Engine::connect(&std::env::var("DATABASE_URL")?).await?;
    engine.migrate().await?;
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn({
        let (engine, shutdown) = (engine.clone(), shutdown.clone());
        let registry = Registry::new().with(AwaitPayment);
        async move { run_worker(&engine, registry, WorkerConfig::default(), shutdown).await }
    });

    let run = engine
        .enqueue(&[NewRun::of::<AwaitPayment>(&4_200)?])
        .await?[0]
        .run_id;
    for (cents, receipt) in [(2_000, "r1"), (2_000, "r1"), (2_200, "r2")] {
        let sent = engine
            .signal(run, "payment", &Payment { cents }, Some(receipt))
            .await?;
        println!("{receipt}: {sent:?}");
    }
    match engine
        .result::<AwaitPayment>(run, Duration::from_secs(10))
        .await?
    {
        Some(outcome) => println!("{}", outcome?),
        None => println!("still waiting"),
    }
    shutdown.cancel();
    Ok(worker.await?)
}
