//! `leadrail config`: what is in force and where it came from.

use crate::config::Config;
use crate::output::{self, or_dash};
use serde_json::Value;

/// Prints every setting and where it came from, secrets masked.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail config --json")]
pub(crate) struct ConfigArgs {
    /// Prints a JSON array of `{key, value, from}`.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ConfigArgs, config: &Config) -> anyhow::Result<()> {
    if args.json {
        return output::json(&config.settings().collect::<Vec<_>>());
    }
    let mut table = output::table(&["key", "value", "from"]);
    for setting in config.settings() {
        table.add_row([
            setting.key.to_owned(),
            or_dash(setting.value.as_ref().map(plain)),
            setting.from,
        ]);
    }
    output::line(table.trim_fmt())
}

/// A text without its quotes, a list with commas.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
