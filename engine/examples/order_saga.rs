//! A three-step workflow that survives `kill -9`.
//!
//! ```text
//! export DATABASE_URL=postgres://localhost/orders
//! cargo run -p leadrail-engine --example order_saga -- enqueue 100
//! cargo run -p leadrail-engine --example order_saga -- work     # kill it, start it again
//! cargo run -p leadrail-engine --example order_saga -- show
//! ```
//! Every step appends a line to `order_saga.log`: no order is charged twice, whatever was killed.

use leadrail_engine::{
    Activity, ActivityError, ActivityOptions, ActivityResult, Attempt, Ctx, Effect, Engine, Found,
    NewRun, Registry, WorkerConfig, Workflow, WorkflowResult, count_by_state, run_worker,
};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[derive(Serialize, Deserialize, Clone)]
struct Order {
    number: u32,
    cents: u64,
}

/// The outside world of this example: a file to which every effect appends a line.
struct Ledger(PathBuf);

impl Ledger {
    fn append(&self, line: &str) -> ActivityResult<()> {
        let failed = |error: std::io::Error| ActivityError::not_done("ledger", error.to_string());
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.0)
            .map_err(failed)?;
        file.write_all(format!("{line}\n").as_bytes())
            .map_err(failed)
    }

    fn has(&self, line: &str) -> bool {
        std::fs::read_to_string(&self.0).is_ok_and(|text| text.lines().any(|there| there == line))
    }
}

macro_rules! effect {
    ($name:ident, $stored:literal) => {
        /// Happens once: after a crash the ledger is read before it is written again.
        struct $name(Ledger);

        impl Activity for $name {
            const NAME: &'static str = $stored;
            type Input = Order;
            type Output = String;

            fn options(&self, _: &Order) -> ActivityOptions {
                let short = Duration::from_millis(500);
                ActivityOptions {
                    effect: Effect::Once,
                    timeout: short,
                    settle: short,
                    ..ActivityOptions::default()
                }
            }

            async fn run(&self, _: &Attempt, order: &Order) -> ActivityResult<String> {
                let line = format!("{} {}", $stored, order.number);
                self.0.append(&line)?;
                Ok(line)
            }

            async fn reconcile(&self, _: &Attempt, order: &Order) -> ActivityResult<Found<String>> {
                let line = format!("{} {}", $stored, order.number);
                Ok(if self.0.has(&line) {
                    Found::Yes(line)
                } else {
                    Found::No
                })
            }
        }
    };
}

effect!(Reserve, "reserve");
effect!(Charge, "charge");
effect!(Ship, "ship");

struct PlaceOrder {
    reserve: Reserve,
    charge: Charge,
    ship: Ship,
}

impl Workflow for PlaceOrder {
    const NAME: &'static str = "place_order";
    type Input = Order;
    type Output = String;

    async fn run(&self, ctx: Ctx, order: Order) -> WorkflowResult<String> {
        ctx.activity(&self.reserve, &order).await?;
        ctx.activity(&self.charge, &order).await?;
        ctx.activity(&self.ship, &order).await
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let verb = args.next().unwrap_or_else(|| "help".to_owned());
    let engine = Engine::connect(&std::env::var("DATABASE_URL")?).await?;
    engine.migrate().await?;
    match verb.as_str() {
        "enqueue" => enqueue(&engine, args.next().unwrap_or_default().parse()?).await,
        "work" => work(&engine).await,
        "show" => show(&engine).await,
        _ => anyhow::bail!("use: order_saga enqueue N | work | show"),
    }
}

async fn enqueue(engine: &Engine, orders: u32) -> anyhow::Result<()> {
    let runs: Result<Vec<_>, _> = (1..=orders)
        .map(|number| {
            let order = Order {
                number,
                cents: 4_200,
            };
            NewRun::of::<PlaceOrder>(&order).map(|run| run.keyed("shop", number.to_string()))
        })
        .collect();
    let answers = engine.enqueue(&runs?).await?;
    println!("{} orders are queued", answers.len());
    Ok(())
}

async fn work(engine: &Engine) -> anyhow::Result<()> {
    let ledger = || Ledger(PathBuf::from("order_saga.log"));
    let story = PlaceOrder {
        reserve: Reserve(ledger()),
        charge: Charge(ledger()),
        ship: Ship(ledger()),
    };
    let shutdown = CancellationToken::new();
    let on_signal = shutdown.clone();
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        on_signal.cancel();
    });
    let config = WorkerConfig {
        lease: Duration::from_secs(3),
        ..WorkerConfig::default()
    };
    run_worker(engine, Registry::new().with(story), config, shutdown).await;
    Ok(())
}

async fn show(engine: &Engine) -> anyhow::Result<()> {
    for (state, runs) in count_by_state(engine.pool()).await? {
        println!("{state}: {runs}");
    }
    Ok(())
}
