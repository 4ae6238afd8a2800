//! The engine beside its floors: `DATABASE_URL=... cargo run --release -p leadrail-bench --example engine [WORKFLOWS] [INFLIGHT]`.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let number = |index: usize, default: u64| {
        let text = std::env::args().nth(index);
        text.map_or(Ok(default), |text| text.parse())
    };
    let url = std::env::var("DATABASE_URL")?;
    let options = leadrail_bench::EngineOptions {
        workflows: number(1, 20_000)?,
        inflight: usize::try_from(number(2, 2_048)?)?,
        rounds: 3,
    };
    let report = leadrail_bench::engine(&url, &options, |what| eprintln!("{what}")).await?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    let pickup = leadrail_bench::pickup(&url, leadrail_bench::Heard::Directly, 100).await?;
    println!("{}", serde_json::to_string(&pickup)?);
    Ok(())
}
