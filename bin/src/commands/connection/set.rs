//! `leadrail connection set`: changes what is set for a connection.

use super::add::given_settings;
use super::released;
use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::{told, usage};
use leadrail_connections::ConnectionId;
use leadrail_desk::Change;
use serde_json::{Map, Value};

/// Changes settings of a connection; those that are not named stay. Leads that waited for that go out.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  leadrail connection set 0b2f6a52-7c1e-4b7a-9d55-0d6c1f3b9a10 lead_source='Phone AI' leads_per_minute=30\n\n`leadrail connection settings` says what there is. A value is JSON where it reads as such, else text; an empty one takes the setting away."
)]
pub(crate) struct SetArgs {
    /// The connection; `leadrail connection list` shows them.
    id: ConnectionId,
    /// What to set.
    #[arg(value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// The same as a JSON object; null takes a setting away.
    #[arg(long = "settings", value_name = "JSON", conflicts_with = "settings")]
    object: Option<String>,
    /// The account's id in the CRM, where leads name one; empty takes it away.
    #[arg(long, value_name = "ID")]
    crm_account_id: Option<String>,
    /// Only if it was not changed since it had this revision.
    #[arg(long, value_name = "N")]
    revision: Option<i32>,
    /// Prints the connection as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: SetArgs, config: &Config) -> anyhow::Result<()> {
    let settings = match &args.object {
        Some(object) => given_settings(Some(object))?,
        None => pairs(&args.settings)?,
    };
    if settings.is_empty() && args.crm_account_id.is_none() {
        return Err(usage(
            "nothing is to be changed; name a setting, such as lead_source='Phone AI'",
        ));
    }
    let change = Change {
        settings,
        crm_account_id: args
            .crm_account_id
            .map(|id| Some(id).filter(|id| !id.is_empty())),
        revision: args.revision,
    };
    let desk = database::desk_with_vault(config).await?;
    let who = actor::command_line();
    let changed = desk.change_connection(&who, args.id, change).await;
    let changed = changed.map_err(told)?;
    desk.tell_workers().await;
    released::say(changed.connection, changed.released, args.json)
}

fn pairs(given: &[String]) -> anyhow::Result<Map<String, Value>> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            usage("a setting is given as NAME=VALUE, such as lead_source='Phone AI'")
        })?;
        Ok((name.to_owned(), value_of(value)))
    };
    given.iter().map(pair).collect()
}

fn value_of(text: &str) -> Value {
    match text {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_json_where_they_read_as_such_and_text_otherwise() {
        let given = ["a=1", "b=true", "c=Phone AI", "d=", "e=x=y", "f=\"7\""];
        let read = pairs(&given.map(str::to_owned)).unwrap();
        let wanted = json!({"a": 1, "b": true, "c": "Phone AI", "d": null, "e": "x=y", "f": "7"});
        assert_eq!(Value::Object(read), wanted);
        assert!(pairs(&["lead_source".to_owned()]).is_err());
    }
}
