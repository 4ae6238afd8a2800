//! A refund that a person approves, refuses, or forgets.
//!
//! ```text
//! export DATABASE_URL=postgres://localhost/examples
//! cargo run -p leadrail-engine --example human_approval
//! ```
//! The run waits up to three days for an answer, tells whoever asks what it waits for, and can be
//! called off: then it takes its reservation back before it ends.

use leadrail_engine::{
    Activity, ActivityResult, Attempt, Ctx, Engine, NewRun, Registry, RunId, WorkerConfig,
    Workflow, WorkflowResult, run_worker,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const THREE_DAYS: Duration = Duration::from_secs(3 * 24 * 3_600);

#[derive(Serialize, Deserialize)]
struct Answer {
    approved: bool,
    by: String,
}

/// Says what would be done to the books; harmless to repeat.
struct Book;

impl Activity for Book {
    const NAME: &'static str = "book";
    type Input = String;
    type Output = ();

    async fn run(&self, _: &Attempt, line: &String) -> ActivityResult<()> {
        println!("  booked: {line}");
        Ok(())
    }
}

struct Refund;

impl Workflow for Refund {
    const NAME: &'static str = "refund";
    type Input = String;
    type Output = String;

    async fn run(&self, ctx: Ctx, customer: String) -> WorkflowResult<String> {
        match ask_and_pay(&ctx, &customer).await {
            Err(error) if error.is_cancelled() => {
                let ctx = ctx.clean_up();
                ctx.activity(
                    &Book,
                    &format!("take back what was reserved for {customer}"),
                )
                .await?;
                Err(error)
            }
            ended => ended,
        }
    }
}

async fn ask_and_pay(ctx: &Ctx, customer: &str) -> WorkflowResult<String> {
    ctx.activity(&Book, &format!("reserve for {customer}"))
        .await?;
    ctx.publish("waits_for", &"somebody's approval")?;
    match ctx.signal_within::<Answer>("answer", THREE_DAYS).await? {
        Some(answer) if answer.approved => {
            ctx.activity(&Book, &format!("pay {customer}")).await?;
            Ok(format!("paid, as {} said", answer.by))
        }
        Some(answer) => Ok(format!("refused by {}", answer.by)),
        None => Ok("nobody answered in three days".to_owned()),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let engine = Engine::connect(&std::env::var("DATABASE_URL")?).await?;
    engine.migrate().await?;
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn({
        let (engine, shutdown) = (engine.clone(), shutdown.clone());
        let registry = Registry::new().with(Refund);
        async move { run_worker(&engine, registry, WorkerConfig::default(), shutdown).await }
    });

    let [approved, called_off] = ["Ana", "Ben"].map(str::to_owned);
    let runs = [
        NewRun::of::<Refund>(&approved)?,
        NewRun::of::<Refund>(&called_off)?,
    ];
    let runs: Vec<RunId> = engine
        .enqueue(&runs)
        .await?
        .iter()
        .map(|run| run.run_id)
        .collect();
    let answer = Answer {
        approved: true,
        by: "the manager".to_owned(),
    };
    engine.signal(runs[0], "answer", &answer, None).await?;
    while engine.query(runs[1], "waits_for").await?.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    engine.cancel(runs[1], "the customer withdrew").await?;
    for run in runs {
        match engine
            .result::<Refund>(run, Duration::from_secs(10))
            .await?
        {
            Some(Ok(outcome)) => println!("{outcome}"),
            Some(Err(error)) => println!("{error}"),
            None => println!("still waiting"),
        }
    }
    shutdown.cancel();
    Ok(worker.await?)
}
