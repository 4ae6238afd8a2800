//! `leadrail connection options`: what the settings of a connection may be, from the account's own lists.

use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output;
use leadrail_connections::ConnectionId;

/// Asks the CRM for the account's own lists, from which settings choose: business units, job types.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail connection options 0b2f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10 --setting business_unit"
)]
pub(crate) struct OptionsArgs {
    /// The connection; `leadrail connection list` shows them.
    id: ConnectionId,
    /// Only the list of this setting.
    #[arg(long, value_name = "NAME")]
    setting: Option<String>,
    /// Prints a JSON array of `{setting, title, choices, problem}`.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &OptionsArgs, config: &Config) -> anyhow::Result<()> {
    let desk = database::desk_with_vault(config).await?;
    let asked = desk.connection_options(args.id, args.setting.as_deref());
    let options = asked.await;
    database::settled(&desk).await;
    let options = options.map_err(told)?;
    if args.json {
        return output::json(&options);
    }
    if options.is_empty() {
        return output::line("no setting of this CRM chooses from a list of the account's own");
    }
    let mut table = output::table(&["setting", "id", "title"]);
    for list in &options {
        if let Some(problem) = &list.problem {
            table.add_row([list.setting, "-", problem]);
        }
        for choice in &list.choices {
            table.add_row([list.setting, &choice.id, &choice.title]);
        }
    }
    output::line(table.trim_fmt())
}
