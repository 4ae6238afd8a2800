//! `leadrail connection sign-in`: gives the link by which somebody lets us into the account's CRM.

use super::add::given_settings;
use crate::actor;
use crate::config::Config;
use crate::database;
use crate::failure::told;
use crate::output;
use leadrail_desk::Given;
use secrecy::ExposeSecret as _;
use serde_json::json;

/// Gives the link by which somebody signs in to the account's CRM and lets us in.
///
/// It may be forwarded to whoever administers the account there, and works for a day, until somebody has
/// signed in. A new connection is pending until then; one that is there stays as it is, and must be signed
/// in to with the same company.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  leadrail connection sign-in --account acme --crm jobber")]
pub(crate) struct SignInArgs {
    /// Whose connection: the lead's callsetter_account_id.
    #[arg(long)]
    account: String,
    /// The CRM, such as jobber.
    #[arg(long)]
    crm: String,
    /// The account's id in the CRM, where leads name one (routing.crm_account_id).
    #[arg(long, value_name = "ID")]
    crm_account_id: Option<String>,
    /// Which of the provider's environments; production if not given.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// What the contractor chose, as a JSON object; it holds from now on.
    #[arg(long, value_name = "JSON")]
    settings: Option<String>,
    /// Prints the link and the connection as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: SignInArgs, config: &Config) -> anyhow::Result<()> {
    let given = Given {
        account: args.account,
        crm: args.crm,
        crm_account_id: args.crm_account_id,
        settings: given_settings(args.settings.as_deref())?,
        ..Given::default()
    };
    let desk = database::desk_with_vault(config).await?;
    let who = actor::command_line();
    let begun = desk.begin_sign_in(&who, given, args.environment).await;
    let begun = begun.map_err(told)?;
    let url = begun.url.expose_secret();
    if args.json {
        return output::json(&json!({
            "url": url, "expires_at": begun.expires_at, "connection": begun.connection,
        }));
    }
    output::line(url)?;
    eprintln!(
        "open it in a browser, or send it to whoever administers the account; connection {} is {} until \
         somebody has signed in",
        begun.connection.id, begun.connection.state
    );
    Ok(())
}
