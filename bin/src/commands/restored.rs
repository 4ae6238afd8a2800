//! `leadrail restored`: tells that the database came out of a backup.

use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output;
use serde_json::json;

/// Tells that the database was restored, so that no lead is filed twice.
///
/// What the original filed after the backup is not known to a restored database. Every lead that has not
/// ended, and every one that comes within a day, is looked for in its CRM before anything is made.
/// Workers notice most restores by themselves; this is for those that look like nothing, such as a disk
/// that was set back while no worker ran. Safe at any time; it costs look-ups.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail restored && leadrail worker")]
pub(crate) struct RestoredArgs {
    /// Prints what it did as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &RestoredArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk(config).await?;
    let declared = desk.declare_restored(&actor::command_line()).await;
    let declared = declared.map_err(told)?;
    if args.json {
        return output::json(&json!({ "runs": declared.runs, "workers": declared.workers }));
    }
    output::line(format!(
        "{} runs, and those that come within a day, look for what is there before they create",
        declared.runs
    ))?;
    output::line(match declared.workers {
        0 => "no worker was registered here".to_owned(),
        workers => format!(
            "{workers} workers were registered here; what they had in hand is queued again, and those that live begin anew"
        ),
    })
}
