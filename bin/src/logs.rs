//! Logs on standard error: sentences for people, fields for queries, never what a lead says.

use crate::config::{Config, LogFormat};
use crate::failure::usage;
use std::io::{self, IsTerminal};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts the logs of this process. A quiet command (one that shows something by itself) logs errors
/// only unless a filter was asked for.
pub(crate) fn start(config: &Config, quiet: bool) -> anyhow::Result<()> {
    let wanted = match (quiet, config.is_default("log")) {
        (true, true) => "error",
        _ => config.log.as_str(),
    };
    let filter = EnvFilter::try_new(wanted).map_err(|_| {
        let example = "info, or warn,leadrail_engine=debug";
        usage(format!(
            "the log filter is not valid: write one such as {example}"
        ))
    })?;
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let layer = match config.log_format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().boxed(),
    };
    // The filters stand before the one layer, not at it: a filter of one layer remembers a refusal
    // until the next event of the thread, and a refusal without an event then swallows that one.
    let filtered = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(is_harmless))
        .with(layer);
    // A second start in one process (tests) keeps the first logs.
    let _ = filtered.try_init();
    Ok(())
}

/// Below `info`, libraries may show what goes over the wire: phone numbers, credentials. Whatever
/// the filter says, only our own words may be as detailed as that.
fn is_harmless(of: &Metadata<'_>) -> bool {
    let ours = of.target() == "leadrail" || of.target().starts_with("leadrail_");
    ours || of.target().starts_with("leadrail::") || *of.level() <= Level::INFO
}
