//! One run that does many things at once, as children and side by side.
//!
//! ```text
//! export DATABASE_URL=postgres://localhost/examples
//! cargo run -p leadrail-engine --example fan_out
//! ```
//! Each chapter is a run of its own, on whatever worker is free; the book waits for all of them and
//! counts their words side by side.

use leadrail_engine::{
    Activity, ActivityResult, Attempt, Ctx, Engine, NewRun, Registry, WorkerConfig, Workflow,
    WorkflowResult, run_worker,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Counts the words of a page; harmless to repeat.
struct CountWords;

impl Activity for CountWords {
    const NAME: &'static str = "count_words";
    type Input = String;
    type Output = usize;

    async fn run(&self, _: &Attempt, page: &String) -> ActivityResult<usize> {
        Ok(page.split_whitespace().count())
    }
}

/// A chapter: its pages side by side.
struct CountChapter;

impl Workflow for CountChapter {
    const NAME: &'static str = "count_chapter";
    type Input = Vec<String>;
    type Output = usize;

    async fn run(&self, ctx: Ctx, pages: Vec<String>) -> WorkflowResult<usize> {
        let calls: Vec<_> = pages
            .iter()
            .map(|page| ctx.activity(&CountWords, page))
            .collect();
        Ok(ctx.join_all(calls).await?.into_iter().sum())
    }
}

/// A book: its chapters as children.
struct CountBook;

impl Workflow for CountBook {
    const NAME: &'static str = "count_book";
    type Input = Vec<Vec<String>>;
    type Output = usize;

    async fn run(&self, ctx: Ctx, chapters: Vec<Vec<String>>) -> WorkflowResult<usize> {
        let children: Vec<_> = chapters
            .iter()
            .map(|pages| ctx.child::<CountChapter>(pages))
            .collect();
        Ok(ctx.join_all(children).await?.into_iter().sum())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let engine = Engine::connect(&std::env::var("DATABASE_URL")?).await?;
    engine.migrate().await?;
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn({
        let (engine, shutdown) = (engine.clone(), shutdown.clone());
        let registry = Registry::new().with(CountBook).with(CountChapter);
        async move { run_worker(&engine, registry, WorkerConfig::default(), shutdown).await }
    });

    let page = "It was a dark and stormy night".to_owned();
    let book = vec![vec![page; 20]; 50];
    let run = engine.enqueue(&[NewRun::of::<CountBook>(&book)?]).await?[0].run_id;
    match engine
        .result::<CountBook>(run, Duration::from_secs(30))
        .await?
    {
        Some(words) => println!("{} words in 50 chapters", words?),
        None => println!("still counting"),
    }
    shutdown.cancel();
    Ok(worker.await?)
}
