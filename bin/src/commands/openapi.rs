//! `leadrail openapi`: the API's description of itself.

use crate::output;

/// Prints the OpenAPI 3.1 description of the API. Needs no database.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail openapi > openapi.json")]
pub(crate) struct OpenapiArgs {
    /// Accepted as everywhere; the output is JSON in any case.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run() -> anyhow::Result<()> {
    output::json(&leadrail_server::openapi())
}
