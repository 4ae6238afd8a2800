//! A schedule with a time zone, fired once by whatever worker is there.
//!
//! ```text
//! export DATABASE_URL=postgres://localhost/examples
//! cargo run -p leadrail-engine --example cron
//! ```
//! Starts a report every two seconds of New York's clock, shows three of them, and takes the schedule
//! away again. Start it twice at the same time: each time fires once.

use leadrail_engine::{
    Ctx, Engine, NewCron, NewRun, Registry, WorkerConfig, Workflow, WorkflowResult, fire_time,
    run_worker,
};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

struct Report(mpsc::UnboundedSender<String>);

impl Workflow for Report {
    const NAME: &'static str = "report";
    type Input = String;
    type Output = ();

    async fn run(&self, ctx: Ctx, city: String) -> WorkflowResult<()> {
        let time = ctx.key().and_then(fire_time);
        let line = time.map_or_else(|| city.clone(), |time| format!("{city} at {time}"));
        // Nobody reads any more when the example is over.
        let _ = self.0.send(line);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let engine = Engine::connect(&std::env::var("DATABASE_URL")?).await?;
    engine.migrate().await?;
    let (lines, mut reports) = mpsc::unbounded_channel();
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn({
        let (engine, shutdown) = (engine.clone(), shutdown.clone());
        let registry = Registry::new().with(Report(lines));
        async move { run_worker(&engine, registry, WorkerConfig::default(), shutdown).await }
    });

    let run = NewRun::of::<Report>(&"New York".to_owned())?;
    let every_two_seconds = NewCron::new("report", "*/2 * * * * *", "America/New_York", run);
    println!("{:?}", engine.put_cron(&every_two_seconds).await?);
    for _ in 0..3 {
        let report = tokio::time::timeout(Duration::from_secs(10), reports.recv()).await?;
        println!("{}", report.unwrap_or_default());
    }
    engine.delete_cron("report").await?;
    shutdown.cancel();
    Ok(worker.await?)
}
