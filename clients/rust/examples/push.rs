//! Hands one lead over from Rust with the crate `leadrail-client`.

use std::{env, fs};

use leadrail_client::Client;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let leadrail = Client::new(&env::var("LEADS_ADDRESS")?, env::var("LEADS_KEY")?)?;
    let lead: serde_json::Value = serde_json::from_str(&fs::read_to_string("lead.json")?)?;
    // It sends the same lead until it is answered: one that arrives twice is kept once.
    let kept = leadrail.push(&lead).await?;
    println!("{} is kept", kept.event_id);
    Ok(())
}
